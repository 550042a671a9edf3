"""Findings by fingerprint, chosen, and put as lines."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language
from taskaudit.policy.policy import Policy
from taskaudit.story.findings import COLUMNS, Wanted, as_json, cells, counted
from taskaudit.story.story import Story, tell
from taskaudit.text.spreadsheet import as_csv
from tests.samples import BAD_ERROR, outcome, waiver
from tests.stories import START, ask, submit, write_log


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """TA306 twice, TA501 once, TA503 once."""
    bad = [outcome(BAD_ERROR, 400, started=START, ended=START + n) for n in (1, 2)]
    return tell([write_log(tmp_path / "log", [*bad, submit(3), ask(4, "SUCCESS", "8ab1")])])


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (Wanted(), ["TA306", "TA501", "TA503"]),
        (Wanted(rule="TA501"), ["TA501"]),
        (Wanted(rule="TA001"), []),
        (Wanted(severity=Severity.ERROR), ["TA306"]),
        (Wanted(severity=Severity.WARNING), ["TA306", "TA501"]),
        (Wanted("TA503", Severity.WARNING), []),
    ],
)
def test_choosing(story: Story, wanted: Wanted, rules: list[str]) -> None:
    assert [each.rule for each in wanted.of(story.findings)] == rules


def test_counting(story: Story) -> None:
    assert counted(story.findings) == "4 findings of 3 kinds: 2 error, 1 warning, 1 info"
    assert counted(story.findings[:0]) == "no findings"
    assert counted(story.findings[1:2]) == "1 finding of 1 kind: 1 warning"
    assert counted(story.findings, Language.ZH) == "4 个问题，3 种：错误 2、警告 1、提示 1"
    assert counted(story.findings[:0], Language.ZH) == "没有问题"


def test_json(story: Story) -> None:
    line = json.loads(as_json(story.findings[0]))
    assert (line["rule"], line["severity"], line["count"]) == ("TA306", "error", 2)
    assert (line["first"], line["last"]) == ("2026-09-21T14:13:21.000000Z", "2026-09-21T14:13:22.000000Z")
    example = line["example"]
    assert (example["pointer"], example["found"], example["column"]) == ("/error/code", "Number 400", 38)
    assert (example["http_status"], example["route"]) == (400, "ecs:CreateServers")


def test_csv(story: Story) -> None:
    text = as_csv([COLUMNS, *map(cells, story.findings)])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["rule"], row["count"]) for row in rows] == [("TA306", "2"), ("TA501", "1"), ("TA503", "1")]
    assert (rows[0]["example_found"], rows[2]["example_job_id"]) == ("Number 400", "8ab1")


def test_waived_ones_are_counted(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(3), ask(4, "SUCCESS", "8ab1")])
    findings = tell([log], policy=Policy(waivers=[waiver("TA501")])).findings
    assert counted(findings) == "1 finding of 1 kind: 1 info (1 more waived)"
    line = json.loads(as_json(findings[0]))
    assert (line["waived"], line["waived_until"], line["waived_by"]) == (1, "2099-12-31", "team-ecs")
    rows = list(csv.DictReader(io.StringIO(as_csv([COLUMNS, *map(cells, findings)]), newline="")))
    assert [(row["waived"], row["waived_why"]) for row in rows] == [("1", "backend ticket 1234"), ("0", "")]
