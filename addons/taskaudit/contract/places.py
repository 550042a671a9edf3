"""Where things stand in a JSON text: values by JSON Pointer (RFC 6901), repeated members, lines and columns.

One tolerant tokenizer (`walk`) feeds everything here. It never raises: where the text stops being JSON
(RFC 8259) it stops too, and what came before counts. It does not recurse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from taskaudit.contract.verdict import Place

_BLANKS = r"[ \t\n\r]*+"
# Possessive throughout: a string of 1 MiB that never ends must not be tried in every shorter way.
_PLAIN = r'[^"\\\x00-\x1f]*+'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"

_BLANK = re.compile(_BLANKS)
_NAME = re.compile(rf"{_BLANKS}({_STRING}){_BLANKS}:")
_VALUE = re.compile(rf"{_BLANKS}(?:({_STRING}|{_NUMBER}|true|false|null)|([\[{{]))")
_CLOSE = re.compile(rf"{_BLANKS}[\]}}]")
_NEXT = re.compile(rf"{_BLANKS}([,\]}}])")


class Span(NamedTuple):
    """Offsets into the text, in characters; `end` is the first one past it."""

    start: int
    end: int


OPEN: Final = 1
"""An object or array begins; its end comes with the `CLOSE` that belongs to it."""
CLOSE: Final = 2
SCALAR: Final = 3
STOP: Final = 4
"""The last step: here the text ends, or stops being JSON."""

type Key = str | int | None
"""How a value is named in what holds it: raw text of the name, quotes included, or the array index. At a STOP
the name of the value that was expected there; None if no value was."""

type Step = tuple[int, Key, int, int, int]
"""Mark, key, where the name starts (-1 for none), start and end of the value (of the bracket)."""


def walk(text: str) -> Iterator[Step]:
    """The text step by step, lazily; always ends with a STOP, which is at `len(text)` for valid JSON."""
    outer: list[tuple[str, int]] = []
    closer, index, pos = "", 0, 0
    while True:
        key: Key = index
        name_at = -1
        if closer == "}":
            name = _NAME.match(text, pos)
            if name is None:
                yield _stop(text, pos, None)
                return
            key, name_at, pos = name[1], name.start(1), name.end()
        value = _VALUE.match(text, pos)
        if value is None:
            yield _stop(text, pos, key)
            return
        pos = value.end()
        if value.lastindex == 1:
            yield SCALAR, key, name_at, value.start(1), pos
        else:
            yield OPEN, key, name_at, pos - 1, pos
            outer.append((closer, index))
            closer, index = "]" if value[2] == "[" else "}", 0
            empty = _CLOSE.match(text, pos)
            if empty is None or text[empty.end() - 1] != closer:
                continue
        while closer:
            after = _NEXT.match(text, pos)
            if after is None or after[1] not in ("," + closer):
                yield _stop(text, pos, None)
                return
            pos = after.end()
            if after[1] == ",":
                index += 1
                break
            yield CLOSE, None, -1, pos - 1, pos
            closer, index = outer.pop()
        else:
            yield _stop(text, pos, None)
            return


def _stop(text: str, pos: int, key: Key) -> Step:
    blank = _BLANK.match(text, pos)
    pos = blank.end() if blank else pos
    return STOP, key, -1, pos, pos


def pointer_to(keys: Sequence[Key]) -> str:
    """The JSON Pointer of the value reached by `keys`, the first of which (the top level's) is no step."""
    return "".join("/" + _name(key).replace("~", "~0").replace("/", "~1") for key in keys[1:])


def _name(key: Key) -> str:
    if not isinstance(key, str):
        return str(key)
    return str(json.loads(key)) if "\\" in key else key[1:-1]


class _Wanted:
    """A value somebody asks for, or one on the way there."""

    __slots__ = ("below", "end", "inside", "start")

    def __init__(self) -> None:
        self.below: dict[str, _Wanted] = {}
        self.start = self.end = -1
        self.inside = -1
        """Where the container that this was last seen in starts."""


def locate(text: str, pointers: Collection[str]) -> dict[str, Span]:
    """The span of the value at each JSON Pointer, of those that exist; of repeated members the last wins.

    `""` is the whole text without the blanks around it.
    """
    found: dict[str, Span] = {}
    if "" in pointers and (whole := text.strip(" \t\n\r")):
        start = text.index(whole[0])
        found[""] = Span(start, start + len(whole))
    top = _tree(pointers)
    if top.below:
        _visit(text, top)
        found |= {p: span for p in pointers if p and (span := _span(top, p))}
    return found


def _tree(pointers: Collection[str]) -> _Wanted:
    top = _Wanted()
    for pointer in pointers:
        if pointer.startswith("/"):
            node = top
            for token in _tokens(pointer):
                node = node.below.setdefault(token, _Wanted())
    return top


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _visit(text: str, top: _Wanted) -> None:
    """Notes on each wanted value where it was last seen, and in what."""
    path: list[_Wanted | None] = []
    for mark, key, _, start, end in walk(text):
        if mark == CLOSE:
            node = path.pop()
            if node is not None:
                node.end = end
            continue
        holder = path[-1] if path else None
        node = top if not path else holder.below.get(_name(key)) if holder is not None else None
        if node is not None and mark != STOP:
            node.start, node.end = start, end if mark == SCALAR else -1
            node.inside = holder.start if holder is not None else -1
        if mark == OPEN:
            path.append(node)


def _span(top: _Wanted, pointer: str) -> Span | None:
    node, holder_start = top, -1
    for token in _tokens(pointer):
        holder_start, node = node.start, node.below[token]
        # Seen in an earlier object of the same name, which the last one replaced.
        if node.start < 0 or node.inside != holder_start:
            return None
    return Span(node.start, node.end) if node.end >= 0 else None


def duplicates(text: str, most: int) -> tuple[list[tuple[str, Span]], int]:
    """The members that repeat one of the same object (RFC 8259 §4), and how many there are beyond `most`.

    For each, once however often it is repeated: its pointer, and the span of its second name. Names are
    compared after unescaping.
    """
    listed: list[tuple[str, Span]] = []
    more = 0
    keys: list[Key] = []
    counts: list[dict[str, int]] = []
    for mark, key, name_at, _, _ in walk(text):
        if name_at >= 0 and isinstance(key, str):
            name = _name(key)
            counts[-1][name] = times = counts[-1].get(name, 0) + 1
            if times == 2 and len(listed) < most:
                listed.append((pointer_to([*keys, key]), Span(name_at, name_at + len(key))))
            elif times == 2:
                more += 1
        if mark == OPEN:
            keys.append(key)
            counts.append({})
        elif mark == CLOSE:
            keys.pop()
            counts.pop()
    return listed, more


def place(text: str, offset: int) -> Place:
    """Line and column of an offset, both from 1, in characters; lines end with a line feed."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Place(text.count("\n", 0, offset) + 1, offset - line_start + 1)


def enclosing(pointer: str) -> str:
    """The pointer to what holds the value at `pointer`; the top level is its own."""
    return pointer.rpartition("/")[0]
