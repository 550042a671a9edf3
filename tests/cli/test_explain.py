"""`taskaudit explain`."""

from __future__ import annotations

from taskaudit.contract.rules import RULES
from tests.cli.running import run


def test_explain() -> None:
    result = run("explain", "TA306", "job-id-empty")
    assert result.exit_code == 0
    assert result.stdout.index("TA306") < result.stdout.index("TA202")


def test_explain_every_rule() -> None:
    text = run("explain", "--all").stdout
    assert all(f"{rule.code} {rule.name} ({rule.severity})" in text for rule in RULES.values())
