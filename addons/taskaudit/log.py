"""The log file: append-only NDJSON. Opening, repairing, appending, reading."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

if sys.platform != "win32":
    import fcntl

_TAIL = 65536
# How every log starts, digits as zeros.
_SESSION = b'{"timestamp":"0000-00-00T00:00:00.000000Z","event_type":"session"'
_DIGIT = re.compile(rb"[0-9]")


class LogError(Exception):
    """The log cannot be used; the message names the file and says why."""


class LogFile:
    """An open log. Mode 0600 where it is created; one process at a time.

    `repaired` is where a partial last line, left by a crash, was put aside, or None.
    Raises LogError where the file cannot be opened, is in use, or is not a log of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._torn: int | None = None
        try:
            self._fd = os.open(
                path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600
            )
        except OSError as error:
            raise LogError(f"cannot open the log {path}: {error.strerror}") from error
        try:
            self._lock()
            self.repaired = self._repair()
        except OSError as error:
            os.close(self._fd)
            raise LogError(f"cannot use the log {path}: {error.strerror}") from error
        except LogError:
            os.close(self._fd)
            raise

    def append(self, lines: bytes) -> None:
        """Writes whole lines with one `write`; raises OSError and leaves nothing of them where it fails."""
        if self._torn is not None:
            os.ftruncate(self._fd, self._torn)
            self._torn = None
        written = os.write(self._fd, lines)
        if written < len(lines):
            self._torn = os.fstat(self._fd).st_size - written
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._torn)
                self._torn = None
            raise OSError(28, f"only {written} of {len(lines)} bytes could be written")

    def close(self) -> None:
        """Closes the file and lets another process have it; a later `append` raises OSError."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1  # The number may soon be another file's, or a connection's.

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogError(
                f"the log {self.path} is in use by another audit; give each its own file"
            ) from error

    def _repair(self) -> Path | None:
        """Refuses a file that is not ours; puts a partial last line aside."""
        size = os.fstat(self._fd).st_size
        if size == 0:
            return None
        if not _is_ours(os.pread(self._fd, len(_SESSION), 0)):
            raise LogError(
                f"{self.path} is not a log of taskaudit (its first line is no session record); "
                "it is left as it is: name another file"
            )
        end = self._last_newline(size)
        if end == size:
            return None
        aside = self.path.with_name(f"{self.path.name}.partial-{time.time_ns()}")
        kept = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(kept, os.pread(self._fd, size - end, end))
        finally:
            os.close(kept)
        os.ftruncate(self._fd, end)
        return aside

    def _last_newline(self, size: int) -> int:
        """The offset just behind the last newline; 0 where there is none."""
        start = size
        while start > 0:
            begin = max(0, start - _TAIL)
            found = os.pread(self._fd, start - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            start = begin
        return 0


class Damaged(NamedTuple):
    """A line of a log that is no record. `line` counts from 1."""

    path: Path
    line: int
    reason: str


def read_log(path: Path) -> Iterator[dict[str, Any] | Damaged]:
    """Every record of a log, in order; a line that is no record is told, and the rest still read.

    Raises LogError where the file cannot be opened or is not ours.
    """
    for item in _lines(path, follow=False):
        if item is not None:
            yield item


def follow_log(path: Path) -> Iterator[dict[str, Any] | Damaged | None]:
    """As `read_log`, but goes on as the file grows: None stands for "no more for now", and it does not end.

    A last line that is not finished yet is left alone.
    """
    return _lines(path, follow=True)


def _lines(path: Path, *, follow: bool) -> Iterator[dict[str, Any] | Damaged | None]:
    try:
        with path.open("rb") as file:
            yield from _records(path, file, follow)
    except OSError as error:
        raise LogError(f"cannot read the log {path}: {error.strerror}") from error


def _records(path: Path, file: Any, follow: bool) -> Iterator[dict[str, Any] | Damaged | None]:
    number, pending = 0, b""
    while True:
        chunk = file.readline()
        pending += chunk
        if pending.endswith(b"\n"):
            number += 1
            if number == 1:
                _check_ours(path, pending)
            yield _record(path, number, pending)
            pending = b""
        elif not chunk:
            if not follow:
                break
            yield None
    if pending:
        if number == 0:
            _check_ours(path, pending)
        yield Damaged(path, number + 1, "the line is not finished: the audit is still running, or was killed")


def _check_ours(path: Path, first_line: bytes) -> None:
    if not _is_ours(first_line):
        raise LogError(f"{path} is not a log of taskaudit: its first line is no session record")


def _record(path: Path, number: int, line: bytes) -> dict[str, Any] | Damaged:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Damaged(path, number, f"not JSON ({error})")
    event_type = record.get("event_type") if isinstance(record, dict) else None
    if isinstance(event_type, str) and isinstance(record.get(event_type), dict):
        return cast(dict[str, Any], record)
    return Damaged(path, number, "not a record: no object named after its event_type")


def _is_ours(head: bytes) -> bool:
    """Whether a file that starts like this is a log: its first line is a session record, perhaps cut."""
    return _SESSION.startswith(_DIGIT.sub(b"0", head[: len(_SESSION)]))
