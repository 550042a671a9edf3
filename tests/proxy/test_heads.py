from __future__ import annotations

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy.commands import CloseConnection, Command
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import DataReceived, Start
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server
from mitmproxy.test.tflow import tclient_conn, treq, tserver_conn

from taskaudit.proxy.heads import LARGEST, bound_heads

LINE = b"X-Filler: " + b"x" * 1000 + b"\r\n"
TOO_MANY = LARGEST // len(LINE) + 1


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound, for the time of a test."""
    for side in (Http1Server, Http1Client):
        monkeypatch.setattr(side, "read_headers", side.read_headers)
    bound_heads()


def _context() -> Context:
    context = Context(tclient_conn(), Options())
    context.client.state = ConnectionState.OPEN
    return context


def _server() -> Http1Connection:
    return Http1Server(_context())


def _client() -> Http1Connection:
    """Of an origin that has been asked something."""
    context = _context()
    context.server = tserver_conn()
    context.server.state = ConnectionState.OPEN
    connection = Http1Client(context)
    connection.stream_id, connection.request = 1, treq()
    return connection


def _after(connection: Http1Connection, *parts: bytes) -> list[Command]:
    commands = list(connection.handle_event(Start()))
    for part in parts:
        commands += connection.handle_event(DataReceived(connection.conn, part))
    return commands


@pytest.mark.parametrize(("make", "told"), [(_server, 0), (_client, 1)])
def test_a_head_without_end_closes_the_connection(make: type[Http1Connection], told: int) -> None:
    connection = make()
    commands = _after(connection, b"GET / HTTP/1.1\r\n", *[LINE] * (TOO_MANY + 1))
    assert sum(isinstance(command, CloseConnection) for command in commands) == 1
    assert sum(isinstance(command, ReceiveHttp) for command in commands) == told
    assert len(connection.buf) < 2 * len(LINE)


@pytest.mark.parametrize("make", [_server, _client])
def test_nothing_happens_below(make: type[Http1Connection]) -> None:
    connection = make()
    assert _after(connection, b"GET / HTTP/1.1\r\n", *[LINE] * (TOO_MANY - 2)) == []


def test_a_large_head_is_read() -> None:
    commands = _after(_server(), b"GET / HTTP/1.1\r\nHost: a\r\n", *[LINE] * (TOO_MANY - 2), b"\r\n")
    assert any(isinstance(command, ReceiveHttp) for command in commands)


def test_it_is_bounded_once() -> None:
    before = Http1Server.read_headers
    bound_heads()
    assert Http1Server.read_headers is before
