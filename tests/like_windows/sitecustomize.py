"""Takes away what Windows does not have, from `taskaudit` in this process and in those that it starts.

To be put into PYTHONPATH. The package gets other modules `os`, `signal` and `sys` than the rest of the
process: Python's own code and mitmproxy's goes on as on the system that it was installed for. As on Windows,
a file that is open here can be neither renamed nor deleted, and `os.write` changes the ends of lines unless
the file was opened as a binary one. What Python itself does on Windows is not seen here.
"""

from __future__ import annotations

import asyncio
import builtins
import errno
import fcntl
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

_LACKING = {
    "os": """
        O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown execv fchdir fchmod fchown fork forkpty getegid
        geteuid getgid getpgid getuid kill killpg lchown link mkfifo openpty posix_fadvise posix_fallocate
        pread preadv pwrite pwritev register_at_fork sched_getaffinity setsid statvfs sync uname waitid
    """,
    "signal": """
        SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIG_BLOCK SIG_SETMASK pthread_sigmask
    """,
    "sys": "",
}
_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")
_O_BINARY = 0x8000
_FAR = 0x7FFFFFFF


class _Like(ModuleType):
    """A module with some names taken away, and others replaced."""

    def __init__(self, module: ModuleType, **own: Any) -> None:
        super().__init__(module.__name__)
        self._module, self._lacking = module, _LACKING[module.__name__].split()
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        if name in self._lacking:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._module, name)


_binary: set[int] = set()


def _open(path: Any, flags: int, mode: int = 0o777) -> int:
    fd = os.open(path, flags & ~_O_BINARY, mode)
    (_binary.add if flags & _O_BINARY else _binary.discard)(fd)
    return fd


def _write(fd: int, data: bytes) -> int:
    return os.write(fd, data if fd in _binary else data.replace(b"\n", b"\r\n"))


def _locking(fd: int, mode: int, count: int) -> None:
    """By one byte at a place where no log ends: what is locked cannot be read by others."""
    assert (os.lseek(fd, 0, os.SEEK_CUR), count) == (_FAR, 1)
    try:
        fcntl.flock(fd, fcntl.LOCK_UN if mode == _MSVCRT.LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


_MSVCRT: Any = ModuleType("msvcrt")
_MSVCRT.LK_UNLCK, _MSVCRT.LK_NBLCK, _MSVCRT.locking = 0, 2, _locking
_OURS = {
    "msvcrt": _MSVCRT,
    "os": _Like(os, O_BINARY=_O_BINARY, open=_open, write=_write),
    "signal": _Like(signal),
    "sys": _Like(sys, platform="win32"),
}
_import = builtins.__import__


def _imported(name: str, globals: Any = None, *rest: Any, **more: Any) -> ModuleType:
    importing = (globals or {}).get("__name__", "")
    if importing.partition(".")[0] == "taskaudit":
        if name in _MODULES:
            raise ModuleNotFoundError(f"No module named {name!r} on Windows")
        if name in _OURS:
            return _OURS[name]
    return _import(name, globals, *rest, **more)


def _refusing(call: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses a file that is open in this process, as the first name or the second."""

    def refuse(*names: Any, **more: Any) -> Any:
        for name in names:
            if not str(name).startswith("/dev/shm/") and _is_open(name, more.get("dir_fd")):
                raise PermissionError(errno.EACCES, "The file is being used by another process", str(name))
        return call(*names, **more)

    return refuse


def _is_open(name: Any, folder: int | None) -> bool:
    try:
        status = os.stat(name, dir_fd=folder)
    except OSError:
        return False
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.fstat(int(fd)), status):
                return True
        except OSError:
            continue  # That of the folder itself.
    return False


def _no_handler(*_: object) -> None:
    raise NotImplementedError


warnings.filterwarnings("error", category=EncodingWarning, module="taskaudit")
tempfile.TemporaryFile = tempfile.NamedTemporaryFile  # As there: a file without a name is not possible.
asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = _no_handler  # type: ignore[attr-defined]
for each in ("remove", "rename", "replace", "unlink"):
    setattr(os, each, _refusing(getattr(os, each)))
builtins.__import__ = _imported  # type: ignore[assignment]
