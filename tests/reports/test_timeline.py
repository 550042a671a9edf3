from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from taskaudit.auditor import Outcome
from taskaudit.contract.verdict import Severity
from taskaudit.reports.timeline import Look, Timeline, timeline_of
from taskaudit.story.story import tell
from tests.stories import ask, submit, write_log

type Draw = Callable[..., Timeline]


@pytest.fixture
def draw(log_path: Path) -> Draw:
    def of(outcomes: Iterable[Outcome], most: int = 100) -> Timeline:
        return timeline_of(tell([write_log(log_path, outcomes)]).jobs, most)

    return of


def test_a_job_from_its_submission_to_its_end(draw: Draw) -> None:
    picture = draw([submit(0), ask(5, "INIT"), ask(7, None), ask(10, "SUCCESS")])
    (row,) = picture.rows
    assert [(mark.at, mark.look, mark.status) for mark in row.clock.marks] == [
        (0, Look.SUBMITTED, None),
        (50, Look.PENDING, "INIT"),
        (70, Look.NO_STATUS, None),
        (100, Look.DONE, "SUCCESS"),
    ]
    assert (row.clock.start, row.clock.end) == (0, 100)


@pytest.mark.parametrize(("status", "look"), [("SUCCESS", Look.DONE), ("FAIL", Look.FAILED)])
def test_the_end_looks_like_what_it_is(draw: Draw, status: str, look: Look) -> None:
    assert draw([submit(0), ask(5, status)]).rows[0].since.marks[-1].look is look


def test_by_the_clock_and_since_the_submission(draw: Draw) -> None:
    picture = draw([submit(0, "a"), ask(10, job_id="a"), submit(90, "b"), ask(100, job_id="b")])
    newest, oldest = picture.rows
    assert (newest.job.job_id, oldest.job.job_id) == ("b", "a")
    assert (newest.clock.start, newest.clock.end) == (90, 100)
    assert (newest.since.start, newest.since.end) == (0, 100)
    assert (picture.clock.span, picture.since.span) == (100, 10)


@pytest.mark.parametrize(("apart", "clock"), [(20, True), (2000, False)])
def test_the_clock_is_preferred_while_jobs_can_be_seen_on_it(draw: Draw, apart: float, clock: bool) -> None:
    picture = draw([submit(0, "a"), ask(10, job_id="a"), submit(apart, "b"), ask(apart + 10, job_id="b")])
    assert picture.prefers_clock is clock


def test_what_would_lie_on_one_another_is_one_mark(draw: Draw) -> None:
    queries = [ask(50 + each / 100) for each in range(3)]
    marks = draw([submit(0), *queries, ask(100)]).rows[0].clock.marks
    assert [mark.count for mark in marks] == [1, 3, 1]


def test_a_mark_with_a_finding_says_which(draw: Draw) -> None:
    late = draw([submit(0), *(ask(at, "SUCCESS") for at in (10, 20, 30))]).rows[0].clock.marks[-1]
    assert (late.severity, late.rules) == (Severity.WARNING, ("TA505",))


def test_the_latest_are_drawn_and_the_rest_counted(draw: Draw) -> None:
    picture = draw([submit(at, f"j-{at}") for at in range(10)], 3)
    assert [row.job.job_id for row in picture.rows] == ["j-9", "j-8", "j-7"]
    assert picture.more == 7


@pytest.mark.parametrize("most", [0, 10])
def test_nothing_to_draw(draw: Draw, most: int) -> None:
    picture = draw([], most)
    assert (picture.rows, picture.more, picture.prefers_clock) == ((), 0, False)


def test_jobs_without_a_time_are_not_drawn(draw: Draw) -> None:
    assert draw([submit(0, "known"), submit(5, "unknown", started=None, ended=None)]).more == 1
