"""The rules about the audit itself."""

from __future__ import annotations

import pytest

from taskaudit.contract.rules.audit import TA901, TA902
from taskaudit.contract.rules.rule import Rule


@pytest.mark.parametrize("rule", [TA901, TA902])
def test_say_that_traffic_was_not_affected(rule: Rule) -> None:
    assert "raffic was not affected" in rule.when.en + rule.why.en
