"""Load for proxies: a cheap origin, a cheap client, and the CPU time that a proxy spends between them.

The proxy under load has one core for itself, as far as the machine is ours; origin and client, which cost a
small part of what the proxy does, share another one. Requests and answers have the headers that an SDK and
a cloud's gateway send; each body and each job id is new, so that nothing is repeated that the audit would
find fault with. Connections are kept alive, and there is a request on each at any time.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, Self, override

from fronts import free_port, is_open
from running import PATIENCE, wait_until

from taskaudit.demo.mitmdump import Mitmdump

CORES = sorted(os.sched_getaffinity(0))
CONNECTIONS = 8

_ASKED = (
    b"%b HTTP/1.1\r\nHost: ecs.example.com\r\nUser-Agent: sdk-python/3.1\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\nX-Project-Id: 0605768a3300d5762\r\n"
    b"X-Sdk-Date: 20260101T000000Z\r\nAuthorization: SDK-HMAC-SHA256 Access=%b\r\n"
)
_ANSWERED = (
    b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nX-Request-Id: 5e4a2c8f0b7d4e6f9a1c3b5d7e9f1a2b\r\n"
    b"Server: api-gateway\r\nStrict-Transport-Security: max-age=31536000; includeSubdomains;\r\n\r\n%b"
)
_PROJECT = b"/v1/0605768a3300d5762fa1c0134e3c1b4d"
_LIST = b'{"servers": [%b], "count": 4}' % b", ".join(
    b'{"id": "%032d", "name": "server-%d", "status": "ACTIVE"}' % (n, n) for n in range(4)
)


class Traffic(NamedTuple):
    """One kind of traffic: the request of a number, and how many bytes come back for it."""

    request: Callable[[int], bytes]
    length: Callable[[int], int]


def _head(line: bytes) -> bytes:
    return _ASKED % (line, b"A" * 64)


def _answer(body: bytes) -> bytes:
    return _ANSWERED % (len(body), body)


def _submission(number: int) -> bytes:
    body = b'{"server": {"name": "server-%012d", "imageRef": "%032d", "flavorRef": "s6.large.2"}}' % (
        number,
        1,
    )
    return _SUBMIT % (len(body), body)


def _job(number: int) -> bytes:
    return _answer(b'{"job_id": "%032d"}' % number)


def _query(number: int, status: bytes) -> bytes:
    return _ASK_JOB % (number, status)


def _status(job: bytes, status: bytes) -> bytes:
    return _answer(_STATUS % (job, status))


_SUBMIT = _head(b"POST " + _PROJECT + b"/cloudservers") + b"Content-Length: %d\r\n\r\n%b"
_ASK_JOB = _head(b"GET " + _PROJECT + b"/jobs/%032d?status=%b") + b"\r\n"
_ASK_LIST = _head(b"GET " + _PROJECT + b"/cloudservers/detail?limit=4&offset=100") + b"\r\n"
_LISTED = _answer(_LIST)
_STATUS = (
    b'{"job_id": "%b", "job_type": "createServer", "begin_time": "2026-01-01T00:00:00Z", "status": "%b"}'
)

OTHER = Traffic(lambda _: _ASK_LIST, lambda _: len(_LISTED))
"""A list of servers: traffic that is not ours."""
SUBMISSIONS = Traffic(_submission, lambda number: len(_job(number)))
"""A submission that is answered with a new job."""

_STATUSES = {3: b"INIT", 5: b"RUNNING", 7: b"SUCCESS"}
_LAG = 100
"""How many requests lie between a submission and the queries of its job, about."""


def _mixed(number: int) -> bytes:
    if number % 10 == 0:
        return _submission(number)
    if status := _STATUSES.get(number % 10):
        return _query(number - number % 10 - _LAG, status)
    return _ASK_LIST


def _mixed_length(number: int) -> int:
    if number % 10 == 0:
        return len(_job(number))
    status = _STATUSES.get(number % 10)
    return len(_status(b"0" * 32, status)) if status else len(_LISTED)


MIX = Traffic(_mixed, _mixed_length)
"""Of ten requests one is a submission, three ask for a job, to its end; six are not ours."""


class _Origin(asyncio.Protocol):
    """Answers each request, which comes alone on its connection, perhaps in pieces."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n" if self._received.startswith(b"GET") else b"}}"):
            self._transport.write(_answer_to(self._received))
            self._received = b""


