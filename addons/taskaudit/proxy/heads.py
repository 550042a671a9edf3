"""A bound for what mitmproxy has none for: the head of an HTTP/1 message that does not end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

LARGEST = 4 * 1024 * 1024
"""Bytes; servers commonly take 8 to 64 KiB."""

type _Read = Callable[[Any, events.ConnectionEvent], layer.CommandGenerator[None]]


def bound_heads() -> None:
    """From now on, closes connections on which more than `LARGEST` bytes came, and no end of the head.

    mitmproxy has no option and no hook for it (12.2: "FIXME: protect against header size DoS").
    """
    for side in (Http1Server, Http1Client):
        if side.read_headers.__module__ != __name__:
            setattr(side, "read_headers", _bounded(side.read_headers))  # noqa: B010 (mypy refuses it)


def _bounded(read: _Read) -> _Read:
    def read_headers(self: Http1Connection, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        yield from read(self, event)
        if len(self.buf) > LARGEST and self.state == self.read_headers:
            yield from _refuse(self)

    return read_headers


def _refuse(connection: Http1Connection) -> layer.CommandGenerator[None]:
    connection.buf.maybe_extract_at_most(len(connection.buf))
    connection.state = connection.done
    yield commands.Log(f"HTTP/1 head of more than {LARGEST} bytes: {connection.conn}")
    yield commands.CloseConnection(connection.conn)
    if isinstance(connection, Http1Client) and connection.stream_id is not None:
        message = "The head of the answer is too large."
        refusal = ResponseProtocolError(connection.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR)
        yield ReceiveHttp(refusal)
