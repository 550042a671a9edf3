"""Every state that a job can be in, from logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.job_state import JobState
from taskaudit.story.story import tell
from tests.samples import JOB_ID, answer, outcome
from tests.stories import START, ask, resource, submit, write_log

UNSEEN = outcome(
    method="GET",
    path=f"/v1/p/jobs/{JOB_ID}",
    answer=answer(b"", missing=Missing.STREAMED),
    started=START + 4,
    ended=START + 5,
)


@pytest.mark.parametrize(
    ("exchanges", "state"),
    [
        ([submit(0)], JobState.NEVER_QUERIED),
        ([submit(0), ask(5, None)], JobState.NO_STATUS),
        ([submit(0), UNSEEN], JobState.NO_STATUS),
        ([ask(5, None)], JobState.NO_STATUS),
        ([submit(0), resource(5), resource(9, status="SUCCESS")], JobState.BY_RESOURCE),
        ([submit(0), ask(5, None), resource(9)], JobState.NO_STATUS),
        ([submit(0), ask(5), resource(9, status="SUCCESS")], JobState.OPEN),
        ([submit(0), ask(5)], JobState.OPEN),
        ([submit(0), ask(5), ask(9, None)], JobState.OPEN),
        ([ask(5, "no such status")], JobState.OPEN),
        ([submit(0), ask(5), ask(9, "SUCCESS")], JobState.FINAL),
        ([submit(0), ask(9, "success")], JobState.FINAL),
        ([submit(0), ask(9, "SUCCESS"), ask(10, "RUNNING")], JobState.FINAL),
        ([submit(0), ask(9, "FAIL")], JobState.FAILED),
        ([ask(9, "fail")], JobState.FAILED),
    ],
)
def test_each_state(tmp_path: Path, exchanges: list[Outcome], state: JobState) -> None:
    (job,) = tell([write_log(tmp_path / "log", exchanges)]).jobs
    assert job.state is state


@pytest.mark.parametrize(
    ("last", "stop", "state"),
    [
        (299, False, JobState.NOT_ASKED_YET),
        (301, False, JobState.NEVER_QUERIED),
        (299, True, JobState.NEVER_QUERIED),
    ],
)
def test_nobody_has_asked_yet_or_ever(tmp_path: Path, last: float, stop: bool, state: JobState) -> None:
    """A job is never-queried once its time has passed, or the run has ended."""
    job, _ = tell([write_log(tmp_path / "log", [submit(0), submit(last, "b")], ends=last, stop=stop)]).jobs
    assert job.state is state


def test_every_state_has_its_name() -> None:
    assert [state.value for state in JobState] == [
        "not-asked-yet",
        "never-queried",
        "by-resource",
        "open",
        "no-status",
        "final",
        "failed",
    ]
