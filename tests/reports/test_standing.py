from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskaudit.auditor import Outcome
from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.reports.gather import gather
from taskaudit.reports.model import Report
from taskaudit.reports.standing import standing_of
from tests.samples import BAD_ERROR, outcome
from tests.stories import ask, submit, write_log

GOOD = [submit(0), ask(5, "SUCCESS")]


def report(log_path: Path, outcomes: Iterable[Outcome], **more: Any) -> Report:
    return gather([write_log(log_path, outcomes, **more)], load())


@pytest.mark.parametrize(
    ("outcomes", "mood", "en", "zh"),
    [
        ([], "none", "Nothing was audited", "没有审计到任何交互"),
        ([submit(0, None)], "none", "Nothing was audited", "没有审计到任何交互"),
        (GOOD, "ok", "No findings in 2 audited exchanges", "2 次已审计的交互中没有发现问题"),
        (
            [*GOOD, submit(9, None)],
            "partial",
            "No findings in 2 audited exchanges, but not everything was seen",
            "2 次已审计的交互中没有发现问题，但并未看到全部",
        ),
        (
            [outcome(BAD_ERROR, 400)],
            "error",
            "1 error in 1 audited exchange",
            "1 次已审计的交互中有 1 个错误",
        ),
        ([submit(0)], "warning", "1 warning in 1 audited exchange", "1 次已审计的交互中有 1 个警告"),
        (
            [submit(0), ask(2)],
            "info",
            "1 info in 2 audited exchanges",
            "2 次已审计的交互中有 1 个提示",
        ),
    ],
)
def test_one_line(log_path: Path, outcomes: list[Outcome], mood: str, en: str, zh: str) -> None:
    made = report(log_path, outcomes)
    standing = standing_of(made, Language.EN)
    assert (standing.mood, standing.verdict) == (mood, en)
    assert standing_of(made, Language.ZH).verdict == zh


@pytest.mark.parametrize(
    ("changed", "alert"),
    [
        ({"damaged": ("a.har, entry 3: cut short",)}, "1 place could not be read."),
        (
            {"evicted": 2},
            "2 jobs were forgotten (remembered_jobs): what came of them later is not judged.",
        ),
    ],
)
def test_what_is_not_whole_is_never_ok(log_path: Path, changed: dict[str, Any], alert: str) -> None:
    standing = standing_of(replace(report(log_path, GOOD), **changed), Language.EN)
    assert (standing.mood, standing.alerts) == ("partial", (alert,))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("missing", "3 records LOST"),
        ("pruned", "3 older records pruned"),
        ("open_sessions", "3 of 1 sessions"),
    ],
)
def test_records_that_are_missing_are_told(log_path: Path, field: str, words: str) -> None:
    made = report(log_path, GOOD)
    standing = standing_of(replace(made, coverage=replace(made.coverage, **{field: 3})), Language.EN)
    assert standing.mood == "partial"
    assert standing.alerts[0].startswith(words)


def test_a_session_that_did_not_stop_is_told(log_path: Path) -> None:
    standing = standing_of(report(log_path, GOOD, stop=False), Language.EN)
    assert standing.verdict.startswith("No findings in 2 audited exchanges")
    assert standing.alerts == ("1 of 1 sessions are still running, or were killed.",)
    assert standing.coverage == (
        "seen 2 = other 0 + audited 2 + unaudited 0; 1 of 1 sessions still running, or killed: "
        "as of 2026-09-21 14:30:00 UTC, other not counted yet"
    )


def test_coverage_adds_up(log_path: Path) -> None:
    standing = standing_of(report(log_path, [*GOOD, submit(9, None)]), Language.EN)
    assert standing.coverage == "seen 3 = other 0 + audited 2 + unaudited 1 (aborted 1)"
    assert standing.alerts == ("1 exchange in scope got no verdict: 1 aborted.",)
