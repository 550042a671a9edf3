"""Flow files: whole, of other kinds, cut and damaged."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.flow import Flow
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowReader, FlowWriter, tnetstring
from mitmproxy.test import tflow

from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.flow import exchange_of
from taskaudit.sources.reading import read


def _ok(number: int = 0) -> HTTPFlow:
    flow = tflow.tflow(resp=True)
    flow.response.raw_content = b'{"job_id": "%d"}' % number
    flow.response.headers = Headers(content_type="application/json")
    return flow


def _streamed() -> HTTPFlow:
    flow = _ok()
    flow.response.raw_content = None
    return flow


def _replayed() -> HTTPFlow:
    flow = _ok()
    flow.is_replay = "request"
    return flow


def _saved(*flows: Flow) -> bytes:
    file = io.BytesIO()
    writer = FlowWriter(file)
    for flow in flows:
        writer.add(flow)
    return file.getvalue()


def _read(data: bytes, chunk: int = 4096) -> tuple[list[Captured], list[Damage]]:
    found = list(read(io.BytesIO(data), chunk=chunk))
    return (
        [each for each in found if isinstance(each, Captured)],
        [each for each in found if isinstance(each, Damage)],
    )


@pytest.mark.parametrize(
    "flow",
    [
        _ok(),
        _streamed(),
        _replayed(),
        tflow.tflow(),
        tflow.tflow(err=True),
        tflow.tflow(resp=True, err=True),
        tflow.twebsocketflow(),
        tflow.tflow(client_conn=tflow.tclient_conn(), resp=True),
    ],
)
def test_same_as_live(flow: HTTPFlow) -> None:
    assert _read(_saved(flow)) == ([Captured(0, exchange_of(flow))], [])


KINDS: dict[str, Callable[[], Flow]] = {
    "http": _ok,
    "streamed": _streamed,
    "replayed": _replayed,
    "without an answer": tflow.tflow,
    "error": lambda: tflow.tflow(err=True),
    "answer and error": lambda: tflow.tflow(resp=True, err=True),
    "websocket": tflow.twebsocketflow,
    "websocket with an error": lambda: tflow.twebsocketflow(err=True),
    "websocket still open": lambda: tflow.twebsocketflow(close_code=None),
    "tcp": tflow.ttcpflow,
    "tcp with an error": lambda: tflow.ttcpflow(err=True),
    "udp": tflow.tudpflow,
    "udp with an error": lambda: tflow.tudpflow(err=True),
    "dns": lambda: tflow.tdnsflow(resp=True),
    "dns without an answer": tflow.tdnsflow,
    "dns with an error": lambda: tflow.tdnsflow(err=True),
}
"""All that mitmproxy makes flows of for its own tests."""


def _by_mitmproxy(data: bytes) -> list[Captured]:
    """The slow way: mitmproxy's own reader, and what a live flow is made an exchange by."""
    return [
        Captured(index, exchange_of(flow))
        for index, flow in enumerate(FlowReader(io.BytesIO(data)).stream())
        if isinstance(flow, HTTPFlow)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_flow_is_read_as_mitmproxy_does(kind: str) -> None:
    data = _saved(_ok(1), KINDS[kind](), _ok(2))
    assert _read(data) == (_by_mitmproxy(data), [])


@pytest.mark.parametrize("version", [19, 20])
def test_older_formats_are_read_as_mitmproxy_does(version: int) -> None:
    state: dict[str, Any] = _ok().get_state()
    state["version"] = version
    data = _saved(_ok(1)) + tnetstring.dumps(state)
    assert len(_by_mitmproxy(data)) == 2
    assert _read(data) == (_by_mitmproxy(data), [])


_BYTES = st.binary(max_size=30) | st.text("0123456789:,;]}~", max_size=20).map(str.encode)
_FIELDS = st.lists(
    st.tuples(st.sampled_from([b"Host", b"content-type", b"X-Request-Id", b"cookie"]) | _BYTES, _BYTES),
    max_size=6,
)
_TIMES = st.floats(0, 4e9) | st.integers(0, 4 * 10**9)


@given(st.data())
def test_flows_of_any_content_are_read_as_mitmproxy_does(data: st.DataObject) -> None:
    flow = tflow.tflow(resp=True, err=data.draw(st.booleans()))
    asked, answered = flow.request.data, flow.response.data
    asked.method, asked.path, asked.authority = (data.draw(_BYTES) for _ in range(3))
    asked.host, flow.comment, flow.marked = (data.draw(st.text(max_size=20)) for _ in range(3))
    asked.http_version = data.draw(st.sampled_from([b"HTTP/1.1", b"HTTP/2.0"]))
    flow.metadata = {"note": data.draw(st.text(max_size=20))}
    for part in (asked, answered):
        part.headers = Headers(data.draw(_FIELDS))
        part.content = data.draw(st.none() | _BYTES)
        part.timestamp_start, part.timestamp_end = data.draw(_TIMES), data.draw(_TIMES)
    answered.status_code = data.draw(st.integers(0, 10**20))
    saved = _saved(flow)
    assert _read(saved) == (_by_mitmproxy(saved), [])


def test_what_is_passed_by_counts_and_is_asked_about_once() -> None:
    old: dict[str, Any] = _ok().get_state()
    old["version"] = 20
    data = b"x" + _saved(_ok(1), tflow.ttcpflow(), _ok(2)) + tnetstring.dumps(old) + _saved(_ok(3))[:-5]
    asked: list[tuple[str, str]] = []

    def passes_by(method: str, path: str, query: str) -> bool:
        asked.append((method, path))
        return len(asked) != 2

    found = list(read(io.BytesIO(data), passes_by=passes_by))
    assert asked == [("GET", "/path")] * 2
    everything = list(read(io.BytesIO(data)))
    assert found == [each for each in everything if isinstance(each, Damage) or each.index == 3]


def test_no_peer() -> None:
    flow = _ok()
    state: dict[str, Any] = flow.get_state()
    state["client_conn"]["peername"] = None
    assert _read(tnetstring.dumps(state))[0][0].exchange.client is None


def test_peer_is_not_taken_from_other_text() -> None:
    flow = _ok()
    flow.client_conn.sni = "8:peername;17:9:6.6.6.6.6;2:22#]"
    assert _read(_saved(flow))[0][0].exchange.client == "127.0.0.1"


def test_other_kinds_only_count() -> None:
    captured, damages = _read(_saved(tflow.ttcpflow(), tflow.tudpflow(), _ok(), tflow.tdnsflow(), _ok()))
    assert [each.index for each in captured] == [2, 4]
    assert damages == []


def test_older_format() -> None:
    state: dict[str, Any] = _ok().get_state()
    state["version"] = 20
    captured, damages = _read(tnetstring.dumps(state))
    assert len(captured) == 1
    assert damages == []


def test_newer_format_is_told() -> None:
    state: dict[str, Any] = _ok().get_state()
    state["version"] = 9999
    captured, damages = _read(tnetstring.dumps(state) + _saved(_ok()))
    assert [each.index for each in captured] == [1]
    assert "please update mitmproxy" in damages[0].message


@pytest.mark.parametrize("chunk", [1, 7, 100, 4096])
def test_chunk_size_makes_no_difference(chunk: int) -> None:
    data = _saved(_ok(1), _ok(2))
    damaged = b"x" + data
    assert _read(data, chunk) == _read(data)
    assert _read(damaged, chunk) == _read(damaged)


def test_truncated_anywhere() -> None:
    first, last = _saved(_ok(1)), _saved(_ok(2))
    for cut in [*range(1, 20), *range(20, len(last), 97), len(last) - 2, len(last) - 1]:
        captured, damages = _read(first + last[:cut])
        assert [each.index for each in captured] == [0], cut
        assert [(damage.where, damage.index) for damage in damages] == [(f"byte {len(first)}", 1)]


def test_byte_flipped_anywhere_costs_one_flow_at_most() -> None:
    flows = [_ok(number) for number in range(3)]
    saved = [_saved(flow) for flow in flows]
    start = len(saved[0])
    for at in [*range(8), *range(8, len(saved[1]), 41), len(saved[1]) - 1]:
        data = bytearray(b"".join(saved))
        data[start + at] ^= 0x55
        captured, damages = _read(bytes(data))
        ids = [each.exchange.flow_id for each in captured]
        assert ids[0] == flows[0].id
        assert ids[-1] == flows[2].id, at
        assert len(captured) == 3 or [damage.index for damage in damages] == [1]


def test_length_destroyed() -> None:
    first, second, third = _saved(_ok(1)), _saved(_ok(2)), _saved(_ok(3))
    captured, damages = _read(first + b"\x00" + second[1:] + third)
    assert [each.index for each in captured] == [0, 2]
    assert damages == [
        Damage(
            f"byte {len(first)}",
            f"expected the length of a flow, found {bytes([0])!r};"
            f" reading goes on at byte {len(first) + len(second)}",
            1,
        )
    ]


def test_a_length_too_far_is_not_read() -> None:
    captured, damages = _read(_saved(_ok()) + b"999999999999:9:websocket;" + b"x" * 100)
    assert len(captured) == len(damages) == 1


def test_wrong_shapes_never_raise() -> None:
    for wrong in (b"9:websocket;", b"9:websocket;0:~7:request;4:oops;", b"4:type;4:http;7:version;2:21#"):
        _, damages = _read(b"%d:%s}" % (len(wrong), wrong))
        assert len(damages) == 1
