"""Walking through JSON text in a window by its brackets, without reading the values into objects."""

from __future__ import annotations

import re

from taskaudit.sources.captured import excerpt
from taskaudit.sources.window import Window

LONGEST_VALUE = 128 * 1024 * 1024
"""Bytes. A longer value is taken for one whose brackets do not match: memory stays bounded."""

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEY = re.compile(rb"(%s)[ \t\r\n]*+:" % _STRING, re.DOTALL)
_SCALAR = re.compile(rb'[^][{}",:\s]++(?=[][{}",:\s])')
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?+)|[][{}]', re.DOTALL)


def _nested(depth: int) -> bytes:
    between = rb'[^][{}"]*+'
    value = _STRING
    for _ in range(depth):
        value = rb"[\[{]%s(?:(?:%s|%s)%s)*+[\]}]" % (between, _STRING, value, between)
    return value


# One match a value instead of one a bracket: an entry nests some eight deep. Deeper ones are counted out.
_SHALLOW = re.compile(_nested(12), re.DOTALL)


NO_MEMBER = "found none"
"""How the message ends on a whole object without a member."""


class CannotSplit(Exception):
    """The brackets are not where JSON has them: says what was expected and found."""


def next_character(window: Window) -> str:
    """The next one that is not white space, `""` at the end; steps up to it."""
    while True:
        found = _SPACE.match(window.data, window.at)
        window.at = found.end() if found else window.at
        if window.at < len(window.data):
            return chr(window.data[window.at])
        if not window.more():
            return ""


def value_end(window: Window) -> int:
    """Where the object or array at the window ends, in its data."""
    while (end := _closed(window.data, window.at)) is None:
        if len(window.data) - window.at > LONGEST_VALUE:
            raise CannotSplit(f"expected the end of a value within {LONGEST_VALUE} bytes, found none")
        if not window.more():
            raise CannotSplit("expected the end of a value, found the end of the file")
    return end


def _closed(data: bytearray, start: int) -> int | None:
    shallow = _SHALLOW.match(data, start)
    if shallow:
        return shallow.end()
    depth = 0
    for token in _TOKEN.finditer(data, start):
        if token[0] in (b"[", b"{"):
            depth += 1
        elif token[0] in (b"]", b"}"):
            depth -= 1
            if not depth:
                return token.end()
        elif not token[1]:
            return None
    return None


def without_deep(text: bytes, deepest: int) -> bytes:
    """JSON text with `null` for each object and array that lies deeper than `deepest` levels."""
    kept, at, depth = bytearray(), 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth == deepest + 1:
                kept += text[at : token.start()] + b"null"
        elif token[0] in (b"]", b"}"):
            if depth == deepest + 1:
                at = token.end()
            depth -= 1
    return bytes(kept + text[at:])


def skip_value(window: Window) -> None:
    """Step over the value at the window."""
    character = next_character(window)
    if character in ("{", "["):
        window.at = value_end(window)
    else:
        window.at = _until(window, _STRING_OR_SCALAR).end()


_STRING_OR_SCALAR = re.compile(_STRING + rb"|" + _SCALAR.pattern, re.DOTALL)


def _until(window: Window, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
    while not (found := pattern.match(window.data, window.at)):
        if len(window.data) - window.at > LONGEST_VALUE or not window.more():
            rest = window.data[window.at : window.at + 24]
            raise CannotSplit(f"expected a member of an object, found {excerpt(rest)}")
    return found


def enter_member(window: Window, name: str) -> None:
    """From the start of an object, go to the value of its first member of that name."""
    if next_character(window) != "{":
        raise CannotSplit(f"expected an object with {name!r}")
    window.at += 1
    wanted = f'"{name}"'.encode()
    while next_character(window) != "}":
        if _key(window) == wanted:
            next_character(window)
            return
        skip_value(window)
        _comma(window)
    raise CannotSplit(f"expected a member {name!r}, {NO_MEMBER}")


def leave(window: Window) -> None:
    """From after a value in an object, go behind the end of the object."""
    while _comma(window) != "}":
        _key(window)
        skip_value(window)
    window.at += 1


def at_end_of_text(window: Window) -> None:
    """Raises CannotSplit where more than blanks follows."""
    if next_character(window):
        raise CannotSplit(f"expected the end, found {excerpt(window.data[window.at : window.at + 1])}")


def _key(window: Window) -> bytes:
    next_character(window)
    found = _until(window, _KEY)
    window.at = found.end()
    return found[1]


def _comma(window: Window) -> str:
    """Step over a comma, or up to the end of the object."""
    character = next_character(window)
    if character == ",":
        window.at += 1
        next_character(window)
    elif character != "}":
        rest = excerpt(window.data[window.at : window.at + 1])
        raise CannotSplit(f"expected a comma or the end of an object, found {rest}")
    return character
