"""Verdicts and their order of badness."""

from __future__ import annotations

import pytest

from taskaudit.contract.verdict import Finding, Kind, Severity, Verdict


def found(rule: str, severity: Severity) -> Finding:
    return Finding(rule, "name", severity, "", "this", "that", "Object")


def test_severities_from_the_worst_down() -> None:
    assert sorted(Severity, key=lambda s: s.rank) == [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert Severity.ERROR.rank == 0


@pytest.mark.parametrize(
    ("severities", "well_formed"),
    [
        ([], True),
        ([Severity.INFO, Severity.WARNING], True),
        ([Severity.WARNING, Severity.ERROR], False),
    ],
)
def test_well_formed_is_without_errors(severities: list[Severity], well_formed: bool) -> None:
    verdict = Verdict(Kind.JOB, tuple(found("TA203", severity) for severity in severities))
    assert verdict.well_formed is well_formed


def test_nothing_is_known_of_a_body_that_was_not_seen() -> None:
    assert Verdict(Kind.JOB, (found("TA203", Severity.WARNING),)).seen
    assert not Verdict(Kind.UNREADABLE, (found("TA003", Severity.WARNING),)).seen


def test_the_text_of_a_body_shows_in_no_representation() -> None:
    assert "secret" not in repr(Verdict(Kind.JOB, text='{"adminPass": "secret"}'))
