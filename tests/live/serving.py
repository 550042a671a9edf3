"""A `taskaudit serve` as a child process: its ports, its memory and its descriptors; always stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from forking import Forked, Forks
from running import PATIENCE, assert_sound, bodies, records_in, wait_until

from taskaudit.demo.mitmdump import program
from taskaudit.listener.server import TOKEN_VARIABLE

TOKEN = "token-of-the-tests"
_PROXY = re.compile(r"taskaudit: listening on 127\.0\.0\.1:(\d+)")
_PAGE = re.compile(r"status page: http://127\.0\.0\.1:(\d+)/")


CHANGED = """
import signal, sys, time

real, offset = time.time, [0]
time.time = lambda: real() + offset[0]
signal.signal(signal.SIGUSR1, lambda *_: offset.append(offset.pop() - 3600))

from taskaudit.cli import main
from taskaudit.proxy import serve

serve.GRACE = float(sys.argv.pop(1))
main()
"""
"""The program with another patience at its end; by SIGUSR1 its clock goes back an hour."""


def changed(grace: float) -> list[str]:
    """Runs `CHANGED`, with that many seconds for what is in flight at the end."""
    return [sys.executable, "-c", CHANGED, str(grace)]


class Serve:
    """A running `taskaudit serve`; its files lie in `folder`, under `name`.

    In reverse mode before `origin`, unless `mode` is another one. `settings`: its configuration, as YAML.
    `command` runs in place of the program, `log` is another place for the log. With `forks` it starts sooner.
    """

    def __init__(
        self,
        origin: str,
        folder: Path,
        *arguments: str,
        name: str = "audit",
        settings: str = "",
        mode: str = "",
        listen: str = "127.0.0.1:0",
        log: Path | None = None,
        confdir: Path | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        forks: Forks | None = None,
    ) -> None:
        self.log = log or folder / f"{name}.ndjson"
        self.config = folder / f"{name}.yaml"
        self.config.write_text(settings)
        self._told = folder / f"{name}.err"
        where = ["--mode", mode or f"reverse:{origin}", "--listen-host", "127.0.0.1", "-p", "0"]
        ours = ["--log", str(self.log), "--config", str(self.config), "--listen", listen]
        ours += ["--set", f"confdir={confdir or folder / name}"]
        words = ["serve", *where, *ours, *arguments]
        variables = {**os.environ, TOKEN_VARIABLE: TOKEN, **(environment or {})}
        if forks is not None and not command:
            self.process: subprocess.Popen[bytes] | Forked = forks.start(words, self._told, variables)
            return
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [*(command or [program("taskaudit")]), *words],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )

    @property
    def told(self) -> str:
        """What it has printed so far."""
        return self._told.read_text(errors="replace")

    @property
    def port(self) -> int:
        """Where it proxies."""
        return self._found(_PROXY)

    @property
    def page(self) -> int:
        """The port of the status page, of /healthz and of /metrics."""
        return self._found(_PAGE)

    @property
    def resident(self) -> int:
        """Bytes in memory now."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """Bytes in memory when there were most."""
        return self._status("VmHWM")

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def records(self) -> list[dict[str, Any]]:
        """What is in the log now."""
        return records_in(self.log)

    def of(self, event_type: str) -> list[dict[str, Any]]:
        """The objects of the records of one type."""
        return bodies(self.records, event_type)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page of the listener, for one who knows the token."""
        asked = Request(f"http://127.0.0.1:{self.page}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        try:
            with urlopen(asked, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end, and waits; its exit status. Kills it where it does not."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.wait()

    def wait(self) -> int:
        """Waits for its end; its exit status. Kills it where that does not come."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(PATIENCE)

    def stopped(self) -> list[dict[str, Any]]:
        """All records, after a stop in good order."""
        status = self.stop()
        assert status == 0, f"{status}: {self.told}"
        records = self.records
        assert_sound(records)
        assert records[-1]["session"]["state"] == "stop"
        return records

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _found(self, line: re.Pattern[str]) -> int:
        wait_until(lambda: bool(line.search(self.told)) or self.process.poll() is not None, line.pattern)
        found = line.search(self.told)
        assert found, self.told
        return int(found[1])

    def _status(self, name: str) -> int:
        found = re.search(
            rf"^{name}:\s+(\d+) kB$",
            Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8"),
            re.M,
        )
        assert found
        return int(found[1]) * 1024


type StartServe = Callable[..., Serve]
"""The `serve` fixture."""


@pytest.fixture(name="serve")
def serving(tmp_path: Path, confdir: Path, forks: Forks) -> Iterator[StartServe]:
    """Starts `taskaudit serve`: as `Serve`, but for the folder."""
    with ExitStack() as running:

        def start(origin: str, *arguments: str, **options: Any) -> Serve:
            made = Serve(origin, tmp_path, *arguments, **{"confdir": confdir, "forks": forks, **options})
            return running.enter_context(made)

        yield start
