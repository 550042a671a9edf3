"""The severities of the TA0xx: what was not seen is no error of the API."""

from __future__ import annotations

from taskaudit.contract.rules import body
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Severity

MINE = [rule for rule in vars(body).values() if isinstance(rule, Rule)]


def test_which_are_no_errors() -> None:
    warnings = [rule.code for rule in MINE if rule.severity is not Severity.ERROR]
    assert warnings == ["TA003", "TA009", "TA010"]


def test_the_first_sample_is_the_documentations_own() -> None:
    assert body.TA005.bad
    assert body.TA005.bad.sent.decode() == '{"error": {"message": "", "code": XXX，""}}'
