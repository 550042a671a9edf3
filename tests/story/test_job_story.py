"""One job: what is told of it is told by its exchanges."""

from __future__ import annotations

import pytest

from taskaudit.contract.verdict import Severity
from taskaudit.job_state import JobState
from taskaudit.story.job_story import Draft, QueryStep, job_of
from taskaudit.story.told import Found, Told


def submission(at: float = 1, **facts: object) -> Told:
    return Told(at, False, False, 0, f"submit {at}", "proxy-a", job_id="8ab1", **facts)  # type: ignore[arg-type]


def query(at: float, status: str | None, *, is_final: bool = False, **facts: object) -> Told:
    return Told(at, True, is_final, 0, f"ask {at}", "proxy-b", job_id="8ab1", status=status, **facts)  # type: ignore[arg-type]


def draft(*exchanges: Told) -> Draft:
    made = Draft()
    for told in exchanges:
        made.add(told)
    return made


def found(rule: str) -> Found:
    return Found(1, rule, "n", Severity.INFO, "", "e", "f", None, None, "fingerprint")


@pytest.mark.parametrize(
    ("exchanges", "state", "status"),
    [
        ([submission()], JobState.NOT_ASKED_YET, None),
        ([submission(), query(2, "RUNNING")], JobState.OPEN, "RUNNING"),
        ([submission(), query(2, "RUNNING"), query(3, None)], JobState.OPEN, "RUNNING"),
        ([submission(), query(2, None)], JobState.NO_STATUS, None),
        ([query(2, "SUCCESS", is_final=True), query(3, "RUNNING")], JobState.FINAL, "SUCCESS"),
        ([query(2, "FAIL", is_final=True)], JobState.FAILED, "FAIL"),
        ([query(2, "error", is_final=True)], JobState.FAILED, "error"),
    ],
)
def test_how_it_stands(exchanges: list[Told], state: JobState, status: str | None) -> None:
    job = job_of("8ab1", draft(*exchanges), {})
    assert (job.state, job.last_status, job.asked) == (
        state,
        status,
        sum(told.is_query for told in exchanges),
    )


def test_the_first_submission_counts() -> None:
    job = job_of(
        "8ab1", draft(submission(1, route="a"), submission(2, route="b"), query(4, "OK", is_final=True)), {}
    )
    assert (job.route, job.took, job.ended) == ("a", 3, "1970-01-01T00:00:04.000000Z")
    assert (job.first_seen, job.last_seen) == (job.submitted, job.ended)


def test_the_end_tells_why_it_failed_or_else_the_last_answer() -> None:
    end = query(3, "FAIL", is_final=True, error_code="E", fail_reason="why")
    later = query(4, None, fail_reason="busy")
    assert [
        (job.error_code, job.fail_reason)
        for job in (job_of("8ab1", draft(end, later), {}), job_of("8ab1", draft(later), {}))
    ] == [("E", "why"), (None, "busy")]


def test_the_rules_are_those_of_all_its_exchanges() -> None:
    again = submission(2, rules=("TA306",))
    told = draft(submission(1), again, query(3, "RUNNING"))
    told.past_rules = frozenset({"TA505"})
    told.unlisted = 2
    job = job_of(
        "8ab1", told, {"submit 2": [found("TA204")], "ask 3": [found("TA504")], "past": [found("TA503")]}
    )
    assert job.rules == ("TA204", "TA306", "TA503", "TA504", "TA505")
    assert [each.rule for each in job.findings] == ["TA204"]
    assert [each.rule for each in job.queries[0].findings] == ["TA504"]
    assert (len(job.queries), job.asked) == (1, 3)


def test_queries_are_a_sequence() -> None:
    queries = job_of("8ab1", draft(query(1, "A"), query(2, "B"), query(3, "C")), {}).queries
    assert isinstance(queries[0], QueryStep)
    assert [step.status for step in queries[1:]] == ["B", "C"]
    assert queries[-1].instance == "proxy-b"
    assert queries == tuple(queries)
    assert queries != tuple(queries)[1:]
    assert hash(queries) == hash(tuple(queries))
