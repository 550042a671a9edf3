"""Whatever a client has received when the proxy is gone is in its log: in each front end, on each signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmweb import Mitmweb, free_port
from running import PATIENCE, Start, assert_sound, bodies, is_open, records_in, wait_until
from serving import StartServe, changed, serving  # noqa: F401 (fixture)
from terminal import Terminal, on_terminal  # noqa: F401 (fixture)

from taskaudit.demo.mitmdump import program
from taskaudit.paths import addon_script

CLIENTS = 100
SPREAD = 0.04
"""Seconds around the signal in which the answers come."""
ROUNDS = 2

type Started = tuple[int, subprocess.Popen[bytes], Path]
"""A proxy: its port, its process, its log."""


class Rush:
    """An origin with an answer ready for each of its clients, which it gives out one by one."""

    def __init__(self, signals: int, port: int) -> None:
        self.received: set[str] = set()
        self._port = port
        self._signals = signals
        self._waiting: list[asyncio.StreamWriter] = []
        self._is_full = asyncio.Event()

    async def run(self, start: Callable[[str], Started]) -> Path:
        """Starts a proxy before this origin, stops it amid the answers, and gives its log."""
        server = await asyncio.start_server(self._hold, "127.0.0.1", self._port, backlog=2 * CLIENTS)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        port, process, log = await asyncio.to_thread(start, url)
        async with asyncio.timeout(60):
            clients = [asyncio.create_task(self._ask(port)) for _ in range(CLIENTS)]
            await self._is_full.wait()
            await asyncio.gather(self._answer(), self._stop(process), *clients)
        server.close()
        await asyncio.to_thread(process.wait, PATIENCE)
        return log

    async def _stop(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(self._signals):
            await asyncio.sleep(SPREAD / 2)
            process.send_signal(signal.SIGTERM)

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # A look whether something listens here.
            writer.close()
            return
        self._waiting.append(writer)
        if len(self._waiting) == CLIENTS:
            self._is_full.set()

    async def _answer(self) -> None:
        for number, writer in enumerate(self._waiting):
            body = json.dumps({"job_id": f"job-{number:04}"}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body[:1])
            await asyncio.sleep(SPREAD / CLIENTS)
            writer.write(body[1:])
            writer.close()

    async def _ask(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/p/cloudservers HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 200"):
                self.received.add(json.loads(await reader.readuntil(b"}"))["job_id"])
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def assert_nothing_is_lost(start: Callable[[str], Started], signals: int = 1, port: int = 0) -> None:
    """Whatever the clients have is in the log, and the log's own sums are right."""
    rush = Rush(signals, port)
    records = records_in(asyncio.run(rush.run(start)))
    recorded = {body["job_id"] for body in bodies(records, "submission")}
    assert rush.received <= recorded, sorted(rush.received - recorded)
    assert_sound(records)
    assert records[-1]["session"]["totals"]["in_scope"] == CLIENTS


@pytest.mark.parametrize("attempt", range(ROUNDS))
@pytest.mark.parametrize("signals", [1, 2])
def test_serve(serve: StartServe, signals: int, attempt: int) -> None:
    def start(origin: str) -> Started:
        proxy = serve(origin, forks=None)
        assert isinstance(proxy.process, subprocess.Popen)
        return proxy.port, proxy.process, proxy.log

    assert_nothing_is_lost(start, signals)


def test_serve_past_its_grace(serve: StartServe) -> None:
    def start(origin: str) -> Started:
        proxy = serve(origin, command=changed(0.01))
        assert isinstance(proxy.process, subprocess.Popen)
        return proxy.port, proxy.process, proxy.log

    assert_nothing_is_lost(start)


@pytest.mark.parametrize("attempt", range(ROUNDS))
@pytest.mark.parametrize("options", [(), ("--set", "stream_large_bodies=1")], ids=["buffered", "streamed"])
def test_mitmdump(launch: Start, options: tuple[str, ...], attempt: int) -> None:
    def start(origin: str) -> Started:
        proxy = launch("--mode", f"reverse:{origin}", *options)
        return proxy.port, proxy.running.process, proxy.log

    assert_nothing_is_lost(start, signals=2)


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_mitmweb(tmp_path: Path, attempt: int) -> None:
    with Mitmweb(tmp_path, "--mode", f"reverse:http://127.0.0.1:{(port := free_port())}") as web:
        assert_nothing_is_lost(lambda _: (web.port, web.process, tmp_path / "taskaudit.ndjson"), port=port)


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_the_console(terminal: Terminal, tmp_path: Path, confdir: Path, attempt: int) -> None:
    port, log = free_port(), tmp_path / "taskaudit.ndjson"
    running: list[subprocess.Popen[bytes]] = []

    def start(origin: str) -> Started:
        where = ["--mode", f"reverse:{origin}", "--listen-host", "127.0.0.1", "-p", str(port)]
        options = ["--set", f"taskaudit_log={log}", "--set", f"confdir={confdir}"]
        process = subprocess.Popen(
            [program("mitmproxy"), "-s", str(addon_script()), *where, *options],
            stdin=terminal.theirs,
            stdout=terminal.theirs,
            stderr=terminal.theirs,
            env={**os.environ, "TERM": "xterm"},
            start_new_session=True,
        )
        running.append(process)
        wait_until(lambda: is_open(port), "the console listens")
        return port, process, log

    try:
        assert_nothing_is_lost(start)
    finally:
        for process in running:
            process.kill()
            process.wait(PATIENCE)
