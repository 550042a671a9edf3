"""Serving in this process: what is in flight is counted right, whatever becomes of it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from mitmproxy.test import tflow
from running import PATIENCE, bodies, records_in, wait_until
from scripted_origin import JSON, MEGABYTE, Script, ScriptedOrigin, chunk, reset, sends, sized

from taskaudit.contract.verdict import Severity
from taskaudit.proxy import addon
from taskaudit.proxy import serve as module
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.floods import Floods
from taskaudit.proxy.lean import LeanMaster
from taskaudit.proxy.serve import serve
from taskaudit.totals import Totals

# mitmproxy 12.2 leaves some connections to the origin open at its end; the real process ends with them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

JOB = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
WEBSOCKET = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
CLOSED = b"\x88\x02\x03\xe8"
"""A close frame of a websocket, from the origin."""
LARGE = b" " * 3 * 2**20


def _reset(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Content-Length: 1000\r\n\r\n" + JOB)
    reset(connection)


arrived = threading.Event()
"""A request has come that is never answered."""


def _never(connection: socket.socket) -> None:
    arrived.set()
    while connection.recv(2**16):
        pass


def _upload(connection: socket.socket) -> None:
    left = len(LARGE) - 2**16  # What was read with the head is not seen here.
    while left > 0 and (data := connection.recv(2**16)):
        left -= len(data)
    connection.sendall(sized(JOB))


SCRIPTS: dict[str, Script] = {
    "upload": _upload,
    "job": sends(sized(JOB)),
    "head": sends(JSON + b"Content-Length: 50\r\n\r\n"),
    "no-content": sends(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "hints": sends(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", sized(JOB)),
    "continue": sends(b"HTTP/1.1 100 Continue\r\n\r\n", sized(JOB)),
    "websocket": sends(WEBSOCKET, b"\x81\x02hi", CLOSED),
    "websocket-cut": sends(WEBSOCKET, b"\x81\x7f"),
    "tunnel": sends(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: mine\r\nConnection: Upgrade\r\n\r\n", b"x"
    ),
    "reset": _reset,
    "cut": sends(JSON + b"Content-Length: 1000\r\n\r\n" + JOB),
    "closes": sends(),
    "garbage": sends(b"garbage\r\n\r\n"),
    "trailers": sends(JSON + b"Transfer-Encoding: chunked\r\n\r\n", chunk(JOB), b"0\r\nX-A: 1\r\n\r\n"),
    "streamed": sends(JSON + b"Content-Length: %d\r\n\r\n" % (3 * 2**20), *[MEGABYTE] * 3),
    "streamed-cut": sends(JSON + b"Content-Length: %d\r\n\r\n" % (3 * 2**20), *[MEGABYTE] * 2),
    "never": _never,
}


class Running:
    """A proxy in a thread of its own, with the audit that counts what is in flight."""

    def __init__(self, origin: str, folder: Path, *arguments: str) -> None:
        self.log = folder / "log.ndjson"
        where = ["--mode", f"reverse:{origin}", "--listen-host", "127.0.0.1", "-p", "0"]
        self._arguments = [*where, "--set", f"confdir={folder}", *arguments]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        wait_until(lambda: bool(self.master.server.listen_addrs()), "the proxy listens")
        self.port: int = self.master.server.listen_addrs()[0][1]

    async def _run(self) -> None:
        self.audit = TaskAudit(headless=True)
        self.master = LeanMaster(self._arguments)
        self.master.take(self.audit, [f"taskaudit_log={self.log}", "taskaudit_config=", "taskaudit_listen="])
        self.master.stream_above(2**20)
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self.master.run()
        finally:
            self.master._legacy_log_events.uninstall()

    def stop(self) -> None:
        """Waits for its end."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(lambda: self.master.options.update(server=False))
        wait_until(lambda: not self.master.server.listen_addrs(), "the proxy listens no more")
        self._loop.call_soon_threadsafe(self.master.shutdown)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        gc.collect()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a proxy before an origin of `SCRIPTS`, always stopped."""
    with ExitStack() as opened:
        origin = opened.enter_context(ScriptedOrigin(SCRIPTS))

        def make(*arguments: str, to: str = "") -> Running:
            running = Running(to or origin.url, tmp_path, *arguments)
            opened.callback(running.stop)
            return running

        yield make


@contextmanager
def connected(port: int, *, http2: bool = False) -> Iterator[socket.socket]:
    """A client's connection; with TLS where it is to be HTTP/2."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        if not http2:
            yield plain
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            assert wrapped.selected_alpn_protocol() == "h2"
            yield wrapped


