"""Typed netstrings, as mitmproxy writes its flows, read without building what is not wanted.

`5:hello,` is a length, a colon, that many bytes, and a type: `,` bytes, `;` text, `#` integer, `^` float,
`!` boolean, `~` null, `]` list, `}` dictionary. Every function here raises ValueError on anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

type Span = tuple[int, int, int]
"""Type, start and end of a value's bytes; the type is the code of its character."""

BYTES, TEXT, INTEGER, FLOAT, NULL, LIST, DICT = b",;#^~]}"


def spans(data: bytes, start: int, end: int) -> Iterator[Span]:
    """The values that lie one after the other in `data[start:end]`."""
    while start < end:
        colon = data.index(b":", start, start + 13)
        after = colon + 1 + int(data[start:colon])
        if not colon < after < end:
            raise ValueError(f"a length runs past its container at byte {start}")
        yield data[after], colon + 1, after
        start = after + 1


def members(data: bytes, span: Span) -> dict[bytes, Span]:
    """The members of a dictionary, unread. Their names are of less than 100 bytes, without a colon."""
    kind, start, end = span
    if kind != DICT:
        raise ValueError(f"no dictionary at byte {start}")
    found = {}
    find = data.index
    while start < end:
        # Behind the colon after the name's length, of one digit or two, is that after the value's.
        colon = find(b":", start + 3, start + 120)
        name, size = _head(data[start:colon])
        value_end = colon + 1 + size
        if not colon < value_end < end:
            raise ValueError(f"a length runs past its container at byte {start}")
        found[name] = data[value_end], colon + 1, value_end
        start = value_end + 1
    return found


@lru_cache(maxsize=4096)
def _head(head: bytes) -> tuple[bytes, int]:
    """Name and length of `8:response;657`. Flows are much alike: nearly every one has been met before."""
    colon = head.index(b":")
    name_end = colon + 1 + int(head[:colon])
    if name_end >= len(head):
        raise ValueError("a name of another length")
    return head[colon + 1 : name_end], int(head[name_end + 1 :])


def raw(data: bytes, span: Span) -> bytes:
    """The value of a byte string."""
    kind, start, end = span
    if kind != BYTES:
        raise ValueError(f"no bytes at byte {start}")
    return data[start:end]


def text(data: bytes, span: Span) -> str:
    """The value of a text."""
    kind, start, end = span
    if kind != TEXT:
        raise ValueError(f"no text at byte {start}")
    return data[start:end].decode()


def number(data: bytes, span: Span) -> int | float:
    """The value of an integer or a float."""
    kind, start, end = span
    if kind == INTEGER:
        return int(data[start:end])
    if kind == FLOAT:
        return float(data[start:end])
    raise ValueError(f"no number at byte {start}")


def pairs(data: bytes, span: Span) -> list[tuple[bytes, bytes]]:
    """A list of lists of two byte strings: header lines."""
    kind, start, end = span
    if kind != LIST:
        raise ValueError(f"no list at byte {start}")
    lines = []
    find = data.index
    while start < end:
        colon = find(b":", start, start + 13)
        stop = colon + 1 + int(data[start:colon])
        if not colon < stop < end or data[stop] != LIST:
            raise ValueError(f"no list of two at byte {start}")
        line = data[colon + 1 : stop]
        lines.append(_pair(line) if len(line) < _REMEMBERED else _pair.__wrapped__(line))
        start = stop + 1
    return lines


_REMEMBERED = 200
"""Bytes; longer header lines are seldom met again."""


@lru_cache(maxsize=4096)
def _pair(line: bytes) -> tuple[bytes, bytes]:
    """Name and value of `4:Host,9:localhost,`. Most header lines have been met before."""
    (name_kind, name, name_end), (value_kind, value, value_end) = spans(line, 0, len(line))
    if not name_kind == value_kind == BYTES:
        raise ValueError("no two byte strings")
    return line[name:name_end], line[value:value_end]
