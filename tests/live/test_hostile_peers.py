"""Clients and origins that break rules, or never end: `taskaudit serve` stays up, and small, and counts."""

from __future__ import annotations

import itertools
import re
import resource
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from forking import Forks
from running import PATIENCE, bodies, exchange_bytes, submission, wait_until
from scripted_origin import JSON, MEGABYTE, Script, ScriptedOrigin, chunk, reset, send_all, sends, sized
from serving import Serve

MEMORY = 128 * 2**20
"""Bytes that a peer may cost. What is to be bounded is larger than this, and the process would be, too."""
TWO_GIGABYTES = 2 * 2**30
ALL = 2**40
FEW_DESCRIPTORS = 100
MANY = 100_000
"""Header lines."""
LONG = 100
"""Times as many: more than 200 MB that could go on, but do not where a test fails."""
JOB = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
HEADERS = b"".join(b"X-%d: some value\r\n" % number for number in range(MANY))


def _resets(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Content-Length: 1000\r\n\r\n" + JOB)
    reset(connection)


def _two_gigabytes(connection: socket.socket) -> None:
    connection.sendall(JSON + b"Content-Length: %d\r\n\r\n" % TWO_GIGABYTES)
    send_all(connection, itertools.repeat(MEGABYTE, TWO_GIGABYTES // len(MEGABYTE)))


def _for_ever(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    send_all(connection, itertools.repeat(chunk(MEGABYTE), 1024))


def _endless_head(connection: socket.socket) -> None:
    connection.sendall(JSON)
    send_all(connection, itertools.repeat(HEADERS, LONG))


def _swallows(connection: socket.socket) -> None:
    while connection.recv(2**20):
        pass


SCRIPTS: dict[str, Script] = {
    "polite": sends(sized(JOB)),
    "many-headers": sends(sized(JOB, JSON + HEADERS)),
    "two-gigabytes": _two_gigabytes,
    "for-ever": _for_ever,
    "trailers": sends(CHUNKED, chunk(JOB), b"0\r\nX-Checksum: 1\r\n\r\n"),
    "early-hints": sends(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", sized(JOB)),
    "endless-head": _endless_head,
    "resets": _resets,
    "swallows": _swallows,
    "garbage": sends(bytes(range(256)) * 4096, b"\r\n\r\n"),
}

type Peer = Callable[[int], AbstractContextManager[None]]
"""Does its worst to the proxy at a port, and goes on with it, or waits, until the context ends."""


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def _reads(request: bytes, wanted: int) -> Peer:
    """Submits a task, and reads that many bytes of the answer, or all there are."""

    @contextmanager
    def peer(port: int) -> Iterator[None]:
        with _connect(port) as connection:
            connection.sendall(request)
            got = 0
            while got < wanted and (data := connection.recv(2**20)):
                got += len(data)
            yield

    return peer


def _sends(
    *parts: bytes, times: int = 1, then: Callable[[socket.socket], None] = socket.socket.close
) -> Peer:
    """Sends something over each of `times` connections, kept open; at the end each ends by `then`."""

    @contextmanager
    def peer(port: int) -> Iterator[None]:
        with ExitStack() as opened:
            connections = [opened.enter_context(_connect(port)) for _ in range(times)]
            for connection in connections:
                send_all(connection, parts)
            yield
            for connection in connections:
                then(connection)

    return peer


def _until_refused(*parts: bytes) -> Peer:
    """Sends header lines until the proxy has had enough."""

    @contextmanager
    def peer(port: int) -> Iterator[None]:
        with _connect(port) as connection:
            with pytest.raises(OSError, match=r"Broken pipe|reset"):
                send_all(connection, itertools.chain(parts, itertools.repeat(HEADERS, LONG)))
            yield

    return peer


def _head(name: str, *lines: bytes) -> bytes:
    line = submission(name).partition(b"\r\n")[0]
    return b"".join(part + b"\r\n" for part in (line, b"Host: api.example.com", *lines))


ASKS = _head("two-gigabytes", b"Content-Length: 0", b"")
ENDLESS_BODY = _head("swallows", b"Transfer-Encoding: chunked", b"")
TLS_HELLO = bytes.fromhex("1603010200010001fc0303")

PEERS: dict[str, tuple[Peer, dict[str, int]]] = {
    "half-open clients": (_sends(_head("polite") + b"X-", times=300), {}),
    "100,000 headers in a request": (
        _reads(_head("polite", b"Connection: close", HEADERS), ALL),
        {"audited": 1},
    ),
    "100,000 headers in an answer": (_reads(submission("many-headers"), ALL), {"audited": 1}),
    "a head without end in an answer": (_reads(submission("endless-head"), ALL), {"aborted": 1}),
    "a head without end in a request": (_until_refused(_head("polite")), {}),
    "2 GB": (_reads(submission("two-gigabytes"), TWO_GIGABYTES), {"streamed": 1}),
    "an answer without end": (_reads(submission("for-ever"), 2**28), {"aborted": 1}),
    "a client that never reads": (_sends(ASKS), {"aborted": 1}),
    "many clients that never read": (_sends(ASKS, times=20), {"aborted": 20}),
    "a request without end": (_sends(ENDLESS_BODY, *(chunk(MEGABYTE),) * 256), {"aborted": 1}),
    "trailers": (_reads(submission("trailers"), 1), {"aborted": 1}),
    "1xx before the answer": (_reads(submission("early-hints"), 1), {"interim": 1}),
    "the origin resets": (_reads(submission("resets"), ALL), {"aborted": 1}),
    "the client resets": (_sends(ASKS, then=reset), {"aborted": 1}),
    "an origin that sends garbage": (_reads(submission("garbage"), ALL), {"aborted": 1}),
    "garbage": (_sends(bytes(range(256)) * 4096, b"\r\n\r\n", times=20), {}),
    "TLS garbage": (_sends(TLS_HELLO, bytes(range(256)) * 64, times=20), {}),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_hostile_peer(tmp_path: Path, confdir: Path, forks: Forks, name: str) -> None:
    peer, expected = PEERS[name]
    with (
        ScriptedOrigin(SCRIPTS) as origin,
        Serve(origin.url, tmp_path, confdir=confdir, forks=forks) as serve,
    ):
        at_first = (serve.port, serve.peak)[1]
        with peer(serve.port):
            assert exchange_bytes(serve.port, "polite").endswith(JOB)
        accounted = {"audited": 0, **expected}
        accounted["audited"] += 1
        wait_until(lambda: _seen(serve) == sum(accounted.values()), f"{accounted}")
        assert exchange_bytes(serve.port, "polite").endswith(JOB)
        assert serve.peak - at_first < MEMORY
        accounted["audited"] += 1
        assert _accounted(serve) == accounted


def test_more_clients_than_descriptors(tmp_path: Path, confdir: Path) -> None:
    """Nobody else gets in as long as they stay; then all is as before."""
    with ScriptedOrigin(SCRIPTS) as origin, Serve(origin.url, tmp_path, confdir=confdir) as serve:
        at_rest = (serve.port, serve.descriptors)[1]
        resource.prlimit(serve.process.pid, resource.RLIMIT_NOFILE, (FEW_DESCRIPTORS, FEW_DESCRIPTORS))
        with _sends(_head("polite"), times=2 * FEW_DESCRIPTORS)(serve.port):
            wait_until(lambda: "Too many open files" in serve.told, "it can take no more")
        wait_until(lambda: _is_served(serve.port), "all is as before")
        wait_until(lambda: serve.descriptors <= at_rest, "all are given back")
        accounted = _accounted(serve)
        assert accounted.pop("audited") == 1
        assert (+accounted).keys() <= {"aborted"}


def _is_served(port: int) -> bool:
    """Not at first: the last of those who were in the way may still be going."""
    with suppress(OSError):
        return exchange_bytes(port, "polite").endswith(JOB)
    return False


LARGE = 2 * 2**20
SCRIPTS["large"] = sends(CHUNKED, chunk(JOB), chunk(b" " * LARGE), b"0\r\n\r\n")
LIMIT = f"inspection_limit: {2 * LARGE}"
"""Of the configuration: what is large above is not too large here."""


@pytest.mark.parametrize(
    ("arguments", "settings", "becomes"),
    [
        ((), "", "streamed"),
        (("--set", f"stream_large_bodies={2 * LARGE}"), "", "too_large"),
        (("--set", "stream_large_bodies"), "", "too_large"),
        ((), LIMIT, "audited"),
        (("--set", "stream_large_bodies=1k"), LIMIT, "streamed"),
    ],
)
def test_what_is_held_in_memory(
    tmp_path: Path, confdir: Path, arguments: tuple[str, ...], settings: str, becomes: str
) -> None:
    """As much as the audit may inspect, unless the user says otherwise. The client has it all in any case."""
    with (
        ScriptedOrigin(SCRIPTS) as origin,
        Serve(origin.url, tmp_path, *arguments, settings=settings, confdir=confdir) as serve,
    ):
        assert len(exchange_bytes(serve.port, "large")) > LARGE
        assert _accounted(serve) == {becomes: 1}


def _seen(serve: Serve) -> int:
    status, metrics = serve.get("/metrics")
    assert status == 200
    found = re.findall(r"^taskaudit_(?:exchanges|unaudited)_total\S* (\S+)$", metrics, re.M)
    return int(sum(map(float, found)))


def _accounted(serve: Serve) -> Counter[str]:
    totals = bodies(serve.stopped(), "stats")[-1]
    counted = Counter(totals["unaudited"]) + Counter(other=totals["other"], audited=totals["audited"])
    assert counted.total() == totals["seen"]
    return counted
