"""Flow files: whole, of other kinds, cut and damaged."""

from __future__ import annotations

import io
from typing import Any

import pytest
from mitmproxy.flow import Flow
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowWriter, tnetstring
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
        tflow.tflow(),
        tflow.tflow(err=True),
        tflow.tflow(resp=True, err=True),
        tflow.twebsocketflow(),
        tflow.tflow(client_conn=tflow.tclient_conn(), resp=True),
    ],
)
def test_same_as_live(flow: HTTPFlow) -> None:
    assert _read(_saved(flow)) == ([Captured(0, exchange_of(flow))], [])


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
