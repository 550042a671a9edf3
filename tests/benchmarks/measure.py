"""How the benchmarks measure.

These machines are shared and noisy: an absolute time says little, and drifts within a run. So a benchmark is
a ratio of two things that are run in turn, in one process or with processes side by side, for many rounds;
each round gives one ratio, and the order within a round changes from round to round. The median of the ratios
counts, the quartiles are shown beside it. Time is CPU time of the process that does the work, unless a row
says that it is the wall's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median, quantiles
from time import process_time
from typing import NamedTuple


class Goal(NamedTuple):
    """A bound that a row is held to."""

    bound: float
    unit: str = "x"
    at_least: bool = False

    def met_by(self, figure: float) -> bool:
        return figure >= self.bound if self.at_least else figure <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.bound)} {self.unit}"


class Spread(NamedTuple):
    """Figures of many rounds: their median and quartiles."""

    middle: float
    low: float
    high: float
    rounds: int


class Row(NamedTuple):
    """A line of the table: what was measured against what, in the goal's unit.

    `detail` has absolute figures; `why` is what a profile says of a goal that is not met.
    """

    what: str
    against: str
    found: Spread
    goal: Goal
    detail: str = ""
    why: str = ""

    @property
    def is_met(self) -> bool:
        return self.goal.met_by(self.found.middle)


class Curve(NamedTuple):
    """How cost grows: for each line of the picture, points (x, y). Axes are logarithmic where told so."""

    name: str
    title: str
    x: str
    y: str
    lines: dict[str, list[tuple[float, float]]]
    log_x: bool = True
    log_y: bool = False


def spread(figures: list[float]) -> Spread:
    """Median and quartiles of at least one figure."""
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0], 1)
    low, _, high = quantiles(figures, n=4, method="inclusive")
    return Spread(median(figures), low, high, len(figures))


def cpu(action: Callable[[], object], times: int = 1) -> float:
    """Seconds of this process's CPU for one of `times` calls; the garbage collector is kept out of it."""
    gc.collect()
    gc.disable()
    try:
        began = process_time()
        for _ in range(times):
            action()
        return (process_time() - began) / times
    finally:
        gc.enable()


def in_turn(
    ours: Callable[[], float], other: Callable[[], float], rounds: int
) -> tuple[Spread, Spread, Spread]:
    """Ratio ours/other, then each by itself. Both give a figure, such as seconds, at each call."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            pairs.append((ours(), other()))
        else:
            second = other()
            pairs.append((ours(), second))
    return (
        spread([a / b for a, b in pairs]),
        spread([a for a, _ in pairs]),
        spread([b for _, b in pairs]),
    )


def shown(figure: float) -> str:
    """Three digits that tell: `0.0123`, `1.02`, `5.41`, `12.3`, `60,000`."""
    if figure >= 1000:
        return f"{figure:,.0f}"
    if figure >= 100:
        return f"{figure:.0f}"
    return f"{figure:.3g}" if figure < 10 else f"{figure:.1f}"
