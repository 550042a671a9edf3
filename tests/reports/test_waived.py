"""Waived findings in every format: shown as waived, counted apart, and not alarming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from taskaudit.auditor import Outcome
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.contract.words import Language
from taskaudit.policy.policy import Policy
from taskaudit.reports.formats import Format, render
from taskaudit.reports.model import Report
from taskaudit.reports.standing import standing_of
from tests.reports.runs import HOSTILE, SARIF, refused, reported
from tests.samples import waiver
from tests.stories import ask, submit, under

TERMS = {
    Language.EN: "waived until 2099-12-31 by team-ecs: backend ticket 1234",
    Language.ZH: "已豁免，至 2099-12-31，负责人 team-ecs：backend ticket 1234",
}
PARTLY = {Language.EN: "1 more waived", Language.ZH: "另有 1 项已豁免"}
KNOWN = Policy(waivers=[waiver("TA306")])
GOOD = [submit(1), ask(2, "SUCCESS")]


def _reported(folder: Path, outcomes: list[Outcome]) -> Report:
    folder.mkdir()
    return reported(folder, outcomes)


@pytest.fixture
def known(tmp_path: Path) -> Report:
    """A run in which all that was found is waived."""
    return _reported(tmp_path / "known", [*GOOD, *under(KNOWN, [refused(3), refused(4)])])


@pytest.fixture
def partly(tmp_path: Path) -> Report:
    """Two equal findings, one of them waived, and a warning."""
    return _reported(tmp_path / "partly", [submit(1), *under(KNOWN, [refused(3)]), refused(4)])


@pytest.fixture(params=Language)
def language(request: pytest.FixtureRequest) -> Language:
    """Each language."""
    made: Language = request.param
    return made


def finding(report: Report) -> dict[str, Any]:
    """What JSON has on TA306."""
    text = render(report, Format.JSON, Language.ZH)
    return next(row for row in json.loads(text)["findings"] if row["rule"] == "TA306")


def case(report: Report, language: Language) -> ElementTree.Element:
    root = ElementTree.fromstring(render(report, Format.JUNIT, language).encode())
    (found,) = (each for each in root.iter("testcase") if str(each.get("name")).startswith("TA306"))
    return found


def results(report: Report, language: Language) -> dict[str, Any]:
    log = json.loads(render(report, Format.SARIF, language))
    SARIF.validate(log)
    return {each["ruleId"]: each for each in log["runs"][0]["results"]}


def annotation(report: Report) -> str:
    lines = render(report, Format.GITHUB, Language.EN).splitlines()
    return next(line for line in lines if "title=TA306" in line)


@pytest.mark.parametrize(
    ("language", "verdict"),
    [
        (Language.EN, "No findings (2 more waived) in 4 audited exchanges"),
        (Language.ZH, "4 次已审计的交互中没有发现问题（另有 2 项已豁免）"),
    ],
)
def test_what_is_waived_is_no_alarm(known: Report, language: Language, verdict: str) -> None:
    standing = standing_of(known, language)
    assert (standing.mood, standing.verdict) == ("ok", verdict)
    assert known.severities[Severity.ERROR] == 0
    assert known.waived == (("TA306", 2),)


@pytest.mark.parametrize(
    ("language", "verdict"),
    [
        (Language.EN, "1 error, 1 warning (1 more waived) in 3 audited exchanges"),
        (Language.ZH, "3 次已审计的交互中有 1 个错误、1 个警告（另有 1 项已豁免）"),
    ],
)
def test_what_is_not_waived_still_is(partly: Report, language: Language, verdict: str) -> None:
    standing = standing_of(partly, language)
    assert (standing.mood, standing.verdict) == ("error", verdict)


def test_not_all_seen_is_said_of_waived_findings_too(tmp_path: Path) -> None:
    standing = standing_of(reported(tmp_path, [*under(KNOWN, [refused(3)]), submit(5, None)]), Language.EN)
    assert standing.mood == "partial"
    assert standing.verdict == (
        "No findings (1 more waived) in 1 audited exchange, but not everything was seen"
    )


@pytest.mark.parametrize("form", [Format.MARKDOWN, Format.HTML, Format.JUNIT, Format.GITHUB])
def test_until_when_by_whom_and_why(known: Report, partly: Report, form: Format, language: Language) -> None:
    for report in (known, partly):
        assert TERMS[language] in render(report, form, language)
    assert PARTLY[language] in render(partly, form, language)


def test_junit(known: Report, partly: Report, language: Language) -> None:
    passed, failed = case(known, language), case(partly, language)
    assert [each.tag for each in passed] == ["system-out"]
    assert TERMS[language] in str(passed[0].text)
    assert [each.tag for each in failed] == ["failure"]
    assert PARTLY[language] in str(failed[0].text)
    assert "(once)" in str(case(partly, Language.EN)[0].get("message"))


def test_sarif(known: Report, partly: Report, language: Language) -> None:
    assert results(known, language)["TA306"]["suppressions"] == [
        {"kind": "external", "justification": TERMS[language]}
    ]
    told = results(partly, language)
    assert [each["suppressions"] for each in told.values()] == [[], []]
    assert told["TA306"]["properties"]["waived"] == 1


def test_github(known: Report, partly: Report) -> None:
    assert annotation(known).startswith("::notice ")
    assert annotation(partly).startswith("::error ")


def test_for_programs(known: Report, partly: Report) -> None:
    for report, waived in ((known, 2), (partly, 1)):
        row = finding(report)
        assert (str(row["count"]), str(row["waived"])) == ("2", str(waived))
        terms = row["waived_until"], row["waived_by"], row["waived_why"]
        assert terms == ("2099-12-31", "team-ecs", "backend ticket 1234")


def test_the_counts_are_told(known: Report) -> None:
    assert json.loads(render(known, Format.JSON, Language.EN))["counts"]["waived"] == {"TA306": 2}
    page = render(known, Format.HTML, Language.EN).replace("Findings", "findings")
    assert '<div class="is-waived"><dt>findings: waived</dt><dd>2</dd>' in page
    assert '<div class="is-zero"><dt>findings: error</dt><dd>0</dd>' in page


@pytest.mark.parametrize("form", Format)
def test_a_hostile_reason_does_no_harm(tmp_path: Path, form: Format) -> None:
    hostile = Policy(waivers=[Waiver("TA306", f"{HOSTILE}\x1b\n", HOSTILE, "2099-12-31")])
    text = render(reported(tmp_path, under(hostile, [refused(1)])), form, Language.EN)
    assert "\x1b" not in text
    if form in (Format.HTML, Format.JUNIT):
        assert "<img" not in text
    if form is Format.MARKDOWN:
        line = next(line for line in text.splitlines() if "TA306" in line and line.startswith("|"))
        assert " (`" in line
    if form is Format.GITHUB:
        assert not [line for line in text.splitlines() if line.startswith("::error")]
    if form is Format.SARIF:
        assert "](" not in json.loads(text)["runs"][0]["results"][0]["suppressions"][0]["justification"]
