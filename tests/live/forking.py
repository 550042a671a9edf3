"""Starts the program over and over, its imports done once: they are most of what a start takes.

Run as a program, it makes a process of `taskaudit` for each line on its standard input, and prints its id. A
line is JSON: the arguments, and the file for what it prints.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Self


class Forked:
    """A process that is another's child: as far as tests need it, a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None as long as it runs; how it ended is not known."""
        return None if self._fd >= 0 and not self._has_ended(0) else 0

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        if self._fd >= 0:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired("taskaudit", timeout or 0)
            os.close(self._fd)
            self._fd = -1
        return 0

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, timeout: float | None) -> bool:
        return bool(select.select([self._fd], [], [], timeout)[0])


class Forks:
    """Makes processes, for any thread; to be closed at the end."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self._one_at_a_time = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.communicate()

    def start(self, arguments: Sequence[str], told: Path) -> Forked:
        """The program with these arguments; `told` takes what it prints."""
        asked, answered = self._server.stdin, self._server.stdout
        assert asked is not None
        assert answered is not None
        told.write_bytes(b"")  # So that nobody takes what the last one said for this one's.
        with self._one_at_a_time:
            print(json.dumps([list(arguments), str(told)]), file=asked, flush=True)
            pid = answered.readline()
        assert pid, "it has not even been imported"
        return Forked(int(pid))


def _become(arguments: Sequence[str], told: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(told, os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(fd, there)
    sys.argv = ["taskaudit", *arguments]

    from taskaudit.cli import main

    main()


def _serve() -> None:
    import_module("taskaudit.cli.serve")
    import_module("taskaudit.proxy.serve")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The system buries them.
    for line in sys.stdin:
        if not (pid := os.fork()):
            _become(*json.loads(line))
            os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    _serve()
