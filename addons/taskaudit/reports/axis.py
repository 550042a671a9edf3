"""A time axis: from when to when, and where which times are written. Pure; positions are in percent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, pairwise, takewhile

from taskaudit.times import moment_of

_STEPS = (
    *(unit * tenth for unit in (0.001, 0.01, 0.1) for tenth in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86400 * days for days in (1, 2, 7, 14, 30, 90, 365)),
)
"""Seconds that may lie between two ticks."""
_MOST_TICKS = 7
_EDGE = 8
"""Percent from an end within which the words of a tick stand on the inner side of it."""

_LEFT = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""How much of the words of a tick stands to the left of it, by their anchor."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A time that is written at an axis. `anchor` is SVG's text-anchor."""

    at: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From `start` to `end`, in seconds; `is_clock`: since the epoch, else since some event."""

    start: float
    end: float
    is_clock: bool = True

    @property
    def span(self) -> float:
        """Its length in seconds; never 0."""
        return max(self.end - self.start, 0.001)

    def at(self, seconds: float) -> float:
        """Where a time stands: 0 to 100 percent."""
        return round(min(max((seconds - self.start) / self.span, 0), 1) * 100, 2)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Round times, few enough to be read."""
        step = next((each for each in _STEPS if self.span / each <= _MOST_TICKS), self.span)
        first = -(-self.start // step)
        numbers = takewhile(lambda number: number * step <= self.end, count(int(first)))
        return tuple(self._tick(number * step, step) for number in numbers)

    def written(self, room: float) -> tuple[Tick, ...]:
        """All, or each second, third ... tick: so few that their words, `room` percent each, stand apart."""
        fewer = (self.ticks[::stride] for stride in count(1))
        return next(ticks for ticks in fewer if _stand_apart(ticks, room))

    def _tick(self, seconds: float, step: float) -> Tick:
        at = self.at(seconds)
        anchor = "start" if at < _EDGE else "end" if at > 100 - _EDGE else "middle"
        return Tick(at, self._clock(seconds, step) if self.is_clock else _span(seconds, step), anchor)

    def _clock(self, seconds: float, step: float) -> str:
        time = moment_of(round(seconds, 3))
        if step >= 86400:
            return f"{time:%Y-%m-%d}"
        if self.span > 86400:
            return f"{time:%m-%d %H:%M}"
        if step >= 1:
            return f"{time:%H:%M:%S}"
        return f"{time:%H:%M:%S}.{time.microsecond // 1000:03}"


def _stand_apart(ticks: Iterable[Tick], room: float) -> bool:
    starts = (tick.at - room * _LEFT[tick.anchor] for tick in ticks)
    return all(start + room <= after for start, after in pairwise(starts))


def _span(seconds: float, step: float) -> str:
    if step >= 86400:
        return f"{seconds / 86400:g} d"
    if step >= 3600:
        return f"{seconds / 3600:g} h"
    if step >= 60:
        return f"{seconds / 60:g} min"
    return f"{round(seconds, 3):g} s"
