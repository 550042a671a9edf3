"""Typed netstrings, as mitmproxy writes its flows, read without building what is not wanted.

`5:hello,` is a length, a colon, that many bytes, and a type: `,` bytes, `;` text, `#` integer, `^` float,
`!` boolean, `~` null, `]` list, `}` dictionary. Every function here raises ValueError on anything else.
"""

from __future__ import annotations

import re
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
    kind, start, end = span
    if kind != BYTES:
        raise ValueError(f"no bytes at byte {start}")
    return data[start:end]


def text(data: bytes, span: Span) -> str:
    kind, start, end = span
    if kind != TEXT:
        raise ValueError(f"no text at byte {start}")
    return data[start:end].decode()


def number(data: bytes, span: Span) -> int | float:
    kind, start, end = span
    if kind == INTEGER:
        return int(data[start:end])
    if kind == FLOAT:
        return float(data[start:end])
    raise ValueError(f"no number at byte {start}")


_PAIR = re.compile(rb"(\d+):(\d+):([^,]*),(\d+):([^]]*),\]")


def pairs(data: bytes, span: Span) -> list[tuple[bytes, bytes]]:
    """A list of lists of two byte strings: header lines."""
    kind, start, end = span
    if kind != LIST:
        raise ValueError(f"no list at byte {start}")
    # Most header lines have no comma in their name and no bracket in their value: then one search finds them
    # all, and their lengths tell whether it is so.
    found = _PAIR.findall(data, start, end)
    size = 0
    for line_size, name_size, name, value_size, value in found:
        inner = len(name_size) + len(name) + len(value_size) + len(value) + 4
        if int(name_size) != len(name) or int(value_size) != len(value) or int(line_size) != inner:
            break
        size += len(line_size) + inner + 2
    if size == end - start:
        return [(name, value) for _, _, name, _, value in found]
    return _pairs_by_length(data, start, end)


def _pairs_by_length(data: bytes, start: int, end: int) -> list[tuple[bytes, bytes]]:
    lines = []
    find = data.index
    while start < end:
        colon = find(b":", start, start + 13)
        stop = colon + 1 + int(data[start:colon])
        name_colon = find(b":", colon + 1, colon + 14)
        name_end = name_colon + 1 + int(data[colon + 1 : name_colon])
        value_colon = find(b":", name_end + 1, name_end + 14)
        value_end = value_colon + 1 + int(data[name_end + 1 : value_colon])
        if not colon < name_colon < name_end < value_colon < value_end == stop - 1 < end - 1:
            raise ValueError(f"no list of two at byte {start}")
        if not data[name_end] == data[value_end] == BYTES or data[stop] != LIST:
            raise ValueError(f"no list of two byte strings at byte {start}")
        lines.append((data[name_colon + 1 : name_end], data[value_colon + 1 : value_end]))
        start = stop + 1
    return lines
