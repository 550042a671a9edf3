from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.job_state import JobState
from taskaudit.reports.gather import gather
from taskaudit.reports.page import REPORT, Page, anchor, clock, page_of, since
from tests.samples import JOB_ID
from tests.stories import ask, submit, write_log


def page(log_path: Path, *outcomes: object, **limits: int) -> Page:
    report = gather([write_log(log_path, outcomes)], load())  # type: ignore[arg-type]
    return page_of(report, Language.EN, REPORT._replace(**limits))


def test_every_state_and_severity_is_counted(log_path: Path) -> None:
    shown = page(log_path, submit(0), ask(5, "SUCCESS"), submit(6, "never"))
    assert shown.states == {state.value: state in ("never-queried", "final") for state in JobState}
    assert shown.severities == {"error": 0, "warning": 1, "info": 0}
    assert (shown.submissions, shown.job_queries) == (2, 1)
    assert shown.job_severities == {"warning": 1, "none": 1}
    assert [rule.code for rule in shown.rules] == ["TA501"]


def test_the_latest_jobs_are_listed_newest_first(log_path: Path) -> None:
    shown = page(log_path, *(submit(at, f"j-{at}") for at in range(5)), jobs=2)
    assert [each.job.job_id for each in shown.jobs] == ["j-4", "j-3"]
    assert shown.more_jobs == 3
    assert shown.states["never-queried"] == 5  # All are counted.


@pytest.mark.parametrize(("asked", "expected"), [(3, (3, 0, 0)), (4, (4, 0, 0)), (9, (2, 5, 2))])
def test_of_many_queries_the_first_and_the_last(
    log_path: Path, asked: int, expected: tuple[int, int, int]
) -> None:
    shown = page(log_path, submit(0), *(ask(at + 2.0) for at in range(asked)), queries=4)
    steps = shown.jobs[0].steps
    assert (len(steps.first), steps.between, len(steps.last)) == expected


def test_anchors_tell_ids_apart_and_hold_no_traffic() -> None:
    made = [anchor(each) for each in ("a", "A", "a b", '"><script>', JOB_ID)]
    assert len(set(made)) == len(made)
    assert all(each.replace("-", "").isalnum() for each in made)


@pytest.mark.parametrize(
    ("time", "expected"),
    [("2026-09-21T14:13:20.250999Z", "2026-09-21 14:13:20.250"), ("1970-01-01T00:00:00.000000Z", "–")],
)
def test_a_time_that_is_not_known_is_not_shown(time: str, expected: str) -> None:
    assert clock(time) == expected


def test_how_long_after_the_submission(log_path: Path) -> None:
    job = page(log_path, submit(0), ask(65)).jobs[0].job
    assert since(job, job.queries[0].time) == "+1m 05s"