def _answer_to(asked: bytes) -> bytes:
    target = asked.split(b" ", 2)[1]
    if asked.startswith(b"POST"):
        return _job(int(asked.rpartition(b'"server-')[2][:12]))
    job, is_query, status = target.rpartition(b"/")[2].partition(b"?status=")
    return _status(job, status) if is_query else _LISTED


def _serve(told: Connection) -> None:
    os.sched_setaffinity(0, CORES[:1])

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def origin() -> Iterator[str]:
    """An origin in a process of its own; gives its address. Meanwhile we are on its core, too."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(its,), daemon=True)
    process.start()
    os.sched_setaffinity(0, CORES[:1])
    try:
        assert ours.poll(PATIENCE), "the origin does not start"
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        os.sched_setaffinity(0, CORES)
        process.terminate()
        process.join()


class Client:
    """Connections to a proxy, all of them busy while it runs."""

    _places = count(1)

    def __init__(self, port: int, connections: int = CONNECTIONS) -> None:
        self._numbers = count(next(self._places) * 1_000_000_000)
        with ExitStack() as opened:
            self._sockets = [
                opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                for _ in range(connections)
            ]
            self._opened = opened.pop_all()

    def run(self, traffic: Traffic, requests: int) -> float:
        """Makes that many requests; the seconds from the first one to the last answer."""
        began, left = time.perf_counter(), requests
        awaited: dict[socket.socket, int] = {}
        with selectors.DefaultSelector() as selector:
            for each in self._sockets[:requests]:
                selector.register(each, selectors.EVENT_READ)
                self._ask(each, traffic, awaited)
                left -= 1
            while awaited:
                for key, _ in selector.select(30) or self._silent():
                    each = key.fileobj
                    assert isinstance(each, socket.socket)
                    awaited[each] -= len(each.recv(65536)) or self._closed()
                    if awaited[each] > 0:
                        continue
                    del awaited[each]
                    if left:
                        self._ask(each, traffic, awaited)
                        left -= 1
        return time.perf_counter() - began

    def close(self) -> None:
        """Closes the connections."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _ask(self, connection: socket.socket, traffic: Traffic, awaited: dict[socket.socket, int]) -> None:
        number = next(self._numbers)
        connection.sendall(traffic.request(number))
        awaited[connection] = traffic.length(number)

    def _silent(self) -> list[tuple[selectors.SelectorKey, int]]:
        raise TimeoutError("no answer")

    def _closed(self) -> int:
        raise ConnectionError("the proxy closed a connection")


def cpu_of(pid: int) -> float:
    """Seconds of CPU that another process has spent so far, all its threads together.

    By the clock that clock_getcpuclockid(3) makes of its number: in nanoseconds, where /proc has ticks.
    """
    return time.clock_gettime((~pid << 3) | 2)


class Loaded:
    """A running proxy with a client: what a slice of load costs it."""

    def __init__(self, pid: int, port: int) -> None:
        os.sched_setaffinity(pid, CORES[-1:])
        self._pid = pid
        self.client = Client(port)

    def slice(self, traffic: Traffic, requests: int) -> float:
        """Seconds of its CPU for one of `requests`."""
        before = cpu_of(self._pid)
        self.client.run(traffic, requests)
        return (cpu_of(self._pid) - before) / requests


def mitmdump(running: ExitStack, folder: Path, address: str, *arguments: str) -> Loaded:
    """A quiet mitmdump before `address`; `folder` is its configuration directory."""
    port = free_port()
    where = ["--mode", f"reverse:{address}", "--listen-host", "127.0.0.1", "-p", str(port)]
    proxy = running.enter_context(Mitmdump(["-q", *where, *arguments], folder))
    wait_until(lambda: is_open(port), "mitmdump listens")
    return Loaded(proxy.process.pid, port)
