"""The listener: binds a port, and serves the pages from the proxy's own event loop."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

from taskaudit.listener.access import Access, Address
from taskaudit.listener.drawing import Drawing, Shown
from taskaudit.listener.handlers import (
    Healthz,
    MetricsPage,
    NotFound,
    Sections,
    Static,
    StatusPage,
)
from taskaudit.listener.health import Health
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.reports.html import STATIC

TOKEN_VARIABLE = "TASKAUDIT_TOKEN"
_IDLE = 60
"""Seconds within which the head of a request has to come, or the connection is closed."""
_LONGEST_HEAD = 16 * 1024
"""Bytes of a request's head. A request has no body."""
_MOST_CONNECTIONS = 100
"""The proxy needs its file descriptors itself."""


class _Server(HTTPServer):
    """Holds a bounded number of connections: beyond that, a new one takes the place of the oldest.

    So whoever connects and then says nothing keeps nobody else out.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: dict[IOStream, None] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        while len(self._open) >= _MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.close()
        self._open[stream] = None
        super().handle_stream(stream, address)

    def on_close(self, server_conn: HTTP1ServerConnection) -> None:  # type: ignore[override] # it is one
        self._open.pop(server_conn.stream, None)
        super().on_close(server_conn)


class ListenError(Exception):
    """Nothing can listen there; the message says where and why."""


class Listener:
    """Listens from its making on; answers from `start` on, which needs a running event loop.

    Raises ListenError where the address cannot be had.
    """

    def __init__(self, address: Address, environ: Mapping[str, str]) -> None:
        try:
            self._sockets = _bound(address)
        except (OSError, UnicodeError) as error:
            raise ListenError(f"cannot listen on {address}: {_reason(error).lower()}") from error
        port = self._sockets[0].getsockname()[1]
        self.address = Address(address.host, port)
        given = environ.get(TOKEN_VARIABLE)
        self.access = Access(self.address, given or secrets.token_urlsafe(16), is_given=bool(given))
        self._server: _Server | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where a browser finds the status page, with the token unless the user has set it and knows it."""
        host = socket.gethostname() if self.address.host in ("0.0.0.0", "::") else self.address.host
        query = "" if self.access.is_given else f"?token={self.access.token}"
        return f"http://{Address(host, self.address.port)}/{query}"

    @property
    def is_started(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    def start(self, shown: Shown, health: Health, measure: Callable[[], Measured]) -> None:
        """Answers from now on."""
        common = {"access": self.access}
        drawing = Drawing(shown)
        application = Application(
            [
                ("/", StatusPage, {**common, "drawing": drawing}),
                ("/sections", Sections, {**common, "drawing": drawing}),
                ("/healthz", Healthz, {**common, "health": health}),
                ("/metrics", MetricsPage, {**common, "metrics": Metrics(measure)}),
                ("/static/(.+)", Static, {**common, "path": str(STATIC)}),
                (".*", NotFound, common),
            ],
            log_function=lambda _: None,  # Who looks at the page is no news.
        )
        self._server = _Server(
            application,
            idle_connection_timeout=_IDLE,
            body_timeout=_IDLE,
            max_header_size=_LONGEST_HEAD,
            max_body_size=0,
            max_buffer_size=8 * _LONGEST_HEAD,
        )
        self._server.add_sockets(self._sockets)

    def stop(self) -> None:
        """Lets the port go, and whoever is connected."""
        if self._server is None:
            for each in self._sockets:
                each.close()
        else:
            self._server.stop()
            self._closing = asyncio.create_task(self._server.close_all_connections())


def _bound(address: Address) -> list[socket.socket]:
    """A socket for each family of addresses that the host has, at one port. Raises OSError, UnicodeError."""
    known = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    bound: list[socket.socket] = []
    with ExitStack() as until_all_are_bound:
        for family in dict.fromkeys(family for family, *_ in known):
            port = bound[0].getsockname()[1] if bound else address.port
            try:
                each = socket.create_server((address.host, port), family=family, backlog=_MOST_CONNECTIONS)
            except OSError as error:
                if bound and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    continue  # localhost is ::1, too, but there is no IPv6.
                raise
            bound.append(until_all_are_bound.enter_context(each))
            each.setblocking(False)
        until_all_are_bound.pop_all()
    return bound


def _reason(error: OSError | UnicodeError) -> str:
    """Without what Python adds to it."""
    if isinstance(error, UnicodeError):
        return "no such name"
    return str(error.strerror).partition(" (while attempting")[0]
