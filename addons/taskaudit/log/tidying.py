"""Rotated files are compressed, and deleted when there are too many; deleted logs are rescued. In a thread.

A pass looks at what lies in the folder, not at what was asked for: so what a crash left undone is done by the
next one. A file is written under another name, forced to the disk, renamed, and only then is its original
removed; whatever happens between, no record is lost, and none is in two files once the next pass is over.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from taskaudit.log.decoding import same_text
from taskaudit.log.names import PACKED, UNFINISHED, Rotated, rotated, unfinished
from taskaudit.log.opening import MODE, read_at
from taskaudit.log.settings import LogSettings
from taskaudit.log.syncing import sync_folder
from taskaudit.log.turning import take_over_access

_CHUNK = 1024 * 1024
"""Bytes of text in a frame: what damage to a compressed file can cost."""
_DAY = 86400.0
RETRY = 10.0
"""Seconds between two attempts to rescue a file."""


class _Stopped(Exception):
    """The log is closed; what is not done is done at the next start."""


class Orphan(NamedTuple):
    """A log that was deleted while it was open: its descriptor is the last way to what it holds."""

    fd: int
    target: Path


class Tidier:
    """The thread. `on_trouble` is called in it, with what could not be done."""

    def __init__(self, path: Path, on_trouble: Callable[[str], None]) -> None:
        self._path = path
        self._on_trouble = on_trouble
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._settings: LogSettings | None = None
        self._orphans: list[Orphan] = []
        self._told: set[str] = set()
        self._thread: threading.Thread | None = None

    def tidy(self, settings: LogSettings) -> None:
        """Has the folder looked through."""
        self._settings = settings
        self._wake()

    def rescue(self, fd: int, target: Path) -> None:
        """Has a deleted file written into a new one. The descriptor is closed afterwards."""
        self._orphans.append(Orphan(fd, target))
        self._wake()

    def close(self) -> int:
        """Ends the thread, after the rescues; gives how many lines could not be rescued."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
        lost = sum(_lines(orphan.fd) for orphan in self._orphans)
        for orphan in self._orphans:
            os.close(orphan.fd)
        self._orphans = []
        return lost

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="taskaudit tidy", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(RETRY if self._orphans else None)
            self._wanted.clear()
            self._rescue_all()
            if self._settings is not None and not self._stopping.is_set():
                self._tell(tidied(self._path, self._settings, self._stopping.is_set))
        self._rescue_all()

    def _rescue_all(self) -> None:
        for orphan in list(self._orphans):
            try:
                rescue(orphan)
            except OSError as error:
                self._tell([f"a deleted log cannot be saved as {orphan.target.name}: {error.strerror}"])
            else:
                self._orphans.remove(orphan)
                os.close(orphan.fd)

    def _tell(self, troubles: Iterator[str] | list[str]) -> None:
        """Each trouble once, as long as it lasts."""
        now = set(troubles)
        for trouble in sorted(now - self._told):
            self._on_trouble(trouble)
        self._told = now


def tidied(
    path: Path, settings: LogSettings, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """Compresses and deletes what is to be; gives what could not be done."""
    try:
        for left in unfinished(path):
            left.unlink()
        yield from _pruned(path, settings, time.time())
        if settings.compress == "zstd":
            for each in rotated(path):
                if not each.is_packed:
                    yield from _packed(each.path, is_stopped)
    except _Stopped:
        return
    except OSError as error:
        yield f"rotated files cannot be tidied: {error.strerror}"


def compress(path: Path, is_stopped: Callable[[], bool] = lambda: False) -> None:
    """Puts `<name>.zst` in the place of a file. Raises OSError."""
    from zstandard import ZstdCompressor

    packed = path.with_name(path.name + PACKED)
    compressor = ZstdCompressor(write_checksum=True, write_content_size=True)
    with path.open("rb") as source, _new_file(packed, os.fstat(source.fileno())) as put:
        while chunk := source.read(_CHUNK) + source.readline():
            if is_stopped():
                raise _Stopped
            put(compressor.compress(chunk))
    path.unlink()


def rescue(orphan: Orphan) -> None:
    """Writes what a deleted file holds into a new one. Raises OSError."""
    at = 0
    with _new_file(orphan.target, os.fstat(orphan.fd)) as put:
        while chunk := read_at(orphan.fd, _CHUNK, at):
            put(chunk)
            at += len(chunk)


@contextlib.contextmanager
def _new_file(path: Path, like: os.stat_result) -> Iterator[Callable[[bytes], object]]:
    """Gives what writes into a file that has its name only when it is whole and on the disk."""
    unready = path.with_name(path.name + UNFINISHED)
    with contextlib.suppress(FileNotFoundError):
        unready.unlink()
    with contextlib.ExitStack() as undone:
        fd = os.open(unready, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        undone.callback(_unlink, unready)
        with os.fdopen(fd, "wb") as file:
            take_over_access(like, fd)
            yield file.write
            file.flush()
            os.fsync(fd)
        os.utime(unready, ns=(like.st_atime_ns, like.st_mtime_ns))
        if path.exists():
            raise FileExistsError(17, f"{path.name} exists")
        unready.rename(path)
        undone.pop_all()
    sync_folder(path.parent)


def _packed(path: Path, is_stopped: Callable[[], bool]) -> Iterator[str]:
    packed = path.with_name(path.name + PACKED)
    try:
        if not packed.exists():
            compress(path, is_stopped)
        elif same_text(path, packed):
            path.unlink()  # A crash came between the two steps.
        else:
            yield f"{packed.name} holds something else than {path.name}; both are left as they are"
    except OSError as error:
        yield f"{path.name} cannot be compressed: {error.strerror}"


def _pruned(path: Path, settings: LogSettings, now: float) -> Iterator[str]:
    files = [list(same) for _, same in groupby(rotated(path), key=lambda each: each.stamp)]
    kept = settings.keep_files
    too_many = [] if kept is None else files[:-kept]
    oldest = None if settings.keep_days is None else now - settings.keep_days * _DAY
    for each in (each for same in files for each in same):
        if any(each in same for same in too_many) or _is_older(each, oldest):
            try:
                each.path.unlink()
            except OSError as error:
                yield f"{each.path.name} cannot be deleted: {error.strerror}"


def _is_older(each: Rotated, than: float | None) -> bool:
    return than is not None and each.path.stat().st_mtime < than


def _lines(fd: int) -> int:
    count = at = 0
    while chunk := read_at(fd, _CHUNK, at):
        count += chunk.count(b"\n")
        at += len(chunk)
    return count


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
