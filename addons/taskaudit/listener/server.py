"""The listener: binds a port, and serves the pages from the proxy's own event loop."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from taskaudit.health import Health
from taskaudit.listener.access import Access, Address
from taskaudit.listener.handlers import (
    Healthz,
    MetricsPage,
    NotFound,
    Sections,
    Shown,
    Static,
    StatusPage,
)
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.reports.html import STATIC

TOKEN_VARIABLE = "TASKAUDIT_TOKEN"
_IDLE = 60
"""Seconds after which a connection on which nothing happens is closed."""


class ListenError(Exception):
    """Nothing can listen there; the message says where and why."""


class Listener:
    """Listens from its making on; answers from `start` on, which needs a running event loop.

    Raises ListenError where the address cannot be had.
    """

    def __init__(self, address: Address, environ: Mapping[str, str]) -> None:
        try:
            self._sockets = bind_sockets(address.port, address.host, reuse_port=False)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ListenError(f"cannot listen on {address}: {reason.lower()}") from error
        port = self._sockets[0].getsockname()[1]
        self.address = Address(address.host, port)
        self.access = Access(self.address, environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24))
        self._server: HTTPServer | None = None

    @property
    def url(self) -> str:
        """Where a browser finds the status page, the token included where it is asked for."""
        host = socket.gethostname() if self.address.host in ("0.0.0.0", "::") else self.address.host
        query = f"?token={self.access.token}" if self.access.needs_token else ""
        return f"http://{Address(host, self.address.port)}/{query}"

    @property
    def is_started(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    def start(self, shown: Shown, health: Health, measure: Callable[[], Measured]) -> None:
        """Answers from now on."""
        common = {"access": self.access}
        application = Application(
            [
                ("/", StatusPage, {**common, "shown": shown}),
                ("/sections", Sections, {**common, "shown": shown}),
                ("/healthz", Healthz, {**common, "health": health}),
                ("/metrics", MetricsPage, {**common, "metrics": Metrics(measure)}),
                ("/static/(.+)", Static, {**common, "path": str(STATIC)}),
                (".*", NotFound, common),
            ],
            log_function=lambda _: None,  # Who looks at the page is no news.
        )
        self._server = HTTPServer(application, idle_connection_timeout=_IDLE, max_body_size=0)
        self._server.add_sockets(self._sockets)

    def stop(self) -> None:
        """Lets the port go."""
        if self._server is None:
            for each in self._sockets:
                each.close()
        else:
            self._server.stop()
