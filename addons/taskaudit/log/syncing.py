"""Forcing the log to the disk by a thread, a group of writes at a time.

While the disk works on one group, the next one gathers. Who waits is released when its group is on the disk,
and also when the disk refuses or does not answer: the audit is never in the way, and says that it failed.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio

PATIENCE = 5.0
"""Seconds that an answer waits for the disk at most."""


class _Waiting(NamedTuple):
    number: int
    future: asyncio.Future[None]


class _Round(NamedTuple):
    """What one turn of the thread is to do: up to which write, and with which descriptors."""

    number: int
    current: int
    left: list[int]


class GroupSync:
    """Forces files to the disk, each with all that was written into it before it was left.

    `trouble` says why records may not be on the disk, or is None. `on_trouble` is called with it, in either
    thread.
    """

    def __init__(self, folder: Path, on_trouble: Callable[[str], None]) -> None:
        self.trouble: str | None = None
        self._folder = folder
        self._on_trouble = on_trouble
        self._news = threading.Condition()
        self._told = self._synced = self._asked = 0
        self._current = -1
        self._left: list[int] = []
        self._waiting: list[_Waiting] = []
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def use(self, fd: int) -> None:
        """From now on it is this file that is written; the one before is forced to the disk once more."""
        with self._news:
            if self._current >= 0:
                self._left.append(self._current)
            self._current = os.dup(fd)
            if self._left:
                self._news.notify()

    def written(self) -> None:
        """Something was written: the thread goes to work."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="taskaudit fsync", daemon=True)
            self._thread.start()
        with self._news:
            self._told += 1
            self._news.notify()

    def committed(self) -> asyncio.Future[None] | None:
        """Done when all that was written is on the disk; None where that is so, or was asked for before."""
        from asyncio import get_running_loop  # Who only reads a log has no use for it.

        with self._news:
            if self._asked == self._told:
                return None
            self._asked = self._told
            if self._synced >= self._told:
                return None
            loop = get_running_loop()
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.append(_Waiting(self._told, future))
        limit = loop.call_later(PATIENCE, self._give_up, future)
        future.add_done_callback(lambda _: limit.cancel())
        return future

    def close(self) -> None:
        """Forces what is left to the disk, releases who waits, and ends the thread."""
        with self._news:
            self._is_closing = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(PATIENCE)
            if self._thread.is_alive():  # It has the descriptors, and closes them if the disk ever answers.
                self._fail(f"the disk has not answered for {PATIENCE:g} s")
                return
        self._close_all()

    def _run(self) -> None:
        while (todo := self._next()) is not None:
            trouble = _forced(todo, self._folder)
            if trouble is None:
                self.trouble = None
            else:
                self._fail(trouble)
            with self._news:
                self._synced = todo.number
                released = [each for each in self._waiting if each.number <= todo.number]
                self._waiting = [each for each in self._waiting if each.number > todo.number]
            _release(released)

    def _next(self) -> _Round | None:
        with self._news:
            while self._synced == self._told and not self._left and not self._is_closing:
                self._news.wait()
            if self._synced == self._told and not self._left:
                return None
            left, self._left = self._left, []
            return _Round(self._told, self._current, left)

    def _give_up(self, future: asyncio.Future[None]) -> None:
        if not future.done():
            self._fail(f"the disk has not answered for {PATIENCE:g} s")
            future.set_result(None)

    def _fail(self, trouble: str) -> None:
        if self.trouble is None:
            self._on_trouble(trouble)
        self.trouble = trouble

    def _close_all(self) -> None:
        for fd in (*self._left, self._current):
            if fd >= 0:
                os.close(fd)
        self._left, self._current = [], -1


def sync(fd: int) -> str | None:
    """Forces a file to the disk; says why that failed."""
    try:
        os.fsync(fd)
    except OSError as error:
        return f"fsync failed: {error.strerror}"
    return None


def sync_folder(folder: Path) -> None:
    """Forces new names in a folder to the disk, where the system has a way to."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _forced(todo: _Round, folder: Path) -> str | None:
    troubles = [sync(fd) for fd in (*todo.left, todo.current)]
    for fd in todo.left:
        os.close(fd)
    if todo.left:
        sync_folder(folder)
    return next((trouble for trouble in troubles if trouble), None)


def _release(waiting: list[_Waiting]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for each in waiting:
        by_loop.setdefault(each.future.get_loop(), []).append(each.future)
    for loop, futures in by_loop.items():
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(_set_done, futures)


def _set_done(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
