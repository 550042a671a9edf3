"""JUnit XML, read by a parser of it: what passed, failed and was not audited."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import junitparser
import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language
from taskaudit.reports.junit import APPLY, THE_AUDIT, as_junit
from taskaudit.reports.model import Report
from tests.reports.runs import RUN, aborted, hostile, refused, report_on, reported
from tests.samples import BAD_ERROR, JOB
from tests.stories import ask, submit

CREATE = "POST ecs:CreateServers"

type Cases = dict[str, tuple[str, junitparser.TestCase]]


def suites_of(report: Report, language: Language = Language.EN) -> dict[str, Cases]:
    """The cases by suite and name, each with what became of it: passed, or the tag of its result."""
    xml = junitparser.JUnitXml.fromstring(as_junit(report, language).encode())
    read: dict[str, Cases] = {}
    for suite in xml:
        cases = [(case.name, case) for case in suite]
        assert len(dict(cases)) == len(cases), "names are unique"
        read[suite.name] = {name: (_result(case), case) for name, case in cases}
    return read


def _result(case: junitparser.TestCase) -> str:
    return case.result[0]._tag if case.result else "passed"


def results(cases: Cases) -> Counter[str]:
    return Counter(result for result, _ in cases.values())


def test_it_looks_like_this(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """But for the cases that passed, of which there are many alike."""
    root = ElementTree.fromstring(
        as_junit(reported(tmp_path, RUN), Language.EN).replace(str(tmp_path), "FOLDER")
    )
    for suite in root:
        for case in suite.findall("testcase"):
            if not len(case):
                suite.remove(case)
    ElementTree.indent(root)
    assert ElementTree.tostring(root, "unicode") == snapshot


def test_every_rule_that_applies_is_a_case(tmp_path: Path) -> None:
    suites = suites_of(reported(tmp_path, RUN))
    assert list(suites) == [THE_AUDIT, "POST /v9/things", CREATE, "GET ecs:ShowJob"]
    for name, role in ((CREATE, Role.SUBMISSION), ("GET ecs:ShowJob", Role.JOB_QUERY)):
        codes = [each.split()[0] for each in suites[name] if each.startswith("TA")]
        assert codes == sorted(APPLY[role])
    assert {*APPLY[Role.SUBMISSION], *APPLY[Role.JOB_QUERY], "TA901", "TA902"} == set(RULES)


def test_what_was_broken_fails_and_the_rest_passes(tmp_path: Path) -> None:
    cases = suites_of(reported(tmp_path, RUN))[CREATE]
    failed = {name: case.result[0].type for name, (result, case) in cases.items() if result == "failure"}
    assert failed == {
        "TA003 body-not-seen": "warning",
        "TA306 error-code-not-string": "error",
        "TA501 job-never-queried": "warning",
    }
    _, case = cases["TA306 error-code-not-string"]
    assert case.result[0].message == "expected String, found Number 400 (2 times)"
    assert "POST ecs.example.com/v1/0123/cloudservers HTTP 400" in case.result[0].text
    result, case = cases["TA304 error-message-empty"]
    assert result == "passed"
    assert 'found String ""' in case.system_out


def test_what_was_not_audited_is_skipped(tmp_path: Path) -> None:
    cases = suites_of(reported(tmp_path, RUN))[CREATE]
    skipped = {name: case.result[0].message for name, (result, case) in cases.items() if result == "skipped"}
    assert skipped == {
        "unaudited: aborted": "without a verdict: 1 (aborted)",
        "unaudited: streamed": "without a verdict: 1 (streamed)",
    }


def test_an_operation_of_which_nothing_was_audited_passes_nothing(tmp_path: Path) -> None:
    cases = suites_of(reported(tmp_path, [aborted(1), aborted(2)]))[CREATE]
    assert results(cases) == {"skipped": len(APPLY[Role.SUBMISSION]) + 1}
    assert cases["unaudited: aborted"][1].result[0].message == "without a verdict: 2 (aborted)"


def test_an_answer_without_a_request_has_no_rules_on_what_came_next(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(BAD_ERROR, encoding="utf-8")
    (tmp_path / "b.json").write_text(JOB, encoding="utf-8")
    suites = suites_of(report_on(tmp_path))
    codes = {name.split()[0] for name in suites["answers without a request"]}
    assert codes == set(APPLY[Role.SUBMISSION]) - {"TA204", "TA501", "TA506", "TA507"}


def test_the_suite_of_the_audit_itself(tmp_path: Path) -> None:
    cases = suites_of(reported(tmp_path, [submit(1), ask(2, "SUCCESS")]))[THE_AUDIT]
    assert results(cases) == {"passed": 4}
    assert "seen 2 = other 0 + audited 2 + unaudited 0" in cases["coverage"][1].system_out


def test_lost_records_and_damage_do_not_pass(tmp_path: Path) -> None:
    report = reported(tmp_path, [refused(1)])
    lost = replace(report, coverage=replace(report.coverage, missing=3), damaged=("a: b", "c: d"))
    cases = suites_of(lost)[THE_AUDIT]
    assert results(cases) == {"passed": 2, "failure": 1, "error": 1}
    assert cases["TA902 records-lost"][1].result[0].message == "3 records lost, or not in these logs"
    assert cases["input can be read"][1].result[0].text == "a: b\nc: d"
    assert "3 records LOST" in cases["coverage"][1].system_out


def test_nothing_audited_is_no_pass(tmp_path: Path) -> None:
    assert results(suites_of(reported(tmp_path, []))[THE_AUDIT])["skipped"] == 1


@pytest.mark.parametrize("outcomes", [RUN, hostile(), [aborted(1)], []])
def test_the_sums_are_those_of_the_cases(tmp_path: Path, outcomes: list[Outcome]) -> None:
    text = as_junit(reported(tmp_path, outcomes), Language.ZH)
    root = ElementTree.fromstring(text)
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped", "tests": ""}
    for name, tag in tags.items():
        counts = [len(suite.findall(f"testcase/{tag}" if tag else "testcase")) for suite in root]
        assert [int(suite.get(name, "")) for suite in root] == counts
        assert int(root.get(name, "")) == sum(counts)


def test_no_character_that_xml_forbids(tmp_path: Path) -> None:
    wild = "".join(map(chr, (*range(32), 0x7F, 0x85, 0xD800, 0xFFFE, 0xFFFF, 0x1F600)))
    report = reported(tmp_path, [refused(1, path=f"/v9/{wild}", host=wild, request_id=wild)])
    text = as_junit(replace(report, damaged=(wild,)), Language.EN)
    assert ElementTree.fromstring(text.encode("utf-8")).tag == "testsuites"
    assert "\U0001f600" in text
