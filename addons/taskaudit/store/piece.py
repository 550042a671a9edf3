"""One file of a log, live or rotated, compressed or not, from where the last load ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from taskaudit.exchange import stable_id
from taskaudit.log.decoding import Broken, coding_of
from taskaudit.log.format import Damaged
from taskaudit.log.reading import check_ours, damage_at, first_line, packed_lines

CHUNK = 3 << 20
"""About how many bytes are taken at once: some 5,000 records."""
_ENDING = 256


class Position(NamedTuple):
    """How far a file was loaded. `log_id` is a digest of its first line, `ending` of the last bytes loaded.

    `bytes` are those of the text, so that it holds for the file when it is compressed, too.
    """

    log_id: str
    bytes: int
    lines: int
    ending: str


type Known = Callable[[str], Position | None]
"""Gives by `log_id` how far a file was loaded."""


class Piece:
    """A file of a log; it closes `file`. `damaged`: what was met since it was last emptied."""

    def __init__(self, path: Path, file: BinaryIO, known: Known) -> None:
        self.path = path
        self.file = file
        self.damaged: list[Damaged] = []
        self.bytes = self.lines = 0
        self._known = known
        self._packed = packed_lines(file) if coding_of(file) is not None else None
        self._is_begun = self._is_unfinished = False
        self.first: bytes | None = None
        self._log_id, self._last = "", b""
        self._check()

    @property
    def position(self) -> Position | None:
        """Behind the last line that was taken; None where its first line cannot be read, or not yet."""
        if not self._log_id:
            return None
        return Position(self._log_id, self.bytes, self.lines, stable_id(self.bytes, self._last))

    def take(self) -> list[bytes]:
        """The next whole lines; none where there are no more for now."""
        if not self._is_begun and not self._begin():
            return []
        return self._plain_lines() if self._packed is None else self._packed_lines(self._packed, CHUNK)

    def rest(self) -> int:
        """The number of the unfinished line behind the last that was taken; 0 where there is none."""
        if self._packed is None:
            self._is_unfinished = bool(self.file.read(1))
            self.file.seek(self.bytes)
        return self.lines + 1 if self._is_unfinished else 0

    def is_cut(self) -> bool:
        """Whether it is shorter than it was: somebody has copied it elsewhere and emptied it."""
        return self._packed is None and os.fstat(self.file.fileno()).st_size < self.bytes

    def _check(self) -> None:
        """Raises LogError where it is no log of ours."""
        if self._packed is None and (first := self.file.readline()):
            check_ours(self.path, first)
        self.file.seek(0)

    def _begin(self) -> bool:
        """Goes to where the last load ended; False where there is no whole line yet."""
        first = first_line(self.file)
        self._is_begun = first is not None or self._packed is not None
        if first is None:
            return self._is_begun
        self.first = first
        self._log_id = stable_id(first)
        known = self._known(self._log_id)
        if known is not None:
            self._skip(known)
            if self.position != known:  # It is not what it was.
                self._rewind()
        return True

    def _skip(self, known: Position) -> None:
        if self._packed is not None:
            while self.bytes < known.bytes and self._packed_lines(self._packed, 0):
                pass
            self.damaged.clear()
            return
        start = max(0, known.bytes - _ENDING)
        self.file.seek(start)
        self._last = self.file.read(known.bytes - start)
        self.bytes, self.lines = start + len(self._last), known.lines
        self.file.seek(self.bytes)

    def _rewind(self) -> None:
        self.bytes = self.lines = 0
        self._last = b""
        self.file.seek(0)
        if self._packed is not None:
            self._packed = packed_lines(self.file)

    def _plain_lines(self) -> list[bytes]:
        lines = self.file.readlines(CHUNK)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        self._count(lines)
        self.file.seek(self.bytes)
        return lines

    def _packed_lines(self, packed: Iterator[bytes | Broken], most: int) -> list[bytes]:
        lines: list[bytes] = []
        size = 0
        for line in packed:
            if isinstance(line, Broken):
                self.damaged.append(damage_at(self.path, self.lines + len(lines) + 1, line))
            elif not line.endswith(b"\n"):
                self._is_unfinished = True
            else:
                lines.append(line)
                size += len(line)
                if size > most:
                    break
        self._count(lines)
        return lines

    def _count(self, lines: list[bytes]) -> None:
        self.bytes += sum(map(len, lines))
        self.lines += len(lines)
        for line in lines[-_ENDING:]:
            self._last = (self._last + line)[-_ENDING:]
