"""A new file takes the place of a full one.

The new file is made, and locked, under a name of its own; the full one gets its second name; then the new
one takes the path, in one step. So the path always leads to a log, no other process can come between, and
where a step fails all is as it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from taskaudit.log.format import LogError
from taskaudit.log.names import Names, rotated
from taskaudit.log.opening import FLAGS, MODE, lock

_ATTEMPTS = 1000


def turn(full: int, names: Names, at: float) -> int:
    """Rotates the file that is open as `full`; gives the new one's descriptor, which is locked and empty.

    `full` stays open, under its new name. Raises OSError or LogError, and has then done nothing.
    """
    # Nothing changes, unless this system does not rename files that are open: then nothing has been made yet.
    os.rename(names.path, names.path)
    fresh_path = waiting(names.path)
    fresh = os.open(fresh_path, FLAGS | os.O_TRUNC, MODE)
    with contextlib.ExitStack() as undone:
        undone.callback(_unlink, fresh_path)
        undone.callback(os.close, fresh)
        lock(fresh, fresh_path)
        take_over_access(os.fstat(full), fresh)
        _move(full, fresh_path, names, at)
        undone.pop_all()
    return fresh


def waiting(path: Path) -> Path:
    """Where the next file of a log lies until it takes its place."""
    return path.with_name(f".{path.name}.next")


def clear(path: Path) -> None:
    """Removes what a crash within `turn` left: an empty file, or a second name of the one at `path`."""
    _unlink(waiting(path))
    with contextlib.suppress(OSError):
        status = os.stat(path)
        if status.st_nlink > 1:
            for name in _second_names(path, status):
                name.unlink()


def free_name(names: Names, at: float, put: Callable[[Path], None]) -> Path:
    """Calls `put` with names until one is free; gives that one. `put` raises FileExistsError."""
    for attempt in range(_ATTEMPTS):
        target = names.next(at, anew=attempt > 0)
        try:
            put(target)
        except FileExistsError:
            continue
        return target
    raise LogError(f"no name is free for a rotated file of {names.path}")


def _second_names(path: Path, status: os.stat_result) -> list[Path]:
    return [each.path for each in rotated(path) if os.path.samestat(os.stat(each.path), status)]


def _move(full: int, fresh_path: Path, names: Names, at: float) -> None:
    try:
        target = free_name(names, at, lambda target: os.link(names.path, target))
    except FileNotFoundError:
        raise
    except (OSError, AttributeError):  # A file system, or a system, without hard links.
        _rename_twice(fresh_path, names, at)
        return
    try:
        if not os.path.samestat(os.fstat(full), os.stat(target)):
            raise LogError(f"{names.path} is another file now")
        os.replace(fresh_path, names.path)
    except (OSError, LogError):
        _unlink(target)
        raise


def _rename_twice(fresh_path: Path, names: Names, at: float) -> None:
    def rename(target: Path) -> None:
        if target.exists():
            raise FileExistsError(target)
        os.rename(names.path, target)

    target = free_name(names, at, rename)
    try:
        os.rename(fresh_path, names.path)
    except OSError:
        os.rename(target, names.path)
        raise


def take_over_access(like: os.stat_result, fresh: int) -> None:
    """Who may read one file of the log may read the next one. On Windows that is up to the folder."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.fchown(fresh, like.st_uid, like.st_gid)
        with contextlib.suppress(OSError):
            os.fchmod(fresh, like.st_mode & 0o7777)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
