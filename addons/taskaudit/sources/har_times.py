"""When the entries of a HAR happened, however the program that wrote it writes a time, or leaves it out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import structs

from taskaudit.exchange import Exchange
from taskaudit.sources.captured import Captured, moment
from taskaudit.sources.har_entry import Entry

MOST_HELD = 1000
"""Exchanges without a time that are kept while none is known."""
MOST_BYTES_HELD = 16 * 1024 * 1024

# Seconds, milliseconds, microseconds or nanoseconds since 1970; `/Date(1772442000000)/` in .NET.
_EPOCH = re.compile(r"\s*(?:/Date\()?(\d{1,19}(?:\.\d{1,9})?)(?:[-+]\d{4})?(?:\)/)?\s*", re.ASCII)
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
# Mon Mar 02 2026 09:00:00 GMT+0100 (CET), as JavaScript has it.
_JAVASCRIPT = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d) GMT([-+]\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[Tt ]\s*(\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(.*)", re.ASCII)
_ZONES = {"z", "utc", "gmt"}


def seconds_of(written: str) -> float | None:
    """Seconds since the epoch; None where no time can be read. One without a zone is taken for UTC."""
    try:
        found = _moment_of(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        found = None
    return found if found is not None or not written else _otherwise(written)


def _moment_of(then: datetime) -> float | None:
    return moment((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp())


def _otherwise(written: str) -> float | None:
    if epoch := _EPOCH.fullmatch(written):
        number = float(epoch[1])
        return moment(number / next((unit for above, unit in _UNITS if number >= above), 1))
    try:
        return _moment_of(_date(written.strip()))
    except (ValueError, OverflowError):
        return None


def _date(written: str) -> datetime:
    if iso := _ISO.fullmatch(written):
        year, month, day, clock, zone = iso.groups()
        return datetime.fromisoformat(
            f"{year}-{month}-{day}T{clock}{'Z' if zone.lower() in _ZONES else zone}"
        )
    if javascript := _JAVASCRIPT.match(written):
        return datetime.strptime(" ".join(javascript.groups()), "%b %d %Y %H:%M:%S %z")
    from email.utils import parsedate_to_datetime  # Only here: few HARs have such a date.

    return parsedate_to_datetime(written)


class Timeline:
    """Entries without a time happened with the one before; the first ones with the first that has one.

    `last` is the last exchange with a time, `passed` the entry that was passed by after it, whose time is
    read only where it is asked for; `held` are the first exchanges, while no time is known.
    """

    def __init__(self) -> None:
        self.held: list[Captured] = []
        self.last: Exchange | None = None
        self.passed: Entry | None = None
        self._bytes_held = 0
        self._waits = True

    def after_passed(self) -> Iterator[Captured]:
        """Those that waited for a time, if the entry that was passed by has one."""
        at = self._at()
        return self._released(at) if at is not None else iter(())

    def placed(self, captured: Captured) -> Iterator[Captured]:
        """The exchanges that can be given now, in order."""
        exchange = captured.exchange
        if exchange.started is not None:
            yield from self._released(exchange.started)
            self.last, self.passed = exchange, None
            yield captured
        elif (at := self._at()) is not None or not self._waits:
            yield _at(captured, at)
        else:
            self.held.append(captured)
            self._bytes_held += len(exchange.answer.body) if exchange.answer else 0
            if len(self.held) > MOST_HELD or self._bytes_held > MOST_BYTES_HELD:
                self._waits = False
                yield from self._released(None)

    def rest(self) -> Iterator[Captured]:
        """Those that waited for a time to the end: none of them has one."""
        return self._released(None)

    def _at(self) -> float | None:
        """When the entry before ended."""
        before = self.passed
        began = seconds_of(before.startedDateTime) if before else None
        if before is None or began is None:
            return self.last.at if self.last else None
        return ended(began, before.time) or began

    def _released(self, at: float | None) -> Iterator[Captured]:
        held, self.held = self.held, []
        return (_at(captured, at) for captured in held)


def ended(began: float, took: float | None) -> float | None:
    """When an exchange ended that took so many milliseconds; -1 stands for an unknown number of them."""
    return moment(began + max(took or 0, 0) / 1000)


def _at(captured: Captured, at: float | None) -> Captured:
    """`started` stays unknown: the time is another entry's."""
    return structs.replace(captured, exchange=structs.replace(captured.exchange, ended=at))
