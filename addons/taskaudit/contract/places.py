"""Where things stand in a JSON text: values by JSON Pointer (RFC 6901), repeated members, lines and columns.

One tolerant tokenizer (`walk`) feeds everything here. It never raises: where the text stops being JSON
(RFC 8259) it stops too, and what came before counts. It does not recurse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from taskaudit.contract.verdict import Place

_BLANKS = r"[ \t\n\r]*+"
# Possessive throughout: a string of 1 MiB that never ends must not be tried in every shorter way.
_PLAIN = r'[^"\\\x00-\x1f]*+'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"

_BLANK = re.compile(_BLANKS)
_NAME = re.compile(rf"{_BLANKS}({_STRING}){_BLANKS}:{_BLANKS}")
_VALUE = re.compile(rf"{_BLANKS}(?:({_STRING}|{_NUMBER}|true|false|null)|([\[{{]))")
_CLOSE = re.compile(rf"{_BLANKS}[\]}}]")
_NEXT = re.compile(rf"{_BLANKS}([,\]}}])")

# Only where a value ends is asked of it; numbers are not made, as one of 5,000 digits raises.
_skip: Callable[[str, int], tuple[object, int]] = json.JSONDecoder(parse_int=len, parse_float=len).scan_once  # type: ignore[attr-defined]  # typeshed does not know it


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
    return "".join("/" + escape_token(_name(key)) for key in keys[1:])


def escape_token(name: str) -> str:
    """A member's name as a reference token of a JSON Pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _name(key: Key) -> str:
    if not isinstance(key, str):
        return str(key)
    return str(json.loads(key)) if "\\" in key else key[1:-1]


type _Wanted = dict[str, _Wanted]
"""The values somebody asks for, with those on the way there, by the tokens of their pointers."""


def locate(text: str, pointers: Collection[str]) -> dict[str, Span]:
    """The span of the value at each JSON Pointer, of those that exist; of repeated members the last wins.

    `""` is the whole text without the blanks around it. Values on the way to those asked for are there, too.
    """
    found: dict[str, Span] = {}
    wanted = _tree(pointers)
    if wanted:
        try:
            _enter(text, _past_blanks(text, 0), wanted, "", found)
        except (ValueError, StopIteration, IndexError, RecursionError):  # Not JSON, or very deep.
            found = locate_by_walk(text, pointers)
    if "" in pointers and (whole := text.strip(" \t\n\r")):
        start = text.index(whole[0])
        found[""] = Span(start, start + len(whole))
    return found


def _tree(pointers: Collection[str]) -> _Wanted:
    top: _Wanted = {}
    for pointer in pointers:
        if pointer.startswith("/"):
            node = top
            for token in tokens(pointer):
                node = node.setdefault(token, {})
    return top


def tokens(pointer: str) -> list[str]:
    """The reference tokens of a JSON Pointer, unescaped (RFC 6901, section 4)."""
    steps = pointer.split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in steps] if "~" in pointer else steps


def _past_blanks(text: str, pos: int) -> int:
    blank = _BLANK.match(text, pos)
    return blank.end() if blank else pos


def _enter(text: str, at: int, wanted: _Wanted, pointer: str, found: dict[str, Span]) -> int:
    """Notes the value at `at` and what is wanted in it; gives where it ends.

    What nobody asks for is passed over at once. Raises ValueError or StopIteration where the text is no JSON.
    """
    if wanted and text[at] == "{":
        end = _enter_object(text, at + 1, wanted, pointer, found)
    else:
        end = _skip(text, at)[1]
        if wanted and text[at] == "[":
            _enter_array(text, at + 1, wanted, pointer, found)
    found[pointer] = Span(at, end)
    return end


def _enter_object(text: str, pos: int, wanted: _Wanted, pointer: str, found: dict[str, Span]) -> int:
    if empty := _CLOSE.match(text, pos):
        return empty.end()
    while True:
        name = _NAME.match(text, pos)
        if name is None:
            raise ValueError(pos)
        key, pos = _name(name[1]), name.end()
        below = wanted.get(key)
        if below is None:
            pos = _skip(text, pos)[1]
        else:
            inner = f"{pointer}/{escape_token(key)}"
            if inner in found:
                _forget(found, inner)
            pos = _enter(text, pos, below, inner, found)
        pos, is_last = _after(text, pos, "}")
        if is_last:
            return pos


def _enter_array(text: str, pos: int, wanted: _Wanted, pointer: str, found: dict[str, Span]) -> None:
    """As far as there is something wanted."""
    left = len(wanted)
    index, is_last = 0, _CLOSE.match(text, pos) is not None
    while left and not is_last:
        pos = _past_blanks(text, pos)
        below = wanted.get(str(index))
        if below is None:
            pos = _skip(text, pos)[1]
        else:
            left -= 1
            pos = _enter(text, pos, below, f"{pointer}/{index}", found)
        pos, is_last = _after(text, pos, "]")
        index += 1


def _after(text: str, pos: int, closer: str) -> tuple[int, bool]:
    """Past a comma, or past the end of what holds the value that ended at `pos`."""
    after = _NEXT.match(text, pos)
    if after is None or after[1] not in ("," + closer):
        raise ValueError(pos)
    return after.end(), after[1] == closer


def _forget(found: dict[str, Span], pointer: str) -> None:
    """What was found in an earlier member of the same name."""
    for stale in [each for each in found if each == pointer or each.startswith(pointer + "/")]:
        del found[stale]


def locate_by_walk(text: str, pointers: Collection[str]) -> dict[str, Span]:
    """As `locate`, also for a text that stops being JSON: what came before counts. Takes longer."""
    wanted = _tree(pointers)
    found: dict[str, Span] = {}
    path: list[_Inside | None] = []
    for mark, key, _, start, end in walk(text):
        if mark == CLOSE:
            if (closed := path.pop()) is not None:
                found[closed.pointer] = Span(closed.start, end)
            continue
        here = _Inside("", wanted, start) if not path else _below(path[-1], key, start)
        if here is not None and mark != STOP:
            _forget(found, here.pointer)
            if mark == SCALAR:
                found[here.pointer] = Span(start, end)
        if mark == OPEN:
            path.append(here)
    return found


class _Inside(NamedTuple):
    pointer: str
    wanted: _Wanted
    start: int


def _below(holder: _Inside | None, key: Key, start: int) -> _Inside | None:
    name = _name(key)
    if holder is None or (wanted := holder.wanted.get(name)) is None:
        return None
    return _Inside(f"{holder.pointer}/{escape_token(name)}", wanted, start)


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
