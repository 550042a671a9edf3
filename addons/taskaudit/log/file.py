"""The log that is written: whole lines with one `write`, rotated, and followed by its name."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from taskaudit.log.format import HEAD_SIZE, LogError, begun
from taskaudit.log.names import Names
from taskaudit.log.opening import is_at, open_log, read_at, unlock
from taskaudit.log.settings import LogSettings
from taskaudit.log.syncing import GroupSync, sync, sync_folder
from taskaudit.log.tidying import Tidier
from taskaudit.log.turning import clear, take_over_access, turn

if TYPE_CHECKING:
    import asyncio

LOOK = 1.0
"""Seconds between two looks whether the path still leads to the file that is written."""
RETRY = 10.0
"""Seconds between two attempts to rotate, where one has failed."""
_MOST_NOTICES = 20

type Reason = Literal[
    "log_repaired", "log_missing", "log_reopened", "log_altered", "rotation_failed", "sync_failed"
]


class Notice(NamedTuple):
    """What happened to the log, for a `fault` record."""

    reason: Reason
    message: str


class LogFile:
    """An open log. Mode 0600 where it is created; one process at a time.

    `repaired` is where a partial last line, left by a crash, was put aside, or None. `settings` may be
    replaced at any time. Raises LogError where the file cannot be opened, is in use, or is not a log of ours;
    later nothing raises but `append`.
    """

    def __init__(self, path: Path, settings: LogSettings | None = None) -> None:
        self.path = path
        self._fd, self.repaired = open_log(path)
        self._names = Names(Path(os.path.realpath(path)))
        clear(self._names.path)
        self._notices: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self._tell_repaired(self.repaired)
        self._torn: int | None = None
        self._is_line_open = False
        self._missing: str | None = None
        self._unsynced: str | None = None
        self._group: GroupSync | None = None
        self._tidier = Tidier(self._names.path, self._tell_untidy)
        self._next_look = self._next_turn = 0.0
        self._take(self._fd)
        self.settings = settings or LogSettings()

    @property
    def settings(self) -> LogSettings:
        """When the log is rotated, and so on."""
        return self._settings

    @settings.setter
    def settings(self, settings: LogSettings) -> None:
        """From the next record on."""
        self._settings = settings
        if settings.tidies:
            self._tidier.tidy(settings)
        if settings.fsync == "batch" and self._group is None:
            self._group = GroupSync(self._names.path.parent, self._tell_unsynced)
            self._group.use(self._fd)
        elif settings.fsync != "batch":
            self._end_group()

    @property
    def is_empty(self) -> bool:
        """Whether the file that is written holds nothing yet: its first line is to be a session record."""
        return (self._size if self._torn is None else self._torn) == 0

    @property
    def trouble(self) -> str | None:
        """Why what is written may get lost, or None: nobody can find the file, or the disk refuses."""
        return self._missing or self._unsynced or (self._group.trouble if self._group else None)

    def notices(self) -> list[Notice]:
        """What has happened since the last call."""
        told = []
        while self._notices:
            told.append(self._notices.popleft())
        return told

    def prepare(self, coming: int = 0) -> None:
        """To be called before each `append`, with its size: rotates, and looks where the path leads.

        With nothing coming it only looks. May leave the file empty, and notices to be told.
        """
        if self._fd < 0:
            return
        now = time.monotonic()
        try:
            status = os.fstat(self._fd)
        except OSError:
            return  # The write that follows will say it.
        self._compare(status.st_size)
        if now >= self._next_look or (status.st_nlink == 0 and self._missing is None):
            self._look(now)
        if coming and self._is_due(now, coming):
            self._turn(now)

    def reopen(self) -> None:
        """Looks where the path leads now; if not to our file, goes on in what is there, or a new one."""
        if self._fd >= 0:
            self._look(time.monotonic())

    def append(self, lines: bytes) -> None:
        """Writes whole lines with one `write`; raises OSError and leaves nothing of them where it fails."""
        if self._torn is not None:
            if os.fstat(self._fd).st_size > self._torn:  # Else another process has cut it: never fill it up.
                os.ftruncate(self._fd, self._torn)
                self._size = self._torn
            self._torn = None
        if self._is_line_open:
            lines = b"\n" + lines
        written = os.write(self._fd, lines)
        if written < len(lines):
            self._torn = os.fstat(self._fd).st_size - written
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._torn)
                self._torn = None
            why = f"{os.strerror(errno.ENOSPC)}: only {written} of {len(lines)} bytes could be written"
            raise OSError(errno.ENOSPC, why)
        self._size += written
        self._is_line_open = False
        if self._group is not None:
            self._group.written()
        elif self._settings.fsync == "each":
            self._sync()

    def committed(self) -> asyncio.Future[None] | None:
        """With `fsync: batch`, done when what was written since the last call is on the disk, or cannot be.

        None where there is nothing to wait for.
        """
        return self._group.committed() if self._group is not None else None

    def close(self) -> int:
        """Closes the file and lets another process have it; a later `append` raises OSError.

        Gives how many lines are lost with a file that was deleted and could not be rescued.
        """
        if self._fd < 0:
            return 0
        self._end_group()
        unlock(self._fd)
        self._leave(self._fd)
        self._fd = -1  # The number may soon be another file's, or a connection's.
        return self._tidier.close()

    def _compare(self, size: int) -> None:
        """Notes what another program has done to the file since the last write."""
        before, self._size = self._size, size
        if size == before or self._torn is not None:
            return
        change = f"cut by {before - size} bytes" if size < before else f"{size - before} bytes longer"
        self._notices.append(Notice("log_altered", f"another program has altered the log: it is {change}"))
        self._is_line_open = size > 0 and read_at(self._fd, 1, size - 1) != b"\n"

    def _is_due(self, now: float, coming: int) -> bool:
        limit, age = self._settings.rotate_bytes, self._settings.rotate_seconds
        is_due = (limit is not None and self._size + coming > limit) or (
            age is not None and now - self._begun >= age
        )
        return is_due and self._size > 0 and now >= self._next_turn and self._torn is None

    def _turn(self, now: float) -> None:
        if not is_at(self._fd, self.path):
            self._look(now)
            return
        try:
            fresh = turn(self._fd, self._names, time.time())
        except (OSError, LogError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            if not self._next_turn:
                self._notices.append(
                    Notice("rotation_failed", f"the log cannot be rotated, and grows: {why}")
                )
            self._next_turn = now + RETRY
            return
        self._next_turn = 0.0
        self._change_to(fresh)
        if self._settings.fsync == "each":
            sync_folder(self._names.path.parent)
        if self._settings.tidies:
            self._tidier.tidy(self._settings)

    def _look(self, now: float) -> None:
        self._next_look = now + LOOK
        if is_at(self._fd, self.path):
            self._missing = None
            return
        is_made_by_another = os.path.exists(self.path)
        try:
            opened = open_log(self.path)
        except LogError as error:
            self._tell_missing(str(error))
            return
        if not is_made_by_another:
            take_over_access(os.fstat(self._fd), opened.fd)
        self._notices.append(Notice("log_reopened", self._what_became()))
        self._tell_repaired(opened.repaired)
        self._missing = None
        self._change_to(opened.fd)

    def _change_to(self, fd: int) -> None:
        """What was written into the file before stays in it, or is rescued from it."""
        if self._group is not None:
            self._group.use(fd)
        self._leave(self._fd)
        self._take(fd)

    def _take(self, fd: int) -> None:
        self._fd, self._torn, self._is_line_open = fd, None, False
        self._size = os.fstat(fd).st_size
        since = begun(read_at(fd, HEAD_SIZE, 0))
        self._begun = time.monotonic() - (max(0.0, time.time() - since) if since is not None else 0.0)

    def _leave(self, fd: int) -> None:
        status = os.fstat(fd)
        if status.st_nlink or not status.st_size:
            os.close(fd)
            return
        self._tidier.rescue(fd, self._names.next(time.time(), anew=True))

    def _what_became(self) -> str:
        if os.fstat(self._fd).st_nlink:
            return "the log was moved away by another process, and is begun anew"
        return (
            "the log was deleted by another process, and is begun anew; what it held is being saved beside it"
        )

    def _sync(self) -> None:
        trouble = sync(self._fd)
        if trouble is not None and self._unsynced is None:
            self._tell_unsynced(trouble)
        self._unsynced = trouble

    def _end_group(self) -> None:
        if self._group is not None:
            self._group.close()
            self._unsynced, self._group = self._group.trouble, None

    def _tell_missing(self, why: str) -> None:
        if self._missing is None:
            message = f"the log was deleted or moved away, records still go where it is now: {why}"
            self._notices.append(Notice("log_missing", message))
        self._missing = why

    def _tell_repaired(self, aside: Path | None) -> None:
        if aside is not None:
            message = f"a partial last line, left by a crash, was moved to {aside.name}"
            self._notices.append(Notice("log_repaired", message))

    def _tell_unsynced(self, why: str) -> None:
        message = f"records may not be on the disk: {why}"
        self._notices.append(Notice("sync_failed", message))

    def _tell_untidy(self, why: str) -> None:
        self._notices.append(Notice("rotation_failed", why))