def request(name: str, method: str = "POST", *lines: str, body: bytes = b"{}") -> bytes:
    """A request that is in scope, for a script by its name."""
    head = [f"{method} /v1/p/batchaction/attachvolumes/{name} HTTP/1.1", "Host: api.example.com", *lines]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: " + "A" * 24,
)
LAST = "Connection: close"

ASKED: dict[str, bytes] = {
    "a job": request("job", "POST", LAST),
    "two at once": request("job") + request("job", "POST", LAST),
    "HEAD": request("head", "HEAD", LAST, body=b""),
    "204": request("no-content", "POST", LAST),
    "a websocket": request("websocket", "GET", *UPGRADE, body=b""),
    "a websocket that is cut": request("websocket-cut", "GET", *UPGRADE, body=b""),
    "another protocol": request("tunnel", "GET", "Upgrade: mine", "Connection: Upgrade", body=b""),
    "an origin that resets": request("reset", "POST", LAST),
    "an origin that breaks off": request("cut", "POST", LAST),
    "an origin that closes": request("closes", "POST", LAST),
    "an origin that sends garbage": request("garbage", "POST", LAST),
    "trailers": request("trailers", "POST", LAST),
    "a stream": request("streamed", "POST", LAST),
    "a stream that breaks off": request("streamed-cut", "POST", LAST),
    "a wrong request": request("job", "POST", "Transfer-Encoding: chunked", "Content-Length: 2", LAST),
    "a wrong chunk": request("job", "POST", "Transfer-Encoding: chunked", LAST, body=b"zz\r\n\r\n"),
    "100-continue": request("job", "POST", "Expect: 100-continue", LAST),
    "a large request": request("upload", "POST", LAST, body=LARGE),
}


def _settled(running: Running, at_least: int = 0) -> None:
    """All connections have ended, and nothing is in flight."""
    totals = running.audit.standing.totals
    wait_until(lambda: totals().seen >= at_least, "an exchange")
    wait_until(lambda: not running.master.server.connections, "the end of all connections")
    assert len(running.audit.in_flight) == 0


@pytest.mark.parametrize("what", ASKED)
def test_nothing_stays_in_flight(start: Callable[..., Running], what: str) -> None:
    running = start()
    with connected(running.port) as client:
        with suppress(OSError):  # It may be refused before it is whole.
            client.sendall(ASKED[what])
        while _received(client):
            pass
    _settled(running)


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(2**16)
    except ConnectionResetError:
        return b""


GOES_AWAY: dict[str, bytes] = {
    "before the answer": request("never"),
    "within the request": request("job", "POST", "Content-Length: 1000"),
    "within a stream": request("streamed"),
    "after hints": request("hints"),
    "after 100": request("continue"),
}


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("when", GOES_AWAY)
def test_a_client_that_goes_away(start: Callable[..., Running], when: str, how: str) -> None:
    running = start()
    with connected(running.port) as client:
        client.sendall(GOES_AWAY[when])
        wait_until(lambda: len(running.audit.in_flight) + running.audit.standing.totals().seen > 0, "it")
        if how == "resets":
            reset(client)
    _settled(running, at_least=1)


