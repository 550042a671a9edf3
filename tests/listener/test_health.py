"""Whether the audit is well."""

from __future__ import annotations

from taskaudit.contract.words import Language
from taskaudit.listener.health import REMEMBERED, Health


def test_it_is_well_at_first() -> None:
    assert list(Health(lambda: None).reasons()) == []


def test_all_that_is_wrong_is_told() -> None:
    now = 100.0
    health = Health(lambda: "No space left on device", rejected="a.yaml, line 3: no", clock=lambda: now)
    health.failed("KeyError in look, line 3")
    assert list(health.reasons()) == [
        "records cannot be written: No space left on device",
        "the configuration was rejected, the last good one stays: a.yaml, line 3: no",
        "the audit is failing (TA901): KeyError in look, line 3",
    ]


def test_it_is_told_in_chinese() -> None:
    health = Health(lambda: "ENOSPC", rejected="a.yaml")
    assert list(health.reasons(Language.ZH)) == [
        "无法写入记录：ENOSPC",
        "配置被拒绝，仍使用上一个有效配置：a.yaml",
    ]


def test_a_failure_is_forgotten_in_time() -> None:
    now = [100.0]
    health = Health(lambda: None, clock=lambda: now[0])
    health.failed("KeyError")
    now[0] += REMEMBERED - 1
    assert len(list(health.reasons())) == 1
    now[0] += 1
    assert list(health.reasons()) == []
