"""Starts the program over and over, its imports done once: they are most of what a start takes.

Run as a program, it makes a process of `taskaudit` for each list on its standard input, and prints its id. A
list is a line of JSON: the arguments, the file for what it prints, variables of the environment. For an id of
a process that has ended, it prints its exit status.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Self


class Forked:
    """A process that is another's child: as far as tests need it, a `subprocess.Popen`."""

    def __init__(self, pid: int, status_of: Callable[[int], int]) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)
        self._status_of = status_of
        self._status: int | None = None

    def poll(self) -> int | None:
        """None as long as it runs, then its exit status."""
        if self._status is None and select.select([self._fd], [], [], 0)[0]:
            self.wait()
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; its exit status."""
        if self._status is None:
            if not select.select([self._fd], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("taskaudit", timeout or 0)
            os.close(self._fd)
            self._status = self._status_of(self.pid)
        return self._status

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)


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

    def start(self, arguments: Sequence[str], told: Path, environment: Mapping[str, str]) -> Forked:
        """The program with these arguments; `told` takes what it prints."""
        told.write_bytes(b"")  # So that nobody takes what the last one said for this one's.
        return Forked(self._ask([list(arguments), str(told), dict(environment)]), self._ask)

    def _ask(self, line: object) -> int:
        asked, answered = self._server.stdin, self._server.stdout
        assert asked is not None
        assert answered is not None
        with self._one_at_a_time:
            print(json.dumps(line), file=asked, flush=True)
            answer = answered.readline()
        assert answer, "it has not even been imported"
        return int(answer)


def _become(arguments: Sequence[str], told: str, environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
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
    for asked in map(json.loads, sys.stdin):
        if isinstance(asked, int):
            print(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]), flush=True)
        elif not (pid := os.fork()):
            _become(*asked)
            os._exit(1)
        else:
            print(pid, flush=True)


if __name__ == "__main__":
    _serve()
