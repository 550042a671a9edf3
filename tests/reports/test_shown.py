"""What all reports show in the same words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language
from taskaudit.reports.model import Report
from taskaudit.reports.shown import (
    about,
    clock,
    difference,
    is_placed,
    notes,
    request_line,
    rule_named,
    severity_of,
    source_of,
    times,
    uri_of,
    when,
    why,
    worst_first,
)
from tests.reports.runs import RUN, refused, report_on, reported
from tests.samples import BAD_ERROR, JOB_ID
from tests.stories import ask, submit, write_log

EPOCH = "1970-01-01T00:00:00.000000Z"


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return reported(tmp_path, RUN)


@pytest.mark.parametrize(
    ("at", "time", "shown"),
    [
        ("2026-09-21T14:13:20.250000Z", "2026-09-21T14:13:20.250000Z", "2026-09-21 14:13:20"),
        (EPOCH, None, ""),
        (None, None, ""),
    ],
)
def test_a_time_that_is_not_known_is_not_shown(at: str | None, time: str | None, shown: str) -> None:
    assert (when(at), clock(at)) == (time, shown)


@pytest.mark.parametrize(
    ("rule", "told"),
    [("TA005", "the answer as a whole"), ("TA502", "the request"), ("TA507", "the request")],
)
def test_what_a_finding_without_a_pointer_is_about(report: Report, rule: str, told: str) -> None:
    assert about(replace(report.findings[0], rule=rule), Language.EN) == told


@pytest.mark.parametrize(
    ("pointer", "line", "column", "expected"),
    [("", 1, 1, False), ("", 1, 35, True), ("", 2, 1, True), ("/a", 1, 1, True), ("/a", None, None, False)],
)
def test_where_an_answer_begins_is_no_place(
    report: Report, pointer: str, line: int | None, column: int | None, expected: bool
) -> None:
    example = replace(report.findings[0].example, pointer=pointer, line=line, column=column)
    assert is_placed(example) is expected


def test_a_whole_audit_needs_no_notes(tmp_path: Path) -> None:
    assert notes(reported(tmp_path, [submit(1), ask(2, "SUCCESS")]), Language.EN) == ()


def test_notes_are_in_the_language_asked_for(report: Report) -> None:
    told = replace(report, unlisted=3, repeated=2)
    english, chinese = notes(told, Language.EN), notes(told, Language.ZH)
    assert len(english) == len(chinese) == 3
    assert all(text.isascii() for text in english)
    assert not any(text.isascii() for text in chinese)


def test_where_an_example_stands(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [refused(1)])
    capture = tmp_path / "answer.json"
    capture.write_text(BAD_ERROR, encoding="utf-8")
    one, both = report_on(log), report_on(log, capture)
    assert [source_of(one, each.example) for each in one.findings] == [str(log)]
    assert {source_of(both, each.example) for each in both.findings} == {str(capture), None}
    stdin = replace(one, sources=("standard input",))
    assert source_of(stdin, one.findings[0].example) is None


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("captures/a.har", "captures/a.har"),
        ("/tmp/a b#?.har", "file:///tmp/a%20b%23%3F.har"),
        ("a:b.har", "a%3Ab.har"),
        ("../名.har", "../%E5%90%8D.har"),
        ("a\\b.har", "a/b.har"),
        ("C:\\captures\\a b.har", "file:///C:/captures/a%20b.har"),
    ],
)
def test_a_file_as_a_uri(path: str, uri: str) -> None:
    assert uri_of(path) == uri


def test_a_rule_of_a_later_version_is_shown_as_one_of_the_worst() -> None:
    assert rule_named("TA306") == "TA306 error-code-not-string"
    assert (rule_named("TA999"), why("TA999", Language.EN), severity_of("TA999")) == (
        "TA999",
        "",
        Severity.ERROR,
    )
    assert why("TA306", Language.EN) == RULES["TA306"].why.en


def test_the_worst_jobs_come_first(tmp_path: Path) -> None:
    run = [
        submit(1, "fine"),
        ask(2, "SUCCESS", "fine"),
        submit(3, "failed"),
        ask(4, "FAIL", "failed"),
        submit(5, "forgotten"),
        submit(6, "twice"),
        submit(7, "twice"),
        ask(8, "SUCCESS", "twice"),
    ]
    jobs = worst_first(reported(tmp_path, run))
    assert [job.job_id for job in jobs] == ["twice", "forgotten", "failed", "fine"]


def test_an_example_in_words(report: Report) -> None:
    (found,) = (each for each in report.findings if each.rule == "TA304")
    assert request_line(found.example) == "POST ecs.example.com/v1/0123/cloudservers"
    assert difference(found.example, Language.EN) == 'expected a text for the user, found String ""'
    assert difference(found.example, Language.ZH).startswith("期望 ")
    assert request_line(report.jobs[0]) == "POST ecs.example.com/v1/0123/cloudservers"
    assert report.jobs[0].job_id == JOB_ID


def test_how_often() -> None:
    assert [times(count, Language.EN) for count in (1, 2)] == ["once", "2 times"]
    assert times(2, Language.ZH) == "2 次"
