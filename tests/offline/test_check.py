"""`check`: exit statuses, and lines of JSON as the contract says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Example, Rule, Step
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import Lifecycle, Thresholds
from taskaudit.offline.check import (
    CLEAN,
    FINDINGS,
    NOTHING_AUDITED,
    UNREADABLE,
    Check,
    Checked,
    Damaged,
    as_json,
)
from taskaudit.policy.policy import Override, Policy
from taskaudit.times import rfc3339
from tests.samples import AT, BAD_ERROR, ERROR, JOB, JOB_ID, OWN_HOST, auditor, exchange, outcome, waiver

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
    "job query": outcome('{"status": "INIT"}', method="GET", path="/v1/p/jobs/a"),
    "malformed": outcome("{}", method="GET", path="/v1/p/jobs/a", host=OWN_HOST),
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
        ("job query", {"role": "job_query", "kind": None, "job_id": "a", "well_formed": True}),
        ("malformed", {"role": "job_query", "kind": None, "job_id": "a", "well_formed": False}),
        ("aborted", {"kind": None, "unaudited": "aborted", "status": None}),
        ("unlisted", {"role": "submission", "route": None, "kind": "error"}),
        ("unreadable", {"kind": "unreadable", "well_formed": False}),
    ],
)
def test_other_lines(name: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= line(name).items()


# What the client did next: the examples of the rules, as captures.

OVER_TIME = [rule for rule in RULES.values() if rule.bad and not isinstance(rule.bad, Example)]
STANDS_ON = {
    "TA204": [1],
    "TA501": [0],
    "TA502": [0],
    "TA503": [0],
    "TA504": [5],
    "TA505": [3],
    "TA506": [0],
    "TA507": [1],
    "TA508": [1],
}
"""The steps of each rule's bad example that the finding stands on."""


def as_har(steps: Conversation, path: Path) -> None:
    """The conversation as a browser would save it."""
    entries = [
        {
            "startedDateTime": rfc3339(AT + step.at),
            "time": 20,
            "request": {
                "method": step.request.partition(" ")[0],
                "url": "https://ecs.example.com" + step.request.partition(" ")[2],
            },
            "response": {
                "status": step.status,
                "content": {"mimeType": "application/json", "text": step.body},
            },
        }
        for step in steps
    ]
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")


def as_flow_file(steps: Conversation, path: Path) -> None:
    """The conversation as mitmproxy would save it."""
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for step in steps:
            writer.add(_flow(step))


def _flow(step: Step) -> HTTPFlow:
    method, _, path = step.request.partition(" ")
    headers = Headers([(b"Content-Type", b"application/json"), (b"Host", b"ecs.example.com")])
    flow = tflow.tflow(
        req=tutils.treq(method=method.encode(), path=path.encode(), headers=headers, content=b""),
        resp=tutils.tresp(status_code=step.status, headers=headers, content=step.body.encode()),
    )
    flow.request.timestamp_start = AT + step.at
    flow.response.timestamp_start = flow.response.timestamp_end = AT + step.at + 0.02
    return flow


def findings_by_index(path: Path) -> list[tuple[int, str]]:
    """What `check` says, by the place in the capture."""
    items = [item for item in Check(auditor()).over([path]) if isinstance(item, Checked)]
    lines = [json.loads(as_json(item)) for item in items]
    return [(line["index"], found["rule"]) for line in lines for found in line["findings"]]


@pytest.mark.parametrize("save", [as_har, as_flow_file])
@pytest.mark.parametrize("rule", OVER_TIME, ids=lambda rule: rule.code)
def test_what_the_client_did_next(
    rule: Rule, save: Callable[[Conversation, Path], None], tmp_path: Path
) -> None:
    assert isinstance(rule.bad, tuple)
    assert isinstance(rule.good, tuple)
    save(rule.bad, tmp_path / "bad")
    save(rule.good, tmp_path / "good")
    save(rule.bad[::-1], tmp_path / "backwards")
    assert findings_by_index(tmp_path / "bad") == [(at, rule.code) for at in STANDS_ON[rule.code]]
    assert findings_by_index(tmp_path / "good") == []
    last = len(rule.bad) - 1
    assert findings_by_index(tmp_path / "backwards") == [
        (last - at, rule.code) for at in STANDS_ON[rule.code]
    ]


def test_submission_and_queries_in_different_captures(tmp_path: Path) -> None:
    steps = RULES["TA501"].good
    assert isinstance(steps, tuple)
    as_har(steps[:1], tmp_path / "b.har")
    as_flow_file(steps[1:], tmp_path / "a.flows")
    run = Check(auditor())
    items = list(run.over([tmp_path / "a.flows", tmp_path / "b.har"]))
    assert len(items) == 3
    assert run.totals.findings == {}
    assert run.exit_status(Severity.INFO) == CLEAN


