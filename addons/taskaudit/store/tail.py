"""The lines of a log from where the last load ended, on and on as it grows and is rotated."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from taskaudit.exchange import stable_id
from taskaudit.log import LogError, read_log

CHUNK = 3 << 20
"""About how many bytes are taken at once: some 5,000 records."""
_ENDING = 256
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


class Position(NamedTuple):
    """How far a log was loaded. `log_id` is a digest of its first line, `ending` of the last bytes loaded."""

    log_id: str
    bytes: int
    lines: int
    ending: str


type Known = Callable[[str], Position | None]
"""Gives by `log_id` how far a log was loaded."""


class Tail:
    """The lines of the log at `path`. A file is known again by its first line, whatever its name is.

    Raises LogError where the file cannot be read or is no log of ours.
    """

    def __init__(self, path: Path, known: Known) -> None:
        self.path = path
        self._known = known
        self._file: BufferedReader | None = None
        self._log_id = ""
        self._bytes = self._lines = 0
        self.has_moved = False
        self._open()

    @property
    def position(self) -> Position | None:
        """Behind the last line that was taken; None where the log has no line yet."""
        if not self._log_id or self._file is None:
            return None
        return Position(self._log_id, self._bytes, self._lines, _ending(self._file, self._bytes))

    def take(self) -> tuple[int, list[bytes]]:
        """The number of the first, and the next whole lines; none where there are no more for now."""
        try:
            return self._lines + 1, self._take()
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def go_on(self) -> bool:
        """Whether there may be more, as the log was rotated; to be asked where there was no more.

        What was written before the rotation was seen is taken first, then the file that lies there now.
        """
        if self.has_moved:
            self.close()
            self._open()
            return True
        try:
            self.has_moved = self._is_another()
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return self.has_moved

    def rest(self) -> int:
        """The number of the unfinished line behind the last that was taken; 0 where there is none."""
        return self._lines + 1 if self._file is not None and self._file.peek(1) else 0

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        self._refuse_compressed()
        for _ in read_log(self.path):  # Raises where it is no log of ours.
            break
        try:
            self._file = self.path.open("rb")
            self.has_moved = False
            self._log_id, self._bytes, self._lines = "", 0, 0
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _refuse_compressed(self) -> None:
        try:
            with self.path.open("rb") as file:
                head = file.read(4)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if head.startswith(_COMPRESSED):
            raise LogError(f"{self.path} is compressed: unpack it first")

    def _resume(self) -> None:
        assert self._file is not None
        first = self._file.readline()
        self._file.seek(0)
        if not first.endswith(b"\n"):
            return
        self._log_id = stable_id(first)
        known = self._known(self._log_id)
        if known is not None and _ending(self._file, known.bytes) == known.ending:
            self._bytes, self._lines = known.bytes, known.lines
        self._file.seek(self._bytes)

    def _take(self) -> list[bytes]:
        assert self._file is not None
        if not self._log_id:
            self._resume()
        lines = self._file.readlines(CHUNK)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        self._bytes += sum(map(len, lines))
        self._lines += len(lines)
        self._file.seek(self._bytes)
        return lines

    def _is_another(self) -> bool:
        assert self._file is not None
        mine = os.fstat(self._file.fileno())
        if mine.st_size < self._bytes:
            return True
        with suppress(FileNotFoundError):  # Renamed, and the new one is not there yet.
            there = self.path.stat()
            return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)
        return False


def _ending(file: BufferedReader, end: int) -> str:
    """A digest of the last bytes before `end`; equal only while the file has so many."""
    here, start = file.tell(), max(0, end - _ENDING)
    file.seek(start)
    ending = file.read(end - start)
    file.seek(here)
    return stable_id(end, ending) if len(ending) == end - start else ""


def _unreadable(path: Path, error: OSError) -> LogError:
    return LogError(f"cannot read the log {path}: {error.strerror}")