@pytest.mark.parametrize("name", ["job", "never", "streamed"])
@pytest.mark.parametrize("then", ["reset", "close"])
def test_http2_streams_that_are_given_up(start: Callable[..., Running], name: str, then: str) -> None:
    running = start()
    with connected(running.port, http2=True) as client:
        speaker = H2Connection(H2Configuration(client_side=True))
        speaker.initiate_connection()
        head = {
            ":method": "POST",
            ":path": f"/v1/p/batchaction/attachvolumes/{name}",
            ":scheme": "https",
            ":authority": "a",
        }
        for stream in (1, 3, 5):
            speaker.send_headers(stream, list(head.items()), end_stream=True)
        client.sendall(speaker.data_to_send())
        wait_until(lambda: len(running.audit.in_flight) + running.audit.standing.totals().seen >= 3, "three")
        if then == "reset":
            for stream in (1, 3, 5):
                speaker.reset_stream(stream)
            client.sendall(speaker.data_to_send())
            wait_until(lambda: not running.audit.in_flight, "the end of all streams")
    _settled(running, at_least=3)


@pytest.mark.parametrize("arguments", [["--proxyauth", "me:secret"], ["--set", "body_size_limit=1"]])
def test_answered_by_the_proxy_itself(start: Callable[..., Running], arguments: list[str]) -> None:
    running = start(*arguments)
    with connected(running.port) as client:
        client.sendall(ASKED["a job"])
        status = client.recv(2**16).split(b" ")[1]
    assert status in (b"401", b"407", b"413")
    _settled(running, at_least=1)


