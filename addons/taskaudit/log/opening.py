"""Opening a file of the log: one process at a time, ours or empty, its last line whole."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from typing import NamedTuple

from taskaudit.log.format import HEAD_SIZE, LogError, is_ours

if sys.platform == "win32":
    import msvcrt

    # Nobody else may read what is locked there: so it is a byte that only a log of 2 GiB has.
    _LOCKED = 0x7FFFFFFF

    def _acquire(fd: int) -> None:
        os.lseek(fd, _LOCKED, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _release(fd: int) -> None:
        os.lseek(fd, _LOCKED, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


_TAIL = 65536
_ATTEMPTS = 100
# O_BINARY: else Windows changes the ends of lines. O_NONBLOCK, O_NOCTTY: opening a FIFO or a terminal, which
# is then refused, neither waits nor takes it over.
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
for _flag in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY"):
    FLAGS |= getattr(os, _flag, 0)
MODE = 0o600


class Opened(NamedTuple):
    """A descriptor that holds the lock; `repaired` is where a partial last line was put aside, or None."""

    fd: int
    repaired: Path | None


def open_log(path: Path) -> Opened:
    """Opens the file, or makes it. Raises LogError where it cannot be opened, is in use, or is not ours."""
    for _ in range(_ATTEMPTS):
        try:
            fd = os.open(path, FLAGS, MODE)
        except OSError as error:
            raise LogError(f"cannot open the log {path}: {error.strerror}") from error
        with contextlib.ExitStack() as undone:
            undone.callback(os.close, fd)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise LogError(f"the log {path} is not a regular file: name one, or a new one")
            try:
                lock(fd, path)
                if not is_at(fd, path):
                    continue  # It was renamed before we had the lock.
                repaired = _repair(fd, path)
            except OSError as error:
                raise LogError(f"cannot use the log {path}: {error.strerror}") from error
            undone.pop_all()
            return Opened(fd, repaired)
    raise LogError(f"cannot use the log {path}: it is renamed all the time")


def is_at(fd: int, path: Path) -> bool:
    """Whether the path leads to the open file."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except OSError:
        return False


def lock(fd: int, path: Path) -> None:
    """Takes the file for this process. Raises LogError where another one has it."""
    try:
        _acquire(fd)
    except (BlockingIOError, PermissionError) as error:
        raise LogError(f"the log {path} is in use by another audit; give each its own file") from error


def unlock(fd: int) -> None:
    """Lets another process have the file, even while descriptors made from this one are still open."""
    with contextlib.suppress(OSError):
        _release(fd)


def read_at(fd: int, size: int, at: int) -> bytes:
    """As `os.pread`, which Windows lacks. No write is moved by it: the log is open for appending."""
    os.lseek(fd, at, os.SEEK_SET)
    return os.read(fd, size)


def _repair(fd: int, path: Path) -> Path | None:
    """Refuses a file that is not ours; puts a partial last line aside."""
    size = os.fstat(fd).st_size
    if size == 0:
        return None
    if not is_ours(read_at(fd, HEAD_SIZE, 0)):
        raise LogError(
            f"{path} is not a log of taskaudit (its first line is no session record); "
            "it is left as it is: name another file"
        )
    end = _last_newline(fd, size)
    if end == size:
        return None
    aside = path.with_name(f"{path.name}.partial-{time.time_ns()}")
    kept = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(kept, "wb") as file:
        file.write(read_at(fd, size - end, end))
    os.ftruncate(fd, end)
    return aside


def _last_newline(fd: int, size: int) -> int:
    """The offset just behind the last newline; 0 where there is none."""
    start = size
    while start > 0:
        begin = max(0, start - _TAIL)
        found = read_at(fd, start - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        start = begin
    return 0
