"""What a file is that is no capture, and what to do: the words of a message."""

from __future__ import annotations

import re

import msgspec

from taskaudit.sources.formats import CHARLES, ENTRIES_ALONE, IS_CALL, POSTMAN
from taskaudit.sources.window import Window

LOOK = 64 * 1024
"""Bytes looked at."""

EMPTY = "an empty file"
_READ = (
    "a HAR, a flow file of mitmproxy, what curl -i, curl -v or http -v printed, a debug log of Terraform, "
    "a body of JSON alone"
)
A_HAR = 'save a HAR: in the browser\'s developer tools, Network, "Save all as HAR"'

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"BM": "a picture (BMP)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it and give the files",
    b"Rar!\x1a\x07": "a RAR archive: unpack it and give the files",
    b"BZh": "data compressed with bzip2: unpack it first",
    b"\xfd7zXZ\x00": "data compressed with xz: unpack it first",
    b"\xac\xed\x00\x05": "a session of Charles: export it as HAR (File, Export Session)",
    b"\xd4\xc3\xb2\xa1": "a packet capture, whose HTTPS nobody can read: audit by the proxy, or give a HAR",
    b"\xa1\xb2\xc3\xd4": "a packet capture, whose HTTPS nobody can read: audit by the proxy, or give a HAR",
    b"\x0a\x0d\x0d\x0a": "a packet capture, whose HTTPS nobody can read: audit by the proxy, or give a HAR",
    b"SQLite format 3\x00": "a SQLite database; a store of taskaudit is read with: taskaudit report",
    b"\x7fELF": "a program",
}
_FAILED = re.compile(rb"^(?:curl: \(\d+\)|https?: error: )", re.MULTILINE)


def what_it_is(window: Window) -> str:
    """`a picture (PNG)`, `text ...: what to do`. The window holds no capture, and stays where it is."""
    window.has(LOOK)
    head = bytes(window.data[window.at : window.at + LOOK])
    if not head.strip():
        return EMPTY
    kind = "binary data" if b"\x00" in head else "text"
    return _by_magic(head) or _by_text(head) or f"{kind}, and none of what is read: {_READ}"


def _by_magic(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a picture (WebP)"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it and give the files"
    if head.lstrip()[:5] == b"%PDF-":
        return "a PDF document"
    return next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)


def _by_text(head: bytes) -> str | None:
    if CHARLES.search(head):
        return "a session of Charles in JSON: export it as HAR (File, Export Session)"
    if POSTMAN.search(head):
        return "a collection of Postman, which holds requests to send"
    if ENTRIES_ALONE.match(head):
        return f'entries of a HAR without their "log": {A_HAR}'
    if IS_CALL.match(head):
        return "JSON in the call of a function (JSONP): give what is between its parentheses alone"
    if head.lstrip().startswith(b"{"):
        return f'JSON with a "log" that has no "entries", as a HAR has: {A_HAR}'
    if _FAILED.search(head):
        return "the message of a command that got no answer"
    return "text before JSON: give the JSON alone" if _ends_in_json(head) else None


def _ends_in_json(head: bytes) -> bool:
    """Whether an object or array begins a later line, and goes on to the end, as far as is looked at."""
    found = re.search(rb"^[ \t]*[{\[]", head, re.MULTILINE)
    if not found:
        return False
    try:
        msgspec.json.decode(head[found.start() :])
    except msgspec.DecodeError as error:
        return len(head) == LOOK and "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        return False
    return True
