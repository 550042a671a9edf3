"""The pages are drawn in a thread, and once for all who look: the proxy's traffic does not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from taskaudit.contract.words import Language
from taskaudit.reports.model import Report

type Draw = Callable[[Report, Language, str], str]
"""Gives HTML; the last argument is the report's version."""


class Shown(NamedTuple):
    """What the pages show. `version` changes whenever the report would.

    `take` notes, in no time, what there is just now; what it gives makes the report of that, in any thread.
    """

    version: Callable[[], str]
    take: Callable[[], Callable[[], Report]]
    language: Language


class Drawn(NamedTuple):
    """HTML, and the version of what it shows."""

    version: str
    html: str


class Drawing:
    """Draws one thing at a time, and nothing twice while it stays as it is."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._turn = asyncio.Lock()
        self._latest: dict[Draw, Drawn] = {}

    @property
    def version(self) -> str:
        """The version of what there is."""
        return self._shown.version()

    async def drawn(self, draw: Draw) -> Drawn:
        """The latest, at least as new as when it was asked for."""
        async with self._turn:
            latest, version = self._latest.get(draw), self.version
            if latest is None or latest.version != version:
                html = await asyncio.to_thread(_html, draw, self._shown.take(), self._shown.language, version)
                latest = self._latest[draw] = Drawn(version, html)
            return latest


def _html(draw: Draw, report: Callable[[], Report], language: Language, version: str) -> str:
    return draw(report(), language, version)