def test_the_same_capture_twice_is_told_once(tmp_path: Path) -> None:
    steps = RULES["TA501"].bad
    assert isinstance(steps, tuple)
    as_flow_file(steps, tmp_path / "a")
    run = Check(auditor())
    items = list(run.over([tmp_path / "a", tmp_path / "a"]))
    rules = [[each.rule for each in item.outcome.findings] for item in items if isinstance(item, Checked)]
    assert sorted(rules) == [[], ["TA501"]]
    assert run.totals.findings == {"TA501": 1}


@pytest.mark.parametrize(
    ("code", "fail_on", "status"),
    [
        ("TA502", Severity.ERROR, FINDINGS),
        ("TA501", Severity.ERROR, CLEAN),
        ("TA501", Severity.WARNING, FINDINGS),
        ("TA506", Severity.INFO, FINDINGS),
    ],
)
def test_the_exit_status_counts_what_comes_next(
    code: str, fail_on: Severity, status: int, tmp_path: Path
) -> None:
    steps = RULES[code].bad
    assert isinstance(steps, tuple)
    as_har(steps, tmp_path / "a.har")
    run = Check(auditor())
    list(run.over([tmp_path / "a.har"]))
    assert run.exit_status(fail_on) == status


def test_a_finding_of_severity_error_on_a_later_step_makes_the_answer_ill_formed(tmp_path: Path) -> None:
    steps = RULES["TA204"].bad
    assert isinstance(steps, tuple)
    as_har(steps, tmp_path / "a.har")
    items = [item for item in Check(auditor()).over([tmp_path / "a.har"]) if isinstance(item, Checked)]
    formed = [json.loads(as_json(item))["well_formed"] for item in items]
    assert formed == [at != 1 for at in range(len(steps))]


def test_a_table_that_is_full_is_told(tmp_path: Path) -> None:
    steps = tuple(Step(n, "POST /v1/p/cloudservers", 200, f'{{"job_id": "j{n}"}}') for n in range(9))
    as_har(steps, tmp_path / "a.har")
    run = Check(auditor(), Lifecycle(Thresholds(table_size=4)))
    list(run.over([tmp_path / "a.har"]))
    assert (len(run.lifecycle), run.lifecycle.evicted) == (4, 5)


@pytest.mark.parametrize(
    ("policy", "fail_on", "status"),
    [
        (Policy(waivers=[waiver()]), Severity.INFO, CLEAN),
        (Policy(waivers=[waiver(pointer="/error/message")]), Severity.INFO, FINDINGS),
        (Policy(waivers=[waiver(until="2020-01-01")]).on("2026-01-01"), Severity.ERROR, FINDINGS),
        (Policy([Override("TA306", Severity.WARNING)]), Severity.ERROR, CLEAN),
        (Policy([Override("TA306", Severity.WARNING)]), Severity.WARNING, FINDINGS),
        (Policy([Override("TA306", None)]), Severity.INFO, CLEAN),
    ],
)
def test_what_is_waived_does_not_count_for_the_exit_status(
    captures: Path, policy: Policy, fail_on: Severity, status: int
) -> None:
    run = Check(auditor(policy=policy))
    list(run.over([captures / "bad", captures / "job"]))
    assert run.exit_status(fail_on) == status


def test_one_waived_finding_does_not_excuse_another(captures: Path) -> None:
    run = Check(auditor(policy=Policy(waivers=[waiver()])))
    list(run.over([captures / "bad", captures / "error-status"]))
    assert run.totals.severities[Severity.ERROR] == 2
    assert run.exit_status(Severity.ERROR) == FINDINGS


@pytest.mark.parametrize("code", ["TA501", "TA504", "TA507"])
def test_what_comes_next_is_judged_too(code: str, tmp_path: Path) -> None:
    steps = RULES[code].bad
    assert isinstance(steps, tuple)
    as_har(steps, tmp_path / "a.har")
    for policy, waived in (
        (Policy(waivers=[waiver(code, route="ecs:*")]), [True]),
        (Policy(waivers=[waiver(code, route="evs:*")]), [False]),
        (Policy([Override(code, None)]), []),
    ):
        run = Check(auditor(policy=policy))
        items = [item for item in run.over([tmp_path / "a.har"]) if isinstance(item, Checked)]
        found = [finding for item in items for finding in item.outcome.findings]
        assert [finding.waived is not None for finding in found] == waived
        assert run.totals.waived.total() == sum(waived)


def test_the_waiver_stands_in_the_line() -> None:
    judged = auditor(policy=Policy(waivers=[waiver()])).look(exchange(BAD_ERROR, 400))
    parsed = json.loads(as_json(Checked("a", 0, judged)))
    assert [finding["waiver"] for finding in parsed["findings"]] == [
        {"reason": "backend ticket 1234", "owner": "team-ecs", "until": "2099-12-31"}
    ]
    assert parsed["well_formed"] is False
    assert line("error")["findings"][0]["waiver"] is None
