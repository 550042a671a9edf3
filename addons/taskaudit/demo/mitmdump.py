"""A mitmdump as a child process: started, its ports found, its output kept, stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from threading import Condition, Thread
from typing import Self

_LISTENING = re.compile(r"listening at (?!http)\S*?:(\d+)")  # mitmweb also tells where its page is.


class NotStarted(Exception):
    """mitmdump did not start; the message says why, as far as it has said so itself."""


def program(name: str = "mitmdump") -> str:
    """The program of the environment this runs in, or else the first in PATH. Raises NotStarted."""
    beside = Path(sys.executable).with_name(name + Path(sys.executable).suffix)
    found = str(beside) if beside.exists() else which(name)
    if found is None:
        raise NotStarted(f"{name} was found neither beside {sys.executable} nor in PATH: install mitmproxy")
    return found


def _unbuffered(found: str) -> list[str]:
    """What tells at once: programs of pipx run under `python -E`, and do not hear of PYTHONUNBUFFERED."""
    is_script = os.name == "posix" and Path(found).parent == Path(sys.executable).parent
    return [sys.executable, "-u", found] if is_script else [found]


class Mitmdump:
    """A running mitmdump (or mitmweb: `command`), as a context manager that always stops it.

    Its configuration directory is `confdir`, so that nothing of the user's own mitmproxy has a part in it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        confdir: Path,
        *,
        command: str = "mitmdump",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # What goes to a pipe is else held back in blocks of 8 KiB.
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._lines: list[str] = []
        self._changed = Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [*_unbuffered(program(command)), "--set", f"confdir={confdir}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    def ports(self, count: int = 1, patience: float = 60.0) -> list[int]:
        """The ports of its listeners, once there are `count`. Raises NotStarted after `patience` seconds."""
        deadline = time.monotonic() + patience
        with self._changed:
            while len(found := self._ports()) < count:
                left = deadline - time.monotonic()
                if self._ended or left <= 0 or not self._changed.wait(left):
                    raise NotStarted(f"mitmdump did not start:\n{self.output.strip() or '(no output)'}")
        return found

    def wait(self, patience: float = 60.0) -> int:
        """Its exit status, once it ends by itself."""
        status = self.process.wait(patience)
        self._reader.join(patience)
        return status

    def stop(self, patience: float = 30.0) -> int:
        """Asks it to end, and waits; its exit status. Kills it where it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait(patience)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.process.kill()
            return self.wait(patience)
        finally:
            if self.process.stdout:
                self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _ports(self) -> list[int]:
        return [int(found[1]) for line in self._lines for found in _LISTENING.finditer(line)]

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
