"""Answers that mitmproxy streams, and exchanges that never end well: audited, or named as unaudited."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
from running import PATIENCE, RawOrigin, Start, bodies, exchange_bytes, wait_until

Origin = Callable[[dict[str, bytes]], RawOrigin]
JOB_ID = "70a599e0-31e7-49b7-b260-868f441e862b"
JOB = b'{"job_id": "%b"}' % JOB_ID.encode()
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OVER_THE_LIMIT = JOB + b" " * (1024 * 1024)


def _sized(body: bytes, missing: int = 0) -> bytes:
    return JSON + b"Content-Length: %d\r\n\r\n" % (len(body) + missing) + body


def _chunked(*chunks: bytes) -> bytes:
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return JSON + b"Transfer-Encoding: chunked\r\n\r\n" + sent


def unaudited(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(body["reason"], body["role"]) for body in bodies(records, "unaudited")]


ANSWERS = {
    "sized": _sized(JOB),
    "chunked": _chunked(JOB[:7], JOB[7:]),
    "large": _sized(OVER_THE_LIMIT),
    "large-chunked": _chunked(OVER_THE_LIMIT),
    "cut": _sized(JOB, missing=10),
}
STREAMING = ("--set", "stream_large_bodies=1")


def test_a_streamed_answer_is_teed_and_audited(launch: Start, raw_origin: Origin) -> None:
    proxy = launch("--mode", f"reverse:{raw_origin(ANSWERS).url}", *STREAMING)
    assert exchange_bytes(proxy.port, "sized").endswith(JOB)
    records = proxy.stopped()
    assert [(s["kind"], s["job_id"]) for s in bodies(records, "submission")] == [("job", JOB_ID)]


@pytest.mark.parametrize("name", ["large", "chunked"])
def test_what_went_past_is_unaudited(launch: Start, raw_origin: Origin, name: str) -> None:
    """Over the inspection limit; or of unknown length: then mitmproxy asks no addon before it streams."""
    proxy = launch("--mode", f"reverse:{raw_origin(ANSWERS).url}", *STREAMING)
    assert ANSWERS[name].endswith(exchange_bytes(proxy.port, name)[-40:])
    records = proxy.stopped()
    assert unaudited(records) == [("streamed", "submission")]
    assert [f["rule"] for f in bodies(records, "finding")] == ["TA003"]
    assert bodies(records, "stats")[-1]["unaudited"]["streamed"] == 1


def test_buffered_over_the_limit_it_is_too_large(launch: Start, raw_origin: Origin) -> None:
    proxy = launch("--mode", f"reverse:{raw_origin(ANSWERS).url}")
    assert len(exchange_bytes(proxy.port, "large-chunked")) > len(OVER_THE_LIMIT)
    records = proxy.stopped()
    assert unaudited(records) == [("too_large", "submission")]
    assert [f["rule"] for f in bodies(records, "finding")] == ["TA003"]


@pytest.mark.parametrize("arguments", [STREAMING, ()], ids=["streamed", "buffered"])
def test_the_origin_breaks_off(launch: Start, raw_origin: Origin, arguments: tuple[str, ...]) -> None:
    proxy = launch("--mode", f"reverse:{raw_origin(ANSWERS).url}", *arguments)
    exchange_bytes(proxy.port, "cut")
    records = proxy.stopped()
    assert unaudited(records) == [("aborted", "submission")]
    assert bodies(records, "submission") == []


@pytest.mark.parametrize("arguments", [STREAMING, ()], ids=["streamed", "buffered"])
def test_the_client_goes_away(launch: Start, raw_origin: Origin, arguments: tuple[str, ...]) -> None:
    origin = raw_origin(ANSWERS)
    origin.go_on.clear()
    proxy = launch("--mode", f"reverse:{origin.url}", *arguments)
    connection = _asking(proxy.port)
    wait_until(lambda: origin.arrived == 1, "the request at the origin")
    connection.close()
    wait_until(lambda: len(proxy.of("unaudited")) == 1, "the record of the exchange")
    origin.go_on.set()
    records = proxy.stopped()
    assert unaudited(records) == [("aborted", "submission")]


def test_under_way_when_the_proxy_stops(launch: Start, raw_origin: Origin) -> None:
    origin = raw_origin(ANSWERS)
    origin.go_on.clear()
    proxy = launch("--mode", f"reverse:{origin.url}")
    with _asking(proxy.port):
        wait_until(lambda: origin.arrived == 1, "the request at the origin")
        proxy.running.process.send_signal(signal.SIGTERM)
        records = proxy.stopped()
    assert unaudited(records) == [("aborted", "submission")]
    totals = bodies(records, "stats")[-1]
    assert (totals["seen"], totals["unaudited"]["aborted"]) == (1, 1)


def _asking(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.sendall(
        b"POST /v1/p/batchaction/attachvolumes/sized HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    )
    return connection
