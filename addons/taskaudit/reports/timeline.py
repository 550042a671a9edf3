"""Jobs as rows of a picture: where submission, queries and end stand on the axis. Pure geometry.

Each row is placed twice: by the clock, and by the time since the job was first seen. The first tells what
happened together, the second what took long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from taskaudit.contract.verdict import Severity
from taskaudit.job_state import JobState
from taskaudit.reports.axis import Axis
from taskaudit.story.job_story import JobStory, QueryStep
from taskaudit.story.told import Found
from taskaudit.times import seconds_of

_NEAR = 0.4
"""Percent of the axis within which equal marks are drawn as one."""
_READABLE = 4.0
"""Percent of the axis that half of the jobs should last, for the clock to be the better picture."""


class Look(StrEnum):
    """What a mark stands for."""

    SUBMITTED = "submitted"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    NO_STATUS = "no-status"


@dataclass(frozen=True, slots=True)
class Mark:
    """An exchange, or several that come to lie on one another.

    `at` in percent; `time` RFC 3339, of the first; `status`: what was answered; `severity`: the worst of the
    findings on them.
    """

    at: float
    look: Look
    time: str
    status: str | None
    count: int = 1
    severity: Severity | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """The marks of a job on one axis, with the line that joins them, in percent."""

    start: float
    end: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the picture."""

    job: JobStory
    clock: Track
    since: Track


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture: the latest jobs, newest first, and how many `more` there are that are not in it.

    `prefers_clock`: half of the jobs last long enough to be told by the clock.
    """

    rows: tuple[Row, ...]
    clock: Axis
    since: Axis
    more: int
    prefers_clock: bool


def timeline_of(jobs: Sequence[JobStory], most: int) -> Timeline:
    """The picture of the latest `most` jobs, given in the order of time. Jobs without times are left out."""
    shown = [job for job in jobs[-most:] if seconds_of(job.first_seen) > 0][::-1] if most else []
    spans = [(seconds_of(job.first_seen), seconds_of(job.last_seen)) for job in shown]
    lasted = [end - start for start, end in spans]
    clock = Axis(min((start for start, _ in spans), default=0), max((end for _, end in spans), default=0))
    since = Axis(0, max(lasted, default=0), is_clock=False)
    rows = tuple(_row(job, clock, since) for job in shown)
    readable = bool(lasted) and median(lasted) / clock.span * 100 >= _READABLE
    return Timeline(rows, clock, since, len(jobs) - len(shown), readable)


def _row(job: JobStory, clock: Axis, since: Axis) -> Row:
    start = seconds_of(job.first_seen)
    return Row(job, _track(job, clock, 0), _track(job, since, start))


def _track(job: JobStory, axis: Axis, start: float) -> Track:
    marks = tuple(_thinned(_marks(job, axis, start)))
    ends = [mark.at for mark in marks]
    return Track(min(ends), max(ends), marks)


def _marks(job: JobStory, axis: Axis, start: float) -> Iterator[Mark]:
    if job.submitted is not None:
        at = axis.at(seconds_of(job.submitted) - start)
        yield Mark(at, Look.SUBMITTED, job.submitted, None, 1, *_worst(job.findings))
    for step in job.queries:
        at = axis.at(seconds_of(step.time) - start)
        yield Mark(at, _look(job, step), step.time, step.status, 1, *_worst(step.findings))


def _look(job: JobStory, step: QueryStep) -> Look:
    if step.status is None:
        return Look.NO_STATUS
    if job.ended is None or step.time < job.ended:
        return Look.PENDING
    return Look.FAILED if job.state is JobState.FAILED else Look.DONE


def _worst(findings: Iterable[Found]) -> tuple[Severity | None, tuple[str, ...]]:
    rules = sorted({(found.severity.rank, found.rule, found.severity) for found in findings})
    return (rules[0][2], tuple(rule for _, rule, _ in rules)) if rules else (None, ())


def _thinned(marks: Iterable[Mark]) -> Iterator[Mark]:
    """Marks that look the same and would lie on one another, as one."""
    last: Mark | None = None
    for mark in marks:
        if last is None or not _alike(last, mark):
            if last is not None:
                yield last
            last = mark
        else:
            last = replace(last, count=last.count + 1)
    if last is not None:
        yield last


def _alike(one: Mark, other: Mark) -> bool:
    same = (one.look, one.status, one.rules) == (other.look, other.status, other.rules)
    return same and other.at - one.at < _NEAR
