"""A log cut into sections, which several processes can read at the same time."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from taskaudit.log.decoding import coding_of
from taskaudit.log.format import LogError
from taskaudit.log.reading import Inode, Lines, batches_of, open_files

_MOST_OPEN = 100
"""Files at the same time; a process may have some hundreds, where its limit is the usual one."""
_USUAL_RATIO = 10
"""How many times as long as compressed a log is."""


class Section(NamedTuple):
    """Whole lines of a file: from a byte on, until another one; without an end, all that there is.

    `size`: about how many bytes its lines have.
    """

    path: Path
    file: int
    start: int
    end: int | None
    size: int

    def read(self) -> Iterator[Lines]:
        """Its lines, numbered from 1. Raises LogError."""
        file = io.BufferedReader(_Range(self.file, self.start, self.end))
        return batches_of(self.path, cast(BinaryIO, file), is_whole=not self.start)


def in_sections(paths: Iterable[Path], before: set[Inode], size: int) -> Iterator[list[Section]]:
    """The files of these logs, cut to about `size` bytes; open until the next ones are asked for.

    `before` is as for `read_batches`. Raises LogError.
    """
    most, files = _most_open(), list[int]()
    sections: list[Section] = []
    try:
        for path in paths:
            for name, file in open_files(path, before):
                files.append(os.dup(file.fileno()))
                sections += _cut(name, file, files[-1], size)
                if len(files) >= most:
                    yield sections
                    sections = []
                    _close(files)
        yield sections
    finally:
        _close(files)


def _most_open() -> int:
    limit = -1
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_OPEN if limit < 0 else max(1, min(_MOST_OPEN, limit // 4))


def _cut(path: Path, file: BinaryIO, number: int, size: int) -> Iterator[Section]:
    start = 0
    try:
        whole, is_packed = os.fstat(number).st_size, coding_of(file) is not None
        while not is_packed and whole - start >= 2 * size:
            file.seek(start + size)
            file.readline()
            end = file.tell()
            yield Section(path, number, start, end, end - start)
            start = end
    except OSError as error:
        raise LogError(f"cannot read the log {path}: {error.strerror}") from error
    rest = max(0, whole - start)
    yield Section(path, number, start, None, rest * _USUAL_RATIO if is_packed else rest)


def _close(files: list[int]) -> None:
    while files:
        os.close(files.pop())


class _Range(io.RawIOBase):
    """A part of an open file, which does not move where that file stands: others read it too."""

    def __init__(self, file: int, start: int, end: int | None) -> None:
        self._file = file
        self._start = start
        self._end = end
        self._at = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        assert whence == os.SEEK_SET
        self._at = self._start + offset
        return offset

    def tell(self) -> int:
        return self._at - self._start

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what `BufferedReader` gives
        assert hasattr(os, "preadv")  # See `story/shares.py`: only on Linux.
        if self._end is not None:
            buffer = buffer[: self._end - self._at]
        count: int = os.preadv(self._file, [buffer], self._at)
        self._at += count
        return count
