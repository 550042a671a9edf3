"""Whatever a path or standard input holds, told by looking at it, not by its name."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.log.format import HEAD_SIZE, is_session
from taskaudit.sources.bare import names_envelope, read_bare
from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, Skipped, nothing
from taskaudit.sources.formats import HEAD, Format, format_of
from taskaudit.sources.har import read_har
from taskaudit.sources.no_capture import EMPTY, what_it_is
from taskaudit.sources.unpacked import unpacked
from taskaudit.sources.window import CHUNK, Readable, Window

__all__ = [
    "STDIN",
    "Captured",
    "Damage",
    "Format",
    "Met",
    "Reading",
    "Skipped",
    "expand",
    "format_of",
    "is_log",
    "read",
]

STDIN = Path("-")
"""The path that means standard input."""

STANDARD_INPUT = "standard input"

_NOTHING = "nothing on standard input: did the command before it fail?"
_PACKED_NAMES = (".gz", ".zst", ".zz", ".zlib")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Met(Path):
    """A file that was met in a folder: nobody said that it is a capture."""


def is_log(path: Path) -> bool:
    """Whether a file is a log of taskaudit; False where it cannot be read."""
    try:
        with _opened(path) as stream:
            return is_session(stream.read(HEAD_SIZE))
    except OSError:
        return False


def expand(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to read: folders are walked in sorted order, without hidden files and folders in them.

    A path that is named comes back even when it is hidden or not there: `read` says why it cannot be read.
    One that was not named is a `Met`, of which `read` skips what is no capture.
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
            yield Met(entry)


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
    `stream`: what to read in place of opening `source`. What is no capture is a damage, but `Skipped` in an
    archive, or where the path is a `Met`.
    """
    how = _How(limit, chunk, passes_by, isinstance(source, Met))
    if not isinstance(source, Path):
        yield from _read(Window(source, advance, chunk), how)
        return
    name = STANDARD_INPUT if source == STDIN else str(source)
    try:
        if source == STDIN or stream is not None:
            yield from _read(Window(stream or sys.stdin.buffer, advance, chunk), how, name)
        else:
            with _opened(source) as stream:
                yield from _read(Window(stream, advance, chunk), how, name, source)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield Damage(name, f"cannot be read: {reason}")


@dataclass(frozen=True, slots=True)
class _How:
    """How sources are read, and whether what is no capture is skipped."""

    limit: int
    chunk: int
    passes_by: PassesBy
    skips: bool


def _opened(path: Path) -> BinaryIO:
    # Unbuffered: the window reads in large pieces.
    return open(path, "rb", buffering=0)


def _read(window: Window, how: _How, name: str = "", path: Path | None = None) -> Reading:
    window.has(HEAD)
    if window.data.startswith(_ZIP):
        yield from _read_zip(window, how, path)
    else:
        yield from _read_file(window, how, name)


def _read_file(window: Window, how: _How, name: str) -> Generator[Captured | Damage | Skipped, None, bool]:
    """What a source holds that is no archive; gives back whether that is a capture. `name` is the file's."""
    window, damages = unpacked(window)
    for packed in _PACKED_NAMES:
        name = name.removesuffix(packed)
    held = format_of(window, name)
    is_capture = held not in (Format.NONE, Format.LOG)
    if held is Format.BARE:
        is_capture = yield from _read_bare(window, how)
    elif is_capture:
        yield from _read_exchanges(window, held, how)
    elif not damages:
        yield _not_read(window, held, how, name)
    yield from damages
    return is_capture or bool(damages)


def _read_bare(window: Window, how: _How) -> Generator[Captured | Damage | Skipped, None, bool]:
    """A bare body; one that nobody named has to name an envelope to be taken for one."""
    captured = read_bare(window, how.limit)
    if how.skips and not names_envelope(captured.exchange):
        yield Skipped("neither job_id nor error in it")
        return False
    yield captured
    return True


def _read_exchanges(window: Window, held: Format, how: _How) -> Reading:
    # Imported only here: mitmproxy, and the patterns of the others, take longer than a small file to check.
    match held:
        case Format.FLOWS:
            from taskaudit.sources.flowfile import read_flows

            yield from read_flows(window, how.passes_by)
        case Format.HAR | Format.BROKEN_HAR:
            yield from read_har(window, how.passes_by, is_whole=held is Format.HAR)
        case Format.RAW:
            from taskaudit.sources.rawhttp import read_raw, taken
            from taskaudit.sources.transcript import as_sent

            yield from read_raw(as_sent(taken(window, how.limit)), how.limit)
        case Format.TRANSCRIPT:
            from taskaudit.sources.rawhttp import read_raw, taken
            from taskaudit.sources.transcript import without_marks

            yield from read_raw(without_marks(taken(window, how.limit)), how.limit)
        case _:
            from taskaudit.sources.terraform import read_debug_log

            for found in read_debug_log(window, how.limit, how.passes_by):
                if how.skips and isinstance(found, Damage) and not found.where:
                    yield Skipped(found.message)
                else:
                    yield found


def _not_read(window: Window, held: Format, how: _How, name: str) -> Damage | Skipped:
    if held is Format.LOG:
        return _no_capture("a log of taskaudit; read it with: taskaudit jobs", how)
    what = what_it_is(window)
    return _no_capture(_NOTHING if what == EMPTY and name == STANDARD_INPUT else what, how)


def _no_capture(what: str, how: _How) -> Damage | Skipped:
    """Skipped where nobody said that it was one."""
    return Skipped(what) if how.skips else Damage("", f"not a capture: {what}")


def _read_zip(window: Window, how: _How, path: Path | None) -> Reading:
    # Only here, since archives are seldom.
    from taskaudit.sources.zipped import read_zip

    inner, captures = replace(how, skips=True), 0

    def read_member(stream: Readable, name: str) -> Reading:
        nonlocal captures
        captures += yield from _read_file(Window(stream, None, how.chunk), inner, name)

    said = "a zip archive without a capture"
    for found in read_zip(window, path if path and path.is_file() else None, read_member):
        if isinstance(found, Skipped) and not found.member:
            said = found.message
            continue
        captures += isinstance(found, Damage)
        yield found
    if not captures:
        yield _no_capture(said, how)
