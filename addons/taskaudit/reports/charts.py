"""Bars and columns of the charts: numbers with their share of the largest. Pure geometry, in percent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taskaudit.reports.axis import Axis
from taskaudit.story.job_story import JobStory
from taskaudit.story.operations import Counts
from taskaudit.times import seconds_of

_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """A number with its name; `width` in percent of the largest."""

    name: str
    count: int
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """What happened in a part of the time: `x` and heights in percent, queries on top of submissions."""

    x: float
    submissions: int
    queries: int
    submissions_height: float
    queries_height: float


@dataclass(frozen=True, slots=True)
class Activity:
    """Submissions and queries of jobs over time. `busiest`: the most in one column; `width` of a column."""

    axis: Axis
    columns: tuple[Column, ...]
    width: float
    busiest: int


def bars(counts: Counts) -> tuple[Bar, ...]:
    """One bar a name, the longest first."""
    most = max((count for _, count in counts), default=0)
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    return tuple(Bar(name, count, round(count / most * 100, 1)) for name, count in ordered if count)


def activity(jobs: Iterable[JobStory]) -> Activity | None:
    """When jobs were submitted and asked for; None where too little is known to be worth a picture."""
    submitted, asked = _times(jobs)
    times = [*submitted, *asked]
    if len(times) < 2 or min(times) == max(times):
        return None
    axis = Axis(min(times), max(times))
    first, second = _spread(submitted, axis), _spread(asked, axis)
    busiest = max(map(sum, zip(first, second, strict=True)))
    width = 100 / _COLUMNS
    columns = (
        Column(round(n * width, 2), a, b, round(a / busiest * 100, 1), round(b / busiest * 100, 1))
        for n, (a, b) in enumerate(zip(first, second, strict=True))
        if a or b
    )
    return Activity(axis, tuple(columns), width, busiest)


def _times(jobs: Iterable[JobStory]) -> tuple[list[float], list[float]]:
    submitted: list[float] = []
    asked: list[float] = []
    for job in jobs:
        if job.submitted is not None:
            submitted.append(seconds_of(job.submitted))
        asked.extend(seconds_of(step.time) for step in job.queries)
    return [time for time in submitted if time > 0], [time for time in asked if time > 0]


def _spread(times: Sequence[float], axis: Axis) -> list[int]:
    counts = [0] * _COLUMNS
    for time in times:
        counts[min(int(axis.at(time) * _COLUMNS / 100), _COLUMNS - 1)] += 1
    return counts
