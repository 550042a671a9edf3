"""A listener on a free port, its event loop in a thread of its own, and a client that asks it."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from taskaudit.auditor import Outcome
from taskaudit.contract.words import Language
from taskaudit.lifecycle import Lifecycle
from taskaudit.listener.access import Address
from taskaudit.listener.drawing import Shown
from taskaudit.listener.health import Health
from taskaudit.listener.hook_time import HookTime
from taskaudit.listener.metrics import Measured
from taskaudit.listener.server import TOKEN_VARIABLE, Listener
from taskaudit.log import LogFile
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.reports.model import Report, live_report
from tests.stories import START

PATIENCE = 30.0
TOKEN = "the-token"
LOOPBACK = Address("127.0.0.1", 0)
ANYWHERE = Address("0.0.0.0", 0)


class Answer(NamedTuple):
    """What came back; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


class Serving:
    """An audit that is shown: what passes, and what is wrong with it."""

    def __init__(self, log: Path, address: Address = LOOPBACK) -> None:
        self.board = Board()
        self.wrong: str | None = None
        self.recorder = Recorder(
            LogFile(log),
            instance_id="here",
            mode="regular",
            config_digest="d" * 64,
            lifecycle=Lifecycle(),
            board=self.board,
            clock=lambda: START + 1000,
        )
        self.recorder.start()
        self.listener = Listener(address, {TOKEN_VARIABLE: TOKEN})
        self.port = self.listener.address.port
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.do(self._start)

    def do[T](self, what: Callable[[], T]) -> T:
        """Does it in the event loop."""

        async def done() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(PATIENCE)

    def passes(self, outcome: Outcome) -> None:
        """Traffic."""
        self.do(partial(self.recorder.record, outcome))

    def ask(
        self, path: str = "/", method: str = "GET", host: str = "", body: str | None = None, **headers: str
    ) -> Answer:
        """Asks on a connection of its own, as one who knows the token unless there is an `Authorization`.

        In names of headers, `_` stands for `-`; those without a value are left out.
        """
        there = "::1" if ":" in self.listener.address.host else "127.0.0.1"
        connection = http.client.HTTPConnection(there, self.port, timeout=PATIENCE)
        named = {"Host": host} if host else {}
        headers = {"Authorization": f"Bearer {TOKEN}", **headers}
        given = {name.replace("_", "-"): value for name, value in headers.items() if value}
        try:
            connection.request(method, path, body, named | given)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read().decode())
        finally:
            connection.close()

    def ask_until(self, status: int, path: str) -> Answer:
        """Asks again until that comes."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.ask(path)).status != status:
            assert time.monotonic() < deadline, answer
        return answer

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A bare connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            yield connection

    def stop(self) -> None:
        """No thread stays behind."""
        self.do(self.listener.stop)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.recorder.stop()

    def _start(self) -> None:
        shown = Shown(lambda: str(self.board.changes), self._take, Language.EN)
        self.listener.start(shown, Health(lambda: self.wrong), self._measure)

    def _take(self) -> Callable[[], Report]:
        return partial(live_report, self.board.snapshot(), START)

    def _measure(self) -> Measured:
        return Measured(self.recorder.totals, HookTime(), 0, 0, self.wrong is None)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