def test_nobody_at_the_origin(start: Callable[..., Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    running = start("--set", "connection_strategy=lazy", to=f"http://127.0.0.1:{port}")
    with connected(running.port) as client:
        client.sendall(ASKED["a job"])
        assert client.recv(2**16).startswith(b"HTTP/1.1 502 ")
    _settled(running, at_least=1)


def test_in_flight_until_the_answer_may_go_on() -> None:
    """With `fsync: batch` an answer waits for the disk, and a stop for the answer."""

    async def answer() -> list[int]:
        audit = TaskAudit(headless=True)
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        class _Recorder:
            def committed(self) -> asyncio.Future[None]:
                return safe

        flow = tflow.tflow(resp=True)
        audit.requestheaders(flow)
        audit.standing.recorder = _Recorder()  # type: ignore[assignment]
        assert audit.response(flow) is safe
        counts = [len(audit.in_flight)]
        safe.set_result(None)
        await asyncio.sleep(0)
        return [*counts, len(audit.in_flight)]

    assert asyncio.run(answer()) == [1, 0]


class _Manager:
    """Counts what the service manager is told."""

    def __init__(self) -> None:
        self.fed = 0
        self.told: list[str] = []

    def ready(self, status: str) -> None:
        """It listens."""
        self.told.append(status)

    def alive(self, status: str) -> None:
        """The watchdog is fed."""
        self.fed += 1


class _Servers(list[SimpleNamespace]):
    """One for each mode."""

    is_updating = False


def _server(*addresses: tuple[str, int], mode: str = "regular", runs: bool = True) -> SimpleNamespace:
    return SimpleNamespace(listen_addrs=addresses, is_running=runs, mode=SimpleNamespace(full_spec=mode))


def _master(*servers: SimpleNamespace, is_updating: bool = False) -> LeanMaster:
    made = _Servers(servers)
    made.is_updating = is_updating
    return SimpleNamespace(server=SimpleNamespace(servers=made))  # type: ignore[return-value]


ONE, OTHER = _server(("127.0.0.1", 8080)), _server(("::1", 8081, 0, 0))  # type: ignore[arg-type]
WITHOUT = _server(mode="local:curl")


@pytest.mark.parametrize(
    ("master", "told"),
    [
        (_master(ONE), ["listening on 127.0.0.1:8080"]),
        (_master(ONE, OTHER, ONE), ["listening on 127.0.0.1:8080, ::1:8081"]),
        (_master(WITHOUT), ["listening on local:curl"]),
        (_master(), []),
        (_master(ONE, is_updating=True), []),
        (_master(ONE, _server(runs=False)), []),
    ],
)
def test_it_is_ready_when_all_its_modes_are(master: LeanMaster, told: list[str]) -> None:
    manager = _Manager()
    assert module._tell_ready(master, manager) is bool(told)  # type: ignore[arg-type]
    assert manager.told == told


@pytest.mark.parametrize("works", [True, False])
def test_the_watchdog_is_fed_only_while_the_audit_works(monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    """The event loop goes on in any case."""
    monkeypatch.setattr(module, "TICK", 0.0)
    monkeypatch.setattr(addon, "TICK", 0.0)
    manager, audit = _Manager(), TaskAudit(headless=True)

    def due() -> list[object]:
        if not works:
            raise ArithmeticError
        return []

    async def run() -> int:
        audit.standing.recorder = SimpleNamespace(due=due, stats=lambda: None, failing=None, totals=Totals())  # type: ignore[assignment]
        timer = asyncio.create_task(audit._keep_time())
        watch = asyncio.create_task(module._keep_watch(_master(ONE), audit, manager, Floods()))  # type: ignore[arg-type]
        async with asyncio.timeout(PATIENCE):
            while manager.fed < 5 and not timer.done():
                await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        fed = manager.fed
        for _ in range(50):
            await asyncio.sleep(0)
        watch.cancel()
        if not timer.cancel():
            assert isinstance(timer.exception(), ArithmeticError)
        return manager.fed - fed

    assert (asyncio.run(run()) > 0) is works


@pytest.fixture
def quiet() -> Iterator[None]:
    """Logging as it was, afterwards."""
    logger = logging.getLogger("taskaudit")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("grace", "script", "fail_on", "status", "reasons"),
    [
        (PATIENCE, "job", None, 0, []),
        (PATIENCE, "job", Severity.ERROR, 0, []),
        (PATIENCE, "garbage", Severity.ERROR, 0, ["aborted"]),
        (PATIENCE, "head", Severity.ERROR, 0, ["aborted"]),
        (0.1, "never", None, 0, ["aborted"]),
    ],
)
def test_until_a_signal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    grace: float,
    script: str,
    fail_on: Severity | None,
    status: int,
    reasons: list[str],
) -> None:
    """The whole of it, in this process: asked for by a client, stopped by a signal."""
    monkeypatch.setattr(module, "GRACE", grace)
    log = tmp_path / "log.ndjson"
    options = [f"taskaudit_log={log}", "taskaudit_config=", "taskaudit_listen="]
    failures: list[str] = []
    arrived.clear()

    def ask_and_stop() -> None:
        try:
            wait_until(lambda: "listening on" in caplog.text, "a port")
            port = int(caplog.text.partition("listening on 127.0.0.1:")[2].split()[0])
            with connected(port) as client:
                client.sendall(request(script, "POST", LAST))
                if script != "never":
                    while _received(client):
                        pass
                else:
                    assert arrived.wait(PATIENCE)
                os.kill(os.getpid(), signal.SIGTERM)
                while _received(client):
                    pass
        except (AssertionError, OSError) as error:
            failures.append(repr(error))
            os.kill(os.getpid(), signal.SIGTERM)

    with ScriptedOrigin(SCRIPTS) as origin:
        where = ["--mode", f"reverse:{origin.url}", "--listen-host", "127.0.0.1", "-p", "0"]
        asking = threading.Thread(target=ask_and_stop, daemon=True)
        asking.start()
        found = serve([*where, "--set", f"confdir={tmp_path}"], options, fail_on, verbose=False)
        asking.join(PATIENCE)
    assert failures == []
    assert found == status
    records = records_in(log)
    assert [record["event_type"] for record in records[-2:]] == ["stats", "session"]
    assert [each["reason"] for each in bodies(records, "unaudited")] == reasons
    assert ("stopped with 1 exchanges in flight" in caplog.text) == (script == "never")
