"""Whatever a path or standard input holds, told by looking at it, not by its name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.sources.bare import read_bare
from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, nothing
from taskaudit.sources.har import read_har
from taskaudit.sources.json_window import CannotSplit, enter_member
from taskaudit.sources.rawhttp import read_raw
from taskaudit.sources.window import CHUNK, Readable, Window

__all__ = ["STDIN", "Captured", "Damage", "Format", "Reading", "expand", "format_of", "is_log", "read"]

STDIN = Path("-")
"""The path that means standard input."""

LOOK_AHEAD = 16 * 1024 * 1024
"""Bytes looked at, at most, to tell a HAR from another JSON text."""

_BOM = b"\xef\xbb\xbf"
# The length in front may be damaged; the name of a flow's first member tells.
_FLOW = re.compile(rb'(?:\d{1,12}:|[^{["\s].{0,12}?)\d{1,2}:[a-z_]+[,;]', re.DOTALL)
_LOG = re.compile(rb'\{"timestamp":"[^"]{1,40}","event_type":"session"')
_HEAD = 96
_RAW = re.compile(rb"(?:\xef\xbb\xbf)?HTTP/\d")


class Format(StrEnum):
    """What a source can hold."""

    FLOWS = "mitmproxy flow file"
    HAR = "HAR"
    RAW = "raw HTTP response"
    LOG = "log of taskaudit"
    BARE = "bare body"


def is_log(path: Path) -> bool:
    """Whether a file is a log of taskaudit; False where it cannot be read."""
    try:
        with _opened(path) as stream:
            return _LOG.match(stream.read(_HEAD)) is not None
    except OSError:
        return False


def expand(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to read: folders are walked in sorted order, without hidden files and folders in them.

    A path that is named comes back even when it is hidden or not there: `read` says why it cannot be read.
    """
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            yield from _walk(path)
        else:
            yield path


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        elif not entry.is_dir():
            yield entry


def read(
    source: Path | Readable,
    limit: int = DEFAULT_LIMIT,
    advance: Callable[[int], None] | None = None,
    chunk: int = CHUNK,
    passes_by: PassesBy = nothing,
    stream: Readable | None = None,
) -> Reading:
    """The exchanges in a source, in order, and each damage. Never raises on what it holds.

    `source`: a path, `STDIN`, or anything with `read(size)`. `limit`: the inspection limit in bytes; of a raw
    or bare body one byte more is kept. `advance` is told each number of bytes read; `chunk` is how many
    bytes are asked for at a time. Exchanges that `passes_by` names are left out; it costs little.
    `stream`: what to read in place of opening `source`.
    """
    if not isinstance(source, Path):
        yield from _read(Window(source, advance, chunk), limit, passes_by)
        return
    name = "standard input" if source == STDIN else str(source)
    try:
        if source == STDIN or stream is not None:
            yield from _read(Window(stream or sys.stdin.buffer, advance, chunk), limit, passes_by)
        else:
            with _opened(source) as stream:
                yield from _read(Window(stream, advance, chunk), limit, passes_by)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield Damage(name, f"cannot be read: {reason}")


def _opened(path: Path) -> BinaryIO:
    # Unbuffered: the window reads in large pieces.
    return open(path, "rb", buffering=0)


def _read(window: Window, limit: int, passes_by: PassesBy) -> Reading:
    match format_of(window):
        case Format.FLOWS:
            # Only here: mitmproxy takes longer to import than a small file to check.
            from taskaudit.sources.flowfile import read_flows

            yield from read_flows(window, passes_by)
        case Format.HAR:
            yield from read_har(window, passes_by)
        case Format.RAW:
            yield from read_raw(window, limit)
        case Format.LOG:
            yield Damage(
                "byte 0", "expected a capture, found a log of taskaudit; read it with: taskaudit jobs"
            )
        case Format.BARE:
            yield from read_bare(window, limit)


def format_of(window: Window) -> Format:
    """What the window holds. It stays where it is, but for a byte order mark before a HAR or raw response."""
    window.has(_HEAD)
    head = bytes(window.data[window.at : window.at + _HEAD])
    if _LOG.match(head):
        return Format.LOG
    if _FLOW.match(head):
        return Format.FLOWS
    mark = len(_BOM) if head.startswith(_BOM) else 0
    if _RAW.match(head):
        window.at += mark
        return Format.RAW
    if head[mark:].lstrip(b" \t\r\n")[:1] in (b"{", b"") and _is_har(window, mark):
        window.at += mark
        return Format.HAR
    return Format.BARE


def _is_har(window: Window, mark: int) -> bool:
    """Whether the JSON text has an object `log` with a member `entries`.

    Looks ahead in the window's data, read up to `LOOK_AHEAD`, and further only as far as it has to.
    """
    size = 4096
    while True:
        ended = not window.has(min(size, LOOK_AHEAD))
        start = bytes(memoryview(window.data)[window.at + mark :][:LOOK_AHEAD])
        told = _holds_entries(start)
        if told is not None:
            return told
        if ended or size >= LOOK_AHEAD:
            return False
        size *= 4


def _holds_entries(start: bytes) -> bool | None:
    """True or False as soon as the start of the text tells, None when it ends before."""
    look = Window(_Nothing())
    look.data += start
    try:
        enter_member(look, "log")
        enter_member(look, "entries")
    except CannotSplit:
        return None if look.ended else False
    return True


class _Nothing:
    def read(self, size: int, /) -> bytes:
        return b""
