"""The pages are drawn in a thread, and once for all who look: the proxy's traffic does not wait for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from taskaudit.contract.words import Language
from taskaudit.reports.model import Report

SHARE = 0.1
"""Of the time that a processor may spend on drawing: in Python, a thread that runs holds up the others."""

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
    """Draws one thing at a time, nothing twice while it stays as it is, and rests after each.

    `spent` gives the seconds of processor time of the thread that asks: where drawing only waits for a busy
    machine, it holds nobody up.
    """

    def __init__(
        self,
        shown: Shown,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._shown = shown
        self._clock = clock
        self._spent = spent
        self._rests_until = 0.0
        self._newest = ""
        self._turn = asyncio.Lock()
        self._latest: dict[Draw, Drawn] = {}

    @property
    def version(self) -> str:
        """The version of what there is."""
        return self._shown.version()

    async def drawn(self, draw: Draw) -> Drawn:
        """What there is now."""
        async with self._turn:
            return await self._now(draw)

    async def newer(self, draw: Draw, since: str) -> Drawn | None:
        """What there is now, where that is not the version `since`; None, too, while drawing rests."""
        if since == self.version:
            return None
        async with self._turn:
            rests = bool(since) and self._clock() < self._rests_until
            drawn = self._latest.get(draw) if rests else await self._now(draw)
        if drawn is None or drawn.version == since:
            return None
        return drawn if drawn.version == self._newest else None  # Nobody goes back in time.

    async def _now(self, draw: Draw) -> Drawn:
        latest, version = self._latest.get(draw), self.version
        if latest is not None and latest.version == version:
            return latest
        html, spent = await asyncio.to_thread(self._html, draw, self._shown.take(), version)
        self._rests_until = self._clock() + spent * (1 / SHARE - 1)
        self._newest = version
        self._latest[draw] = Drawn(version, html)
        return self._latest[draw]

    def _html(self, draw: Draw, report: Callable[[], Report], version: str) -> tuple[str, float]:
        began = self._spent()
        html = draw(report(), self._shown.language, version)
        return html, self._spent() - began
