"""Marks, comments and metadata on flows: what they say, what they leave alone, and that they last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import flowfilter, http
from mitmproxy.flow import Error
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import tflow
from mitmproxy.utils.emoji import emoji
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA506
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.exchange import Unaudited
from taskaudit.policy.policy import Known, Override, Policy, in_baseline
from taskaudit.proxy.annotate import (
    ERROR_MARK,
    FINDING_MARKS,
    JOB_MARK,
    KEY,
    QUERY_MARK,
    UNAUDITED_MARK,
    WAIVED_MARK,
    add,
    annotate,
    clear,
    findings_on,
    late_findings,
    noted,
)
from tests.pages import CODE, text_of
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID, OWN_HOST, auditor, exchange, outcome, waiver
from tests.stories import resource

ERROR_FOUND, WARNING_FOUND, INFO_FOUND = FINDING_MARKS.values()
(BAD,) = outcome(BAD_ERROR, 400).findings
WAIVES = Policy(waivers=[waiver("TA306")])
ALL_WAIVED = Policy(waivers=[waiver(code) for code in ("TA302", "TA306", "TA402")])
BASELINE = Policy(
    known=Known(in_baseline("may.json"), frozenset({outcome(BAD_ERROR, 400).where.fingerprint(BAD)}))
)
LOWERED = Policy([Override("TA306", Severity.INFO)])
TWO = '{"error": {"code": 400, "details": null}}'


def query(body: str, status: int = 200, asked: str = JOB_ID) -> Outcome:
    return outcome(body, status, method="GET", path=f"/v1/p/jobs/{asked}", host=OWN_HOST)


def late(rule: Rule, pointer: str = "") -> Finding:
    return Finding(rule.code, rule.name, rule.severity, pointer, "this", "that", "")


def a_flow(**facts: Any) -> http.HTTPFlow:
    flow = tflow.tflow(resp=True)
    for name, value in facts.items():
        setattr(flow, name, value)
    return flow


@pytest.mark.parametrize(
    ("found", "mark", "comment"),
    [
        (outcome(JOB), JOB_MARK, f"job {JOB_ID}"),
        (outcome(ERROR, 400), ERROR_MARK, "error Ecs.0001"),
        (outcome(BAD_ERROR, 400), ERROR_FOUND, "TA306 /error/code: Number 400"),
        (outcome(TWO, 400), ERROR_FOUND, "TA302 /error/message: missing (+2)"),
        (outcome(ERROR, 200), ERROR_FOUND, "TA104 status-disagrees"),
        (outcome('{"job_id": "a/b"}'), WARNING_FOUND, "TA203 /job_id: job-id-unsafe, job a/b"),
        (
            outcome('{"error": {"message": "", "code": "Ecs.0001"}}', 400),
            INFO_FOUND,
            "TA304 /error/message: error-message-empty",
        ),
        (
            outcome('{"error": {"message": "m", "code": "E.0001", "details": [{"code": 39}]}}', 400),
            ERROR_FOUND,
            "TA406 /error/details/0/code: Number 39",
        ),
        (outcome('{"error": {"message": "", "code": XXX，""}}', 400), ERROR_FOUND, "TA005 body-not-json"),
        (query(f'{{"job_id": "{JOB_ID}", "status": "RUNNING"}}'), QUERY_MARK, f"RUNNING, job {JOB_ID}"),
        (query('{"error": {"code": "E.1", "message": "m"}}', 404), QUERY_MARK, f"E.1, job {JOB_ID}"),
        (query("{}", 404), QUERY_MARK, f"no status, job {JOB_ID}"),
        (query('{"status": 1}'), ERROR_FOUND, f"TA508 /status: Number 1, job {JOB_ID}"),
        (outcome(None), UNAUDITED_MARK, "not audited: aborted"),
        (resource(0), QUERY_MARK, f"ACTIVE, resource of job {JOB_ID}"),
    ],
)
def test_mark_and_comment_say_the_verdict(found: Outcome, mark: str, comment: str) -> None:
    flow = a_flow()
    annotate(flow, found)
    assert (flow.marked, flow.comment) == (mark, comment)


@pytest.mark.parametrize(
    ("policy", "body", "mark", "comment"),
    [
        (WAIVES, BAD_ERROR, WAIVED_MARK, "TA306 /error/code: Number 400 (waived: team-ecs)"),
        (BASELINE, BAD_ERROR, WAIVED_MARK, "TA306 /error/code: Number 400 (waived: baseline)"),
        (WAIVES, TWO, ERROR_FOUND, "TA302 /error/message: missing (+1, 1 waived)"),
        (ALL_WAIVED, TWO, WAIVED_MARK, "TA302 /error/message: missing (waived: team-ecs, +2)"),
        (LOWERED, BAD_ERROR, INFO_FOUND, "TA306 /error/code: Number 400"),
    ],
)
def test_what_is_waived_is_marked_apart(policy: Policy, body: str, mark: str, comment: str) -> None:
    flow, found = a_flow(), auditor(policy=policy).look(exchange(body, 400))
    annotate(flow, found)
    assert (flow.marked, flow.comment) == (mark, comment)
    assert bool(flowfilter.parse("~marker :x:")(flow)) is (mark == ERROR_FOUND)
    noted = [(each.severity, each.waived is None) for each in findings_on(flow)]
    assert noted == [(each.severity, each.waived is None) for each in found.findings]


def test_a_new_finding_beside_a_waived_one_is_told() -> None:
    flow, policy = a_flow(), Policy(waivers=[waiver("TA203")])
    found = auditor(policy=policy).look(exchange('{"job_id": "a/b"}'))
    annotate(flow, found)
    assert flow.marked == WAIVED_MARK
    add(flow, found, late(TA506, "/job_id"))
    assert (flow.marked, flow.comment) == (INFO_FOUND, "TA506 job-left-unfinished (1 waived), job a/b")


@pytest.mark.parametrize(
    ("reason", "comment"),
    [
        ("Certificate verify failed: self-signed certificate", "the server's certificate is not trusted"),
        ("Connection killed.", "not audited: aborted"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_named(reason: str, comment: str) -> None:
    flow = a_flow(error=Error(reason))
    annotate(flow, outcome(None))
    assert (flow.marked, flow.comment) == (UNAUDITED_MARK, comment)
    annotate(flow, outcome(None, method="GET", path=f"/v1/p/jobs/{JOB_ID}"))
    assert flow.comment == f"{comment}, job {JOB_ID}"


def test_what_was_streamed_has_no_verdict() -> None:
    flow, seen = a_flow(), outcome("")
    assert seen.exchange.answer
    answer = structs.replace(seen.exchange.answer, missing=Missing.STREAMED)
    annotate(flow, auditor().look(structs.replace(seen.exchange, answer=answer)))
    assert (flow.marked, flow.comment) == (UNAUDITED_MARK, "not audited: streamed")
    assert [finding.rule for finding in findings_on(flow)] == ["TA003"]


def test_the_marks_can_be_told_apart() -> None:
    marks = [*FINDING_MARKS.values(), WAIVED_MARK, JOB_MARK, ERROR_MARK, QUERY_MARK, UNAUDITED_MARK]
    assert len({emoji[mark][0] for mark in marks}) == len(marks) == 8


def test_findings_stand_in_the_metadata() -> None:
    flow = a_flow()
    annotate(flow, outcome(TWO, 400))
    facts = noted(flow)
    assert (facts["kind"], facts["well_formed"], facts["count"]) == ("error", False, 3)
    assert [fact["rule"] for fact in facts["findings"]] == ["TA302", "TA306", "TA402"]
    assert facts["findings"][1] == {
        "rule": "TA306",
        "name": "error-code-not-string",
        "severity": "error",
        "pointer": "/error/code",
        "expected": "String",
        "found": "Number 400",
        "line": 1,
        "column": 20,
        "fingerprint": facts["findings"][1]["fingerprint"],
        "waiver": None,
    }
    assert json.loads(json.dumps(flow.metadata)) == flow.metadata


@pytest.mark.parametrize(
    ("marked", "comment"), [(":grapes:", ""), ("", "mine"), (":grapes:", "mine"), ("", "see TA: 1")]
)
def test_what_a_user_wrote_stays(marked: str, comment: str) -> None:
    flow = a_flow(marked=marked, comment=comment)
    annotate(flow, outcome(BAD_ERROR, 400))
    add(flow, outcome(BAD_ERROR, 400), late(TA204))
    annotate(flow, outcome(JOB))
    assert flow.marked == (marked or JOB_MARK)
    assert flow.comment == (comment or f"job {JOB_ID}")
    clear(flow)
    assert (flow.marked, flow.comment, KEY in flow.metadata) == (marked, comment, False)


def test_what_a_user_has_changed_is_the_users() -> None:
    flow = a_flow()
    annotate(flow, outcome(BAD_ERROR, 400))
    flow.marked, flow.comment = ":grapes:", flow.comment + ", told Ann"
    kept = flow.marked, flow.comment
    add(flow, outcome(BAD_ERROR, 400), late(TA204))
    annotate(flow, outcome(JOB))
    clear(flow)
    assert (flow.marked, flow.comment) == kept


def test_what_a_user_has_taken_away_comes_back_only_where_the_flow_is_audited_again() -> None:
    flow = a_flow()
    annotate(flow, outcome(JOB))
    flow.marked = flow.comment = ""
    add(flow, outcome(JOB), late(TA501))
    assert (flow.marked, flow.comment) == ("", "")
    annotate(flow, outcome(JOB))
    assert (flow.marked, flow.comment) == (JOB_MARK, f"job {JOB_ID}")


def test_ours_are_cleared_and_nothing_else() -> None:
    flow = a_flow()
    flow.metadata["other"] = 1
    annotate(flow, outcome(JOB))
    clear(flow)
    assert (flow.marked, flow.comment, flow.metadata) == ("", "", {"other": 1})


@pytest.mark.parametrize("comment", ["job gone", "TA306 /error/code: Number 400"])
def test_a_comment_is_ours_only_where_our_facts_stand_beside_it(comment: str) -> None:
    flow = a_flow(comment=comment)
    annotate(flow, outcome(JOB))
    clear(flow)
    assert flow.comment == comment


def test_a_late_finding_is_added() -> None:
    flow = a_flow()
    annotate(flow, outcome(JOB))
    add(flow, outcome(JOB), late(TA506, "/job_id"))
    assert (flow.marked, flow.comment) == (INFO_FOUND, f"TA506 job-left-unfinished, job {JOB_ID}")
    add(flow, outcome(JOB), late(TA501, "/job_id"))
    add(flow, outcome(JOB), late(TA501, "/job_id"))
    assert (flow.marked, flow.comment) == (WARNING_FOUND, f"TA501 job-never-queried (+1), job {JOB_ID}")
    assert noted(flow)["well_formed"]
    add(flow, outcome(JOB), late(TA204, "/job_id"))
    assert (flow.marked, flow.comment) == (ERROR_FOUND, f"TA204 job-id-reused (+2), job {JOB_ID}")
    assert not noted(flow)["well_formed"]
    assert [finding.rule for finding in findings_on(flow)] == ["TA506", "TA501", "TA204"]


def test_a_late_finding_on_an_unaudited_flow_is_told() -> None:
    flow, aborted = a_flow(), outcome(None, method="GET", path="/v1/p/jobs/None")
    annotate(flow, aborted)
    add(flow, aborted, late(TA502))
    assert flow.comment == "TA502 job-query-placeholder, job None"


def test_a_late_finding_on_another_exchange_is_not_for_this_flow() -> None:
    flow = a_flow()
    annotate(flow, outcome(JOB))
    before = flow.get_state()
    add(flow, outcome(ERROR, 400), late(TA501))
    assert flow.get_state() == before
    assert late_findings(flow, outcome(ERROR, 400).exchange.exchange_id) == ()


def test_late_findings_are_told_from_those_of_the_answer() -> None:
    flow, found = a_flow(), outcome(BAD_ERROR, 400)
    annotate(flow, found)
    add(flow, found, late(TA204))
    assert [finding.rule for finding in late_findings(flow, found.exchange.exchange_id)] == ["TA204"]


@pytest.mark.parametrize(
    "body",
    [
        '{"job_id": "\\u001b[31m\\u202e%s"}' % ("x" * 5000),
        '{"job_id": "ok", "a\\ud800": 1}',
        '{"error": {"message": 1, "code": "%s"}}' % ("E" * 5000),
        '{"error": {"message": "m", "code": "\\u202eE.0001"}}',
    ],
)
def test_hostile_text_is_harmless_and_short(body: str, tmp_path: Path) -> None:
    flow = a_flow()
    annotate(flow, outcome(body))
    assert flow.comment.isprintable()
    assert len(flow.comment) < 200
    assert json.dumps(flow.metadata, ensure_ascii=False).isprintable()
    assert len(json.dumps(flow.metadata)) < 3000
    assert next(through_a_file([flow], tmp_path)).comment == flow.comment


def test_a_thousand_findings_are_counted_not_listed() -> None:
    flow = a_flow()
    details = ", ".join(["null"] * 1000)
    annotate(flow, outcome(f'{{"error": {{"message": "m", "code": 1, "details": [{details}]}}}}', 400))
    assert flow.comment == "TA306 /error/code: Number 1 (+1000)"
    assert len(noted(flow)["findings"]) == 100


def through_a_file(flows: list[http.HTTPFlow], tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "flows.mitm"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in flows:
            writer.add(flow)
    with path.open("rb") as file:
        yield from FlowReader(file).stream()


def test_annotations_survive_a_flow_file(tmp_path: Path) -> None:
    flow = a_flow()
    annotate(flow, outcome(TWO, 400))
    (back,) = through_a_file([flow], tmp_path)
    assert (back.marked, back.comment, back.metadata) == (flow.marked, flow.comment, flow.metadata)
    annotate(back, outcome(JOB))
    assert (back.marked, back.comment) == (JOB_MARK, f"job {JOB_ID}")


PAGES = ("README.md", "README.zh-CN.md", "docs/testing.md", "docs/zh/testing.md")
IN_READMES = frozenset({"~comment TA306", "~marker :x:", "~meta error-code-not-string"})
FILTERS = {
    **dict.fromkeys(IN_READMES, outcome(BAD_ERROR, 400)),
    '~comment "TA[0-9]"': outcome(BAD_ERROR, 400),
    "~marker :zzz:": auditor(policy=WAIVES).look(exchange(BAD_ERROR, 400)),
    "~u 70a599e0": query('{"status": "RUNNING"}'),
    "~comment 70a599e0": outcome(JOB),
}
"""Those that are told, each with what it finds."""


@pytest.mark.parametrize("page", PAGES)
def test_the_filters_below_are_those_that_are_told(page: str) -> None:
    told = {code for code in CODE.findall(text_of(page)) if code.startswith("~") and "/" not in code}
    assert told - {"~meta"} == (FILTERS.keys() if "testing" in page else IN_READMES)


@pytest.mark.parametrize("wanted", FILTERS)
def test_filters_find_them(wanted: str) -> None:
    flow, clean, found = a_flow(), a_flow(), FILTERS[wanted]
    flow.request.path = found.exchange.path or ""
    annotate(flow, found)
    annotate(clean, outcome(ERROR, 400))
    matches = flowfilter.parse(wanted)
    assert (bool(matches(flow)), bool(matches(clean))) == (True, False)


def test_a_flow_read_back_keeps_what_was_seen_of_a_streamed_body() -> None:
    flow, seen = a_flow(), outcome(JOB)
    annotate(flow, seen)
    annotate(flow, structs.replace(seen, verdict=None, unaudited=Unaudited.STREAMED))
    assert flow.comment == f"job {JOB_ID}"


@pytest.mark.parametrize(
    "facts",
    [
        "text",
        [],
        {"findings": 1},
        {"findings": [1, {"rule": []}, {"rule": "TA999", "pointer": "", "expected": "", "found": ""}]},
    ],
)
def test_facts_from_a_file_that_somebody_else_wrote_do_no_harm(facts: object) -> None:
    flow = a_flow()
    flow.metadata[KEY] = facts
    assert findings_on(flow) == ()
    if isinstance(facts, dict):
        whole = {"exchange_id": "x", "well_formed": True, "count": 1, "mark": "", "comment": ""}
        flow.metadata[KEY] = {"findings": [], **whole, **facts}
        assert findings_on(flow) == ()
    annotate(flow, outcome(JOB))
    assert flow.comment == f"job {JOB_ID}"
