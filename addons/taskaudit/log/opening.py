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

if sys.platform != "win32":
    import fcntl

_TAIL = 65536
_ATTEMPTS = 100
# O_NONBLOCK, O_NOCTTY: opening a FIFO or a terminal, which is then refused, neither waits nor takes it over.
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"):  # Windows has none of these.
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
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LogError(f"the log {path} is in use by another audit; give each its own file") from error


def unlock(fd: int) -> None:
    """Lets another process have the file, even while descriptors made from this one are still open."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


def _repair(fd: int, path: Path) -> Path | None:
    """Refuses a file that is not ours; puts a partial last line aside."""
    size = os.fstat(fd).st_size
    if size == 0:
        return None
    if not is_ours(os.pread(fd, HEAD_SIZE, 0)):
        raise LogError(
            f"{path} is not a log of taskaudit (its first line is no session record); "
            "it is left as it is: name another file"
        )
    end = _last_newline(fd, size)
    if end == size:
        return None
    aside = path.with_name(f"{path.name}.partial-{time.time_ns()}")
    kept = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        os.write(kept, os.pread(fd, size - end, end))
    finally:
        os.close(kept)
    os.ftruncate(fd, end)
    return aside


def _last_newline(fd: int, size: int) -> int:
    """The offset just behind the last newline; 0 where there is none."""
    start = size
    while start > 0:
        begin = max(0, start - _TAIL)
        found = os.pread(fd, start - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        start = begin
    return 0
