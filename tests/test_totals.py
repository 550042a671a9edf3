"""Sums that add up, whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.answer import Missing
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.totals import Totals
from tests.samples import BAD_ERROR, ERROR, OWN_HOST, answer, outcome, waiver

OUTCOMES = [
    outcome(),
    outcome(ERROR, 400),
    outcome(BAD_ERROR, 200),
    outcome("", 200),
    outcome(None),
    outcome("{}", path="/other"),
    outcome('{"status": "INIT"}', method="GET", path="/v1/p/jobs/a"),
    outcome("{}", method="GET", path="/v1/p/jobs/a", host=OWN_HOST),
    outcome(None, method="GET", path="/v1/p/jobs/a"),
    outcome(answer=answer(b"", missing=Missing.STREAMED)),
    outcome("x" * 1_100_000),
]


def totals(outcomes: list[Outcome]) -> Totals:
    counted = Totals()
    for each in outcomes:
        counted.add(each)
    return counted


@given(st.lists(st.sampled_from(OUTCOMES)))
def test_seen_is_other_and_audited_and_unaudited(outcomes: list[Outcome]) -> None:
    counted = totals(outcomes)
    assert counted.seen == len(outcomes)
    assert counted.seen == counted.other + counted.audited + counted.unaudited.total()
    assert counted.in_scope == counted.roles.total() == counted.seen - counted.other
    assert counted.kinds.total() + counted.roles[Role.JOB_QUERY] >= counted.audited
    assert counted.findings.total() == counted.severities.total() == sum(len(o.findings) for o in outcomes)


def test_all_kinds_of_outcomes() -> None:
    counted = totals(OUTCOMES)
    assert (counted.seen, counted.other, counted.audited) == (11, 1, 6)
    assert dict(counted.unaudited) == {"aborted": 2, "streamed": 1, "too_large": 1}
    assert dict(counted.kinds) == {"job": 1, "error": 2, "unreadable": 1}
    assert dict(counted.findings) == {"TA104": 1, "TA306": 1, "TA001": 1, "TA003": 2, "TA508": 1}
    assert dict(counted.severities) == {Severity.ERROR: 4, Severity.WARNING: 2}


def test_a_finding_that_comes_up_later() -> None:
    counted = totals([outcome(BAD_ERROR, 400)])
    counted.add_finding(Finding("TA501", "job-never-queried", Severity.WARNING, "/job_id", "a", "b", ""))
    assert (dict(counted.findings), counted.seen) == ({"TA306": 1, "TA501": 1}, 1)
    assert dict(counted.severities) == {Severity.ERROR: 1, Severity.WARNING: 1}


def test_waived_findings_are_counted_apart_too() -> None:
    counted = totals([outcome(BAD_ERROR, 400)])
    finding = outcome(BAD_ERROR, 400).findings[0]
    counted.add_finding(replace(finding, waived=waiver()))
    assert (dict(counted.findings), dict(counted.severities)) == ({"TA306": 2}, {Severity.ERROR: 2})
    assert (dict(counted.waived), dict(counted.waived_severities)) == ({"TA306": 1}, {Severity.ERROR: 1})
    assert dict(counted.waivers) == {waiver(): 1}
    both = Totals()
    both.include(counted)
    both.include(counted)
    assert (both.waived, both.waivers) == ({"TA306": 2}, {waiver(): 2})
