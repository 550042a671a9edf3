"""SARIF, held to its published schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language
from taskaudit.reports import sarif
from taskaudit.reports.model import Report
from taskaudit.reports.sarif import FINGERPRINT, as_sarif
from tests.reports.runs import RUN, SARIF, hostile, refused, report_on, reported
from tests.samples import BAD_ERROR
from tests.stories import submit, write_log


def run_of(report: Report, language: Language = Language.EN) -> dict[str, Any]:
    """The one run of the log, which fits the schema."""
    log = json.loads(as_sarif(report, language))
    SARIF.validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def bare_answer(folder: Path) -> Report:
    (folder / "answer.json").write_text(BAD_ERROR, encoding="utf-8")
    return report_on(folder / "answer.json", folder / "missing.har")


def killed(folder: Path) -> Report:
    return replace(reported(folder, RUN, stop=False), evicted=3, unlisted=2)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    "make",
    [lambda folder: reported(folder, RUN), lambda folder: reported(folder, hostile()), bare_answer, killed],
    ids=["run", "hostile", "bare", "killed"],
)
def test_it_fits_the_published_schema(
    tmp_path: Path, make: Callable[[Path], Report], language: Language
) -> None:
    run = run_of(make(tmp_path), language)
    assert run["language"] == {"en": "en-US", "zh": "zh-CN"}[language]


def test_the_schema_can_refuse(tmp_path: Path) -> None:
    log = json.loads(as_sarif(reported(tmp_path, RUN), Language.EN))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not SARIF.is_valid(log)


def test_it_looks_like_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(sarif, "__version__", "1.2.3")
    run = run_of(reported(tmp_path, RUN))
    run["tool"]["driver"]["rules"] = run["tool"]["driver"]["rules"][:1]
    assert json.dumps(run, indent=2).replace(str(tmp_path), "FOLDER") == snapshot


def test_all_rules_are_described_in_order(tmp_path: Path) -> None:
    rules = run_of(reported(tmp_path, []))["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == list(RULES)
    assert all(each["fullDescription"]["text"] for each in rules)


def test_a_result_for_each_group(tmp_path: Path) -> None:
    report = reported(tmp_path, RUN)
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    for result, found in zip(run["results"], report.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == found.rule
        assert result["occurrenceCount"] == found.count
        assert result["partialFingerprints"] == {FINGERPRINT: found.fingerprint}
    assert {result["level"] for result in run["results"]} == {"error", "warning", "note"}


def test_the_fingerprint_is_the_same_in_the_next_run(tmp_path: Path) -> None:
    prints = []
    for day in ("monday", "tuesday"):
        (tmp_path / day).mkdir()
        outcomes = [refused(len(day), request_id=day, host=f"{day}.example.com")]
        prints += [
            each["partialFingerprints"] for each in run_of(reported(tmp_path / day, outcomes))["results"]
        ]
    assert prints[0] == prints[1]


def test_a_file_where_it_is_known(tmp_path: Path) -> None:
    def files(report: Report) -> set[str | None]:
        found = set()
        for result in run_of(report)["results"]:
            (location,) = result["locations"]
            physical = location.get("physicalLocation")
            found.add(physical["artifactLocation"]["uri"] if physical else None)
        return found

    logs = [write_log(tmp_path / name, [refused(n)]) for n, name in enumerate("ab", 1)]
    assert files(report_on(logs[0])) == {f"file://{tmp_path}/a"}
    assert files(report_on(*logs)) == {None}
    assert files(bare_answer(tmp_path)) == {f"file://{tmp_path}/answer.json"}


def test_what_is_not_whole_is_notified(tmp_path: Path) -> None:
    (invocation,) = run_of(bare_answer(tmp_path))["invocations"]
    told = [(each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]]
    assert not invocation["executionSuccessful"]
    assert told[0] == ("error", f"{tmp_path}/missing.har: cannot be read: no such file or directory")
    assert told[-1][0] == "note"
    assert "seen 1 = other 0 + audited 1 + unaudited 0" in told[-1][1]
    (whole,) = run_of(reported(tmp_path, [submit(1)]))["invocations"]
    assert whole["executionSuccessful"]
    assert [each["level"] for each in whole["toolExecutionNotifications"]] == ["note"]


def test_the_traffic_makes_no_links_and_no_placeholders(tmp_path: Path) -> None:
    messages = [each["message"]["text"] for each in run_of(reported(tmp_path, hostile()))["results"]]
    assert any("evil.example" in text for text in messages)
    assert not [text for text in messages if "](" in text or re.search(r"(?<!\{)\{\d+\}", text)]
