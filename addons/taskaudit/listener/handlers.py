"""The pages: the status page, what it is made of, and what it fetches to stay up to date."""

from __future__ import annotations

import logging
from traceback import extract_tb
from types import TracebackType
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language
from taskaudit.listener.access import Access
from taskaudit.listener.drawing import Drawing
from taskaudit.listener.health import Health
from taskaudit.listener.metrics import CONTENT_TYPE, Metrics
from taskaudit.reports.html import live_html, sections_html
from taskaudit.reports.model import Report

logger = logging.getLogger(__name__)

COOKIE = "taskaudit_token_{port}"
"""By port: browsers keep the cookies of a host together, and several audits may run there."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "taskaudit",
}


class _Guarded(RequestHandler):
    """Answers nobody who may not look, and lets no page do more than show what is here."""

    is_public = False
    """Whether anybody may ask."""

    def initialize(self, access: Access) -> None:
        self.access = access

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if not (self.is_public or self.may_look):
            raise HTTPError(401, reason="Open the address that was printed at the start or add ?token=TOKEN")

    @property
    def may_look(self) -> bool:
        """Whether whoever asks may see all there is."""
        return self.access.knows(self._token())

    def write_error(self, status_code: int, **_: Any) -> None:
        if status_code == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="taskaudit"')
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")

    def log_exception(self, typ: Any, value: BaseException | None, tb: TracebackType | None) -> None:
        """Without the query, in which the token may be; who asks for what is not there is no news."""
        if not isinstance(value, HTTPError):
            at = extract_tb(tb)[-1]
            found = f"{typ.__name__} in {at.name}, line {at.lineno}"
            logger.error("taskaudit: the status page failed at %s: %s", escape(self.request.path), found)

    @property
    def _cookie(self) -> str:
        return COOKIE.format(port=self.access.address.port)

    def _token(self) -> str | None:
        scheme, _, bearer = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return bearer.strip()
        return self.get_query_argument("token", None) or self.get_cookie(self._cookie)


class _Showing(_Guarded):
    def initialize(self, access: Access, drawing: Drawing) -> None:  # type: ignore[override]
        super().initialize(access)
        self.drawing = drawing


class StatusPage(_Showing):
    """`/`: the page itself."""

    async def get(self) -> None:
        """The page; a token in the address goes into a cookie, so that it does not stay in sight."""
        if self.get_query_argument("token", None):
            self.set_cookie(self._cookie, self.access.token, httponly=True, samesite="Strict")
            self.redirect("/")
            return
        self.finish((await self.drawing.drawn(live_html)).html)


class Sections(_Showing):
    """`/sections?since=VERSION`: what is in the page, or 204 where that is as it was."""

    async def get(self) -> None:
        """The inside of the page, with its version in `X-Version`."""
        drawn = await self.drawing.newer(_sections, self.get_query_argument("since", ""))
        if drawn is None:
            self.set_status(204)
            return
        self.set_header("X-Version", drawn.version)
        self.finish(drawn.html)


class Healthz(_Guarded):
    """`/healthz`: 200 while the audit does its work, else 503 and why.

    For load balancers it needs no token; without one it says of what kind the trouble is, and no more.
    """

    is_public = True

    def initialize(self, access: Access, health: Health) -> None:  # type: ignore[override]
        super().initialize(access)
        self.health = health

    def get(self) -> None:
        """One line each that says what is wrong; `ok` where nothing is."""
        reasons = list(self.health.reasons())
        self.set_status(503 if reasons else 200)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        said = reasons if self.may_look else [reason.partition(":")[0] for reason in reasons]
        self.finish("\n".join(said or ["ok"]) + "\n")

    head = get


class MetricsPage(_Guarded):
    """`/metrics`, for Prometheus: counts alone, so that on the loopback they need no token."""

    def initialize(self, access: Access, metrics: Metrics) -> None:  # type: ignore[override]
        super().initialize(access)
        self.is_public = access.address.is_loopback
        self.metrics = metrics

    def get(self) -> None:
        """All metrics as they stand."""
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(self.metrics.text())


class Static(_Guarded, StaticFileHandler):
    """`/static/...`: style and script of the page."""

    def initialize(self, access: Access, path: str) -> None:  # type: ignore[override]
        self.access = access
        StaticFileHandler.initialize(self, path)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """No file has a NUL in its name; to ask the system for one is a ValueError."""
        if "\0" in absolute_path:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_extra_headers(self, path: str) -> None:
        """They are small, and change with the version."""
        self.set_header("Cache-Control", "no-store")


class NotFound(_Guarded):
    """Everything else."""

    def get(self) -> None:
        """Says so."""
        raise HTTPError(404)


def _sections(report: Report, language: Language, _: str) -> str:
    return sections_html(report, language)
