"""Flows of mitmproxy, as the proxy hands them over."""

from __future__ import annotations

import pytest
from mitmproxy.flow import Flow
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.test import tflow

from taskaudit.contract.answer import Missing
from taskaudit.sources.flow import exchange_of


def _flow(request: dict[str, str] | None = None, response: dict[str, str] | None = None) -> HTTPFlow:
    flow = tflow.tflow(resp=True)
    flow.request.headers = Headers(**(request or {}))
    flow.response.headers = Headers(**(response or {}))
    return flow


def test_facts() -> None:
    flow = _flow({"Host": "ecs.example.com:8443"}, {"Content_Type": "application/json"})
    flow.request.path = "/v1/p/cloudservers?a=b?c"
    exchange = exchange_of(flow)
    assert (exchange.method, exchange.host, exchange.path, exchange.query) == (
        "GET",
        "ecs.example.com",
        "/v1/p/cloudservers",
        "a=b?c",
    )
    assert (exchange.client, exchange.flow_id) == ("127.0.0.1", flow.id)
    assert (exchange.started, exchange.ended) == (946681200, 946681203)
    assert exchange.answer
    assert exchange.answer.body == b"message"
    assert exchange.answer.content_type == "application/json"
    assert exchange.answer.headers_known


def test_host_is_the_address_without_a_host_header() -> None:
    assert exchange_of(_flow()).host == "address"


def test_host_of_http_2_is_the_authority() -> None:
    flow = _flow({"Host": "other.example.com"})
    flow.request.http_version = "HTTP/2.0"
    flow.request.data.authority = b"ecs.example.com:443"
    assert exchange_of(flow).host == flow.request.pretty_host == "ecs.example.com"


def test_content_codings_are_joined() -> None:
    flow = _flow()
    flow.response.headers = Headers([(b"Content-Encoding", b"gzip"), (b"content-encoding", b"br")])
    answer = exchange_of(flow).answer
    assert answer
    assert answer.content_encoding == "gzip, br"


def test_request_id_of_the_response_comes_first() -> None:
    asked = {"x_request_id": "asked"}
    assert exchange_of(_flow(asked)).request_id == "asked"
    assert exchange_of(_flow(asked, {"x_openstack_request_id": "stack"})).request_id == "stack"
    both = {"x_openstack_request_id": "stack", "x_request_id": "own"}
    assert exchange_of(_flow(asked, both)).request_id == "own"
    assert exchange_of(_flow(asked, {"x_request_id": " "})).request_id == "asked"


def test_streamed() -> None:
    flow = _flow()
    flow.response.raw_content = None
    answer = exchange_of(flow).answer
    assert answer
    assert (answer.body, answer.missing) == (b"", Missing.STREAMED)
    teed = exchange_of(flow, b"{}").answer
    assert teed
    assert (teed.body, teed.missing) == (b"{}", None)


def test_aborted() -> None:
    without, failed = tflow.tflow(), tflow.tflow(err=True)
    answered = tflow.tflow(resp=True, err=True)
    assert [exchange_of(flow).answer for flow in (without, failed, answered)] == [None] * 3
    assert exchange_of(answered).ended == answered.error.timestamp
    assert exchange_of(without).ended is None


def test_no_peer() -> None:
    flow = _flow()
    flow.client_conn.peername = None
    assert exchange_of(flow).client is None


def test_bytes_that_are_no_text() -> None:
    flow = _flow()
    flow.request.data.path = b"/\xff"
    flow.request.data.method = b"P\xff"
    flow.request.headers = Headers([(b"Host", b"\xff\xfe"), (b"x-request-id", b"\xff")])
    exchange = exchange_of(flow)
    for text in (exchange.path, exchange.method, exchange.host, exchange.request_id):
        assert text
        text.encode()


def test_authority_form() -> None:
    flow = _flow()
    flow.request.method, flow.request.data.path = "CONNECT", b""
    assert exchange_of(flow).path == ""


def test_same_after_saving_and_other_for_another_response() -> None:
    flow = _flow({"Host": "ecs.example.com"})
    loaded = Flow.from_state(flow.get_state())
    assert isinstance(loaded, HTTPFlow)
    assert exchange_of(loaded) == exchange_of(flow)
    flow.response.timestamp_start += 1
    assert exchange_of(loaded).exchange_id != exchange_of(flow).exchange_id


def test_a_streamed_request_has_no_digest() -> None:
    """Two of them may differ in all that was not kept: neither is the other again (TA507)."""
    flow = _flow()
    flow.request.raw_content = None
    assert exchange_of(flow).request_digest is None


@pytest.mark.parametrize(("is_replay", "has_digest"), [(None, True), ("response", True), ("request", False)])
def test_a_request_that_a_tester_replays_has_no_digest(is_replay: str | None, has_digest: bool) -> None:
    """It is not the client that submits its task again (TA507)."""
    flow = _flow()
    flow.is_replay = is_replay
    assert (exchange_of(flow).request_digest is not None) is has_digest


def test_digest_tells_requests_apart() -> None:
    digests = set()
    for change in ("method", "path", "raw_content", "port"):
        flow = _flow()
        setattr(flow.request, change, {"raw_content": b"other", "port": 1}.get(change, "/OTHER"))
        digests.add(exchange_of(flow).request_digest)
    digests.add(exchange_of(_flow()).request_digest)
    assert len(digests) == 5


def test_times_no_clock_shows() -> None:
    flow = _flow()
    flow.request.timestamp_start = float("nan")
    flow.response.timestamp_end = 1e300
    exchange = exchange_of(flow)
    assert (exchange.started, exchange.ended) == (None, None)
