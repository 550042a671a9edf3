"""The log that is read: all its files in order, compressed or not, each told once.

Files are known by their first lines, which are unique: so a file that is renamed or compressed meanwhile is
not read twice, and none is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from taskaudit.log.decoding import Broken, coding_of, decoded
from taskaudit.log.format import Damaged, LogError, is_ours
from taskaudit.log.names import PACKED, is_rotated, siblings

_AT_ONCE = 64 * 1024
"""Bytes."""
_LINES_AT_ONCE = 20

UNFINISHED_LINE = "the line is not finished: the audit is still running, or was killed"


type Line = tuple[Path, int, bytes | Damaged]
"""A file, the number of a line in it, from 1, and the whole line, or what is wrong with it."""

type Lines = tuple[Path, int, list[bytes | Damaged]]
"""A file, the number of a line in it, and that line with some that follow it."""

type Inode = tuple[int, int]
"""What a file is on its disk, whatever it is called."""


class _Start(NamedTuple):
    """What orders files: the first record of each."""

    time: str
    session: str
    seq: int


class Part(NamedTuple):
    """A rotated file. `first` is its first line, and says which it is; None where it is damaged."""

    path: Path
    first: bytes | None

    @property
    def identity(self) -> bytes:
        """Stays the same when the file is renamed or compressed, as far as it can be read."""
        return self.first or os.fsencode(self.path)


def read_log(path: Path) -> Iterator[dict[str, Any] | Damaged]:
    """Every record of a log, of its rotated files first; a line that is no record is told, and the rest read.

    Raises LogError where there is no such log, or it is not ours.
    """
    return map(record_of, read_lines(path))


def read_lines(path: Path, before: set[Inode] | None = None) -> Iterator[Line]:
    """As `read_log`, each with its place; `before` is as for `read_batches`."""
    return one_by_one(read_batches(path, before))


def one_by_one(batches: Iterable[Lines]) -> Iterator[Line]:
    """The lines of batches."""
    for path, first, lines in batches:
        for number, line in enumerate(lines, first):
            yield path, number, line


def read_batches(path: Path, before: set[Inode] | None = None) -> Iterator[Lines]:
    """As `read_lines`, many at once: one at a time they take longer to hand on than to read.

    Files that are in `before` are left out, and those that are read are added: for several paths that lead
    to the same files, as `today*` does.
    """
    for name, file in open_files(path, set() if before is None else before):
        yield from batches_of(name, file)


def open_files(path: Path, before: set[Inode]) -> Iterator[tuple[Path, BinaryIO]]:
    """The files of a log in order, each at its start and open until the next one is asked for.

    `before` is as for `read_batches`. Raises LogError.
    """
    with ExitStack() as opened:
        # Opened before the folder is looked at: whatever is rotated from now on is in one or the other.
        live = opened_if_there(path, opened)
        parts = parts_beside(path)
        if live is None and not parts:
            raise not_there(path)
        first = first_line(live) if live is not None else None
        for part in parts:
            if part.identity != first:
                yield from _open_part(part.path, before)
        if live is not None and _is_new(live, before):
            yield path, live


def read_part(path: Path) -> Iterator[Lines]:
    """The lines of a rotated file; none where it was deleted meanwhile. Raises LogError."""
    for name, file in _open_part(path, set()):
        yield from batches_of(name, file)


def _open_part(path: Path, before: set[Inode]) -> Iterator[tuple[Path, BinaryIO]]:
    for name in (path, path.with_name(path.name + PACKED)):
        with ExitStack() as opened:
            if (file := opened_if_there(name, opened)) is not None:
                if _is_new(file, before):
                    yield name, file
                return


def _is_new(file: BinaryIO, before: set[Inode]) -> bool:
    status = os.fstat(file.fileno())
    inode = status.st_dev, status.st_ino
    is_new = inode not in before
    before.add(inode)
    return is_new


def parts_beside(path: Path) -> list[Part]:
    """The rotated files of a log, in the order they were written; those that are not ours left out."""
    damaged: list[Part] = []
    known: dict[bytes, Path] = {}
    for each in siblings(Path(os.path.realpath(path))):
        first = _first_line_at(each)
        if first is not None:
            known.setdefault(first, each)
        elif is_rotated(path, each) and _holds_something(each):
            damaged.append(Part(each, None))
    return [*damaged, *(Part(known[first], first) for first in _in_order(known))]


def _in_order(firsts: Iterable[bytes]) -> list[bytes]:
    """By time; within a session, whose files a clock that is set back would mix up, by number."""
    starts = {first: start for first in firsts if (start := _start_in(first))}
    begins: dict[str, str] = {}
    for time, session, _ in starts.values():
        begins[session] = min(begins.get(session, time), time)
    return sorted(starts, key=lambda first: (begins[starts[first].session], *starts[first][1:]))


def first_line(file: BinaryIO) -> bytes | None:
    """The first line of an open file, which stands at its start again; None where it is not whole or ours."""
    try:
        coding = coding_of(file)
        line = file.readline() if coding is None else next(_split(decoded(file, coding)), b"")
    finally:
        file.seek(0)
    return line if isinstance(line, bytes) and line.endswith(b"\n") and is_ours(line) else None


def batches_of(path: Path, file: BinaryIO, *, is_whole: bool = True) -> Iterator[Lines]:
    """The lines of an open file. Raises LogError where it is not ours, as its first line tells.

    Where it `is_whole` no more, as it is only a part of the file, that is not looked at.
    """
    first = 1
    try:
        for raw in _raw_batches(file):
            if first == 1 and is_whole and isinstance(raw[0], bytes):
                check_ours(path, raw[0])
            yield path, first, [_told(path, number, line) for number, line in enumerate(raw, first)]
            first += len(raw)
    except OSError as error:
        raise LogError(f"cannot read the log {path}: {error.strerror}") from error


def _raw_batches(file: BinaryIO) -> Iterator[Sequence[bytes | Broken]]:
    if coding_of(file) is None:
        return iter(lambda: file.readlines(_AT_ONCE), [])
    return batched(packed_lines(file), _LINES_AT_ONCE)


def _told(path: Path, number: int, line: bytes | Broken) -> bytes | Damaged:
    if isinstance(line, Broken):
        return damage_at(path, number, line)
    return line if line[-1:] == b"\n" else unfinished(path, number)


def packed_lines(file: BinaryIO) -> Iterator[bytes | Broken]:
    """The lines of an open compressed file, which stands at its start, with their ends. Raises OSError."""
    coding = coding_of(file)
    assert coding is not None
    return _split(decoded(file, coding))


def damage_at(path: Path, number: int, broken: Broken) -> Damaged:
    """What is said of compressed data that is damaged before a line."""
    return Damaged(path, number, f"the compressed data is damaged at byte {broken.at} ({broken.reason})")


def unfinished(path: Path, number: int) -> Damaged:
    """What is said of a line without its end."""
    return Damaged(path, number, UNFINISHED_LINE)


def record_of(line: Line) -> dict[str, Any] | Damaged:
    """The record that a line holds, or what is wrong with it."""
    path, number, text = line
    if isinstance(text, Damaged):
        return text
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Damaged(path, number, f"not JSON ({error})")
    event_type = record.get("event_type") if isinstance(record, dict) else None
    if isinstance(event_type, str) and isinstance(record.get(event_type), dict):
        return cast(dict[str, Any], record)
    return Damaged(path, number, "not a record: no object named after its event_type")


def check_ours(path: Path, first: bytes) -> None:
    """Raises LogError where no log starts with this line."""
    if not is_ours(first):
        raise LogError(f"{path} is not a log of taskaudit: its first line is no session record")


def _split(chunks: Iterable[bytes | Broken]) -> Iterator[bytes | Broken]:
    """Lines with their ends. Where data is missing, the line that began before it is left out."""
    pending = b""
    for chunk in chunks:
        if isinstance(chunk, Broken):
            pending = b""
            yield chunk
            continue
        *whole, pending = (pending + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if pending:
        yield pending


def opened_if_there(path: Path, opened: ExitStack) -> BinaryIO | None:
    """The file, which `opened` closes; None where there is none. Raises LogError."""
    try:
        return opened.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LogError(f"cannot read the log {path}: {error.strerror}") from error


def not_there(path: Path) -> LogError:
    """What is said of a log without any file."""
    return LogError(f"cannot read the log {path}: No such file or directory")


def _first_line_at(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return first_line(file)
    except OSError:  # Deleted, or compressed, since the folder was looked at.
        return None


def _holds_something(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _start_in(first: bytes) -> _Start | None:
    record = record_of((Path(), 1, first))
    if isinstance(record, Damaged):
        return None
    time, session, seq = record.get("timestamp"), record.get("session_id"), record.get("seq")
    if isinstance(time, str) and isinstance(session, str) and isinstance(seq, int):
        return _Start(time, session, seq)
    return None
