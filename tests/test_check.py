"""`check`: exit statuses, and lines of JSON as the contract says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskaudit.check import CLEAN, FINDINGS, NOTHING_AUDITED, UNREADABLE, Check, Checked, Damaged, as_json
from taskaudit.contract.verdict import Severity
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID, auditor, outcome

GET = '{"request": {"method": "GET", "url": "http://a/b"}, "response": {"status": 200, "content": {}}}'
HAR = f'{{"log": {{"version": "1.2", "entries": [{GET}, %s]}}}}'
CONTENTS = {
    "job": JOB,
    "error": ERROR,
    "error-status": f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{ERROR}",
    "bad": BAD_ERROR,
    "warning": '{"job_id": "a b"}',
    "info": '{"error": {"message": "", "code": "Ecs.0001"}}',
    "none": f'{{"log": {{"version": "1.2", "entries": [{GET}]}}}}',
    "damaged": HAR % '{"request": 1}',
    "cut": '{"log": {"version": "1.2", "entries": [',
}


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """A folder with one capture of each kind."""
    for name, content in CONTENTS.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "fail_on", "status"),
    [
        (["job"], Severity.INFO, CLEAN),
        (["error"], Severity.INFO, CLEAN),
        (["bad"], Severity.ERROR, FINDINGS),
        (["job", "bad", "job"], Severity.ERROR, FINDINGS),
        (["error-status"], Severity.ERROR, FINDINGS),
        (["warning"], Severity.ERROR, CLEAN),
        (["warning"], Severity.WARNING, FINDINGS),
        (["warning"], Severity.INFO, FINDINGS),
        (["info"], Severity.WARNING, CLEAN),
        (["info"], Severity.INFO, FINDINGS),
        (["none"], Severity.ERROR, NOTHING_AUDITED),
        (["none", "job"], Severity.ERROR, CLEAN),
        (["damaged"], Severity.ERROR, UNREADABLE),
        (["cut"], Severity.ERROR, UNREADABLE),
        (["missing"], Severity.ERROR, UNREADABLE),
        (["bad", "damaged"], Severity.ERROR, UNREADABLE),
        (["missing", "job"], Severity.ERROR, UNREADABLE),
        ([], Severity.ERROR, NOTHING_AUDITED),
    ],
)
def test_the_exit_status(captures: Path, names: list[str], fail_on: Severity, status: int) -> None:
    run = Check(auditor())
    list(run.over(captures / name for name in names))
    assert run.exit_status(fail_on) == status


def test_what_lies_behind_the_damage_is_still_told(captures: Path) -> None:
    run = Check(auditor())
    items = list(run.over([captures / "missing", captures / "damaged", captures / "bad"]))
    assert [type(item) for item in items] == [Damaged, Damaged, Checked]
    assert run.damaged == 2
    assert run.totals.seen == run.totals.other + run.totals.audited == 2


def test_the_index_counts_what_is_not_printed(tmp_path: Path) -> None:
    post = GET.replace("GET", "POST").replace('"content": {}', f'"content": {{"text": {json.dumps(JOB)}}}')
    (tmp_path / "a.har").write_text(HAR % post, encoding="utf-8")
    (item,) = Check(auditor()).over([tmp_path])
    assert isinstance(item, Checked)
    assert (item.index, item.source) == (1, str(tmp_path / "a.har"))


def test_each_byte_that_is_read_is_told(captures: Path) -> None:
    told: list[int] = []
    list(Check(auditor()).over([captures / "none"], told.append))
    assert sum(told) == len(CONTENTS["none"])


# Contract, section 5: names and types.
LINE: dict[str, type | tuple[type, ...]] = {
    "source": str,
    "index": int,
    "role": str,
    "kind": (str, type(None)),
    "job_id": (str, type(None)),
    "well_formed": bool,
    "method": (str, type(None)),
    "host": (str, type(None)),
    "path": (str, type(None)),
    "route": (str, type(None)),
    "status": (int, type(None)),
    "findings": list,
}
FINDING: dict[str, type | tuple[type, ...]] = {
    "rule": str,
    "name": str,
    "severity": str,
    "pointer": str,
    "expected": str,
    "found": str,
    "line": (int, type(None)),
    "column": (int, type(None)),
}
OUTCOMES = {
    "job": outcome(),
    "error": outcome(BAD_ERROR, 400),
    "bare": outcome(JOB, None, method=None, host=None, path=None),
    "job query": outcome(JOB, method="GET", path="/v1/p/jobs/a"),
    "aborted": outcome(None),
    "unlisted": outcome(BAD_ERROR, 400, path="/x"),
    "unreadable": outcome(b"\xff"),
}


def line(name: str) -> dict[str, Any]:
    text = as_json(Checked("capture.har", 3, OUTCOMES[name]))
    assert text.isascii()
    assert "\n" not in text
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@pytest.mark.parametrize("name", OUTCOMES)
def test_members_and_types(name: str) -> None:
    parsed = line(name)
    assert list(parsed)[: len(LINE)] == list(LINE)
    assert all(isinstance(parsed[member], kinds) for member, kinds in LINE.items())
    for finding in parsed["findings"]:
        assert list(finding)[: len(FINDING)] == list(FINDING)
        assert all(isinstance(finding[member], kinds) for member, kinds in FINDING.items())


def test_the_example_of_the_contract() -> None:
    parsed = line("error")
    assert {member: parsed[member] for member in LINE if member not in ("route", "findings", "path")} == {
        "source": "capture.har",
        "index": 3,
        "role": "submission",
        "kind": "error",
        "job_id": None,
        "well_formed": False,
        "method": "POST",
        "host": "ecs.example.com",
        "status": 400,
    }
    assert {member: parsed["findings"][0][member] for member in FINDING} == {
        "rule": "TA306",
        "name": "error-code-not-string",
        "severity": "error",
        "pointer": "/error/code",
        "expected": "String",
        "found": "Number 400",
        "line": 1,
        "column": 38,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("job", {"kind": "job", "job_id": JOB_ID, "well_formed": True, "unaudited": None}),
        ("bare", {"kind": "job", "method": None, "host": None, "path": None, "status": None}),
        ("job query", {"role": "job_query", "kind": None, "job_id": "a"}),
        ("aborted", {"kind": None, "unaudited": "aborted", "status": None}),
        ("unlisted", {"role": "submission", "route": None, "kind": "error"}),
        ("unreadable", {"kind": "unreadable", "well_formed": False}),
    ],
)
def test_other_lines(name: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= line(name).items()
