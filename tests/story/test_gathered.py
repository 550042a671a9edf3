"""Jobs gathered, however few of them memory holds: as if it held all."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskaudit.auditor import Outcome
from taskaudit.lifecycle import Thresholds
from taskaudit.spool import blocks, differing, sorter
from taskaudit.story import gathered
from taskaudit.story.gathered import Jobs
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import cells
from taskaudit.story.story import Story, tell
from tests.samples import JOB_ID
from tests.stories import ask, submit, write_log

ALLOWED = Thresholds(query_within=20, min_interval=1, table_size=1000)


@contextmanager
def of_size(exchanges: int, items: int = 2) -> Iterator[None]:
    """So many exchanges in memory, and so many items written or sorted at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathered, "_MOST_OPEN", exchanges)
        patch.setattr(gathered, "_LOOK", 1 + exchanges // 2)
        patch.setattr(blocks, "MOST_IN_BLOCK", items)
        patch.setattr(sorter, "_RUN", items)
        patch.setattr(differing, "_MOST_PAIRS", items)
        yield


def told(log: Path, exchanges: int, whole: Collection[str] | None = None) -> Story:
    with of_size(exchanges):
        story = tell([log], ALLOWED, whole=whole)
        assert list(story.jobs) == list(story.jobs)
    return story


LIFE = [
    submit(1),
    ask(2, "INIT"),
    submit(3, "other"),
    ask(4, None, "None"),
    ask(5, "RUNNING", "other"),
    *(ask(6 + n / 8, "RUNNING") for n in range(12)),
    ask(9, None, "lost", code="E", message="busy"),
    ask(10, "FAIL", error_code="Ecs.0219", fail_reason="no flavor"),
    submit(11, "never"),
    ask(12, "FAIL"),
    ask(12.5, "FAIL"),
    ask(13, None, "other"),
    submit(40, "other"),
]


@pytest.mark.parametrize("exchanges", [0, 1, 2, 5, 9, 1000])
def test_it_makes_no_difference_how_many_are_in_memory(tmp_path: Path, exchanges: int) -> None:
    log = write_log(tmp_path / "log", LIFE, thresholds=ALLOWED)
    expected = tell([log], ALLOWED)
    story = told(log, exchanges)
    assert story == expected
    assert len(story.jobs) == len(expected.jobs) == len(list(story.jobs))
    assert [job.job_id for job in story.jobs] == [JOB_ID, "other", "lost", "never"]
    assert {rule for job in story.jobs for rule in job.rules} >= {"TA204", "TA501", "TA504", "TA505"}


@pytest.mark.parametrize("exchanges", [0, 2, 9, 1000])
def test_a_list_needs_few_of_the_queries(tmp_path: Path, exchanges: int) -> None:
    """And tells the same of each job, but for one whose queries are all wanted."""
    log = write_log(tmp_path / "log", LIFE, thresholds=ALLOWED)
    expected = tell([log], ALLOWED).jobs
    story = told(log, exchanges, whole={"other"})
    assert [*map(listed, story.jobs)] == [*map(listed, expected)]
    assert [job.findings for job in story.jobs] == [job.findings for job in expected]
    assert story.jobs[1] == expected[1]
    assert len(story.jobs[0].queries) <= 4
    assert story.jobs[0].asked == 16
    assert len(expected[0].queries) == 16


@pytest.mark.parametrize("exchanges", [0, 3, 50, 1000])
def test_an_id_that_is_answered_again_and_again(tmp_path: Path, exchanges: int) -> None:
    """As a stub of an API does: as few of its exchanges are in memory as of any other job."""
    steps = [step for n in range(40) for step in (submit(n, "stub"), ask(n + 0.5, "SUCCESS", "stub"))]
    log = write_log(tmp_path / "log", steps)
    (expected,) = tell([log], ALLOWED).jobs
    (job,) = told(log, exchanges, whole=()).jobs
    assert cells(job) == cells(expected)
    assert (job.rules, job.asked) == (("TA204", "TA505"), 40)
    assert len(job.findings) <= 9 < len(expected.findings)


def listed(job: JobStory) -> tuple[object, ...]:
    """All that a list shows of a job."""
    return (*cells(job), job.first_seen, job.last_seen)


STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["a", "b", "c", "None"]),
        st.sampled_from(["RUNNING", "SUCCESS", "FAIL", None]),
        st.sampled_from([0.25, 0.5, 2, 25]),
    ),
    max_size=24,
)


def outcomes(steps: list[tuple[bool, str, str | None, float]]) -> Iterator[Outcome]:
    at = 1.0
    for is_query, job_id, status, pause in steps:
        at += pause
        if is_query:
            yield ask(at, status, job_id)
        else:
            yield submit(at, None if status is None else job_id, request_digest=job_id)


@settings(max_examples=60, deadline=None)
@example([(False, "a", "RUNNING", 0.25)] * 9, 0, set())  # Of those, a list does not keep every submission.
@given(STEPS, st.integers(0, 6), st.sets(st.sampled_from("abc")))
def test_any_story_is_the_same(
    steps: list[tuple[bool, str, str | None, float]], exchanges: int, whole: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        log = write_log(Path(name) / "log", outcomes(steps), thresholds=ALLOWED)
        expected = tell([log], ALLOWED)
        assert told(log, exchanges) == expected
        story = told(log, exchanges, whole)
    assert story.findings == expected.findings
    assert [*map(listed, story.jobs)] == [*map(listed, expected.jobs)]
    submitted = Counter(job_id for is_query, job_id, _, _ in steps if not is_query)
    for job, other in zip(story.jobs, expected.jobs, strict=True):
        assert job.findings == other.findings or (
            submitted[job.job_id] > gathered._MOST_ALIKE and set(job.findings) < set(other.findings)
        )
    assert [job for job in story.jobs if job.job_id in whole] == [
        job for job in expected.jobs if job.job_id in whole
    ]


def test_jobs_are_a_sequence(tmp_path: Path) -> None:
    jobs = tell([write_log(tmp_path / "log", LIFE)], ALLOWED).jobs
    assert isinstance(jobs, Jobs)
    every = tuple(jobs)
    assert (jobs[1], jobs[-1], jobs[1:3]) == (every[1], every[-1], every[1:3])
    assert jobs == every
    assert hash(jobs) == hash(every)
    assert jobs != every[1:]
    assert jobs != "jobs"


def lives(jobs: int) -> Iterator[Outcome]:
    for number in range(jobs):
        job_id = f"job-{number}"
        yield submit(number, job_id)
        yield ask(number + 0.25, "INIT", job_id)
        yield ask(number + 0.5, "SUCCESS", job_id)


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Only what is put aside does, and that is on disk."""

    def peak(jobs: int) -> int:
        log = write_log(tmp_path / str(jobs), lives(jobs))
        with of_size(100, 50), pytest.MonkeyPatch.context() as patch:
            patch.setattr(blocks, "IN_MEMORY", 50_000)
            patch.setattr(differing, "_MOST_PAIRS", 1000)
            patch.setattr(differing, "_PARTS", 4)
            tracemalloc.start()
            story = tell([log], Thresholds(table_size=50), whole=())
            assert sum(1 for _ in story.jobs) == len(story.jobs) == jobs
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(50)  # What is imported or remembered once.
    assert peak(2000) < 1.5 * peak(500)
