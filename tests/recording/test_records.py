"""What is recorded, in which shape; and what never is."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from mitmproxy.http import Headers
from mitmproxy.test import tflow, tutils
from msgspec import to_builtins

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Severity
from taskaudit.exchange import Unaudited
from taskaudit.following import follow
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.log.record import Fault, Record, Session, as_line
from taskaudit.policy.policy import Override, Policy
from taskaudit.recording.records import (
    Stamp,
    finding_record,
    overrides_in_force,
    records_of,
    rules_in_force,
    stats_of,
    waiver_in_force,
)
from taskaudit.sources.flow import exchange_of
from taskaudit.totals import Totals
from tests.record_schema import HEADER, OF_EXCHANGE, json_schema
from tests.samples import (
    AT,
    BAD_ERROR,
    ERROR,
    JOB,
    JOB_ID,
    OWN_HOST,
    answer,
    auditor,
    exchange,
    outcome,
    waiver,
)

STAMP = Stamp(instance_id="proxy-1", session_id="5e55")
SCHEMA = jsonschema_rs.Draft202012Validator(json_schema())
CANARY = "zq7Canary9xw"


def written(outcome: Outcome, seq: int = 0, stamp: Stamp = STAMP) -> list[dict[str, Any]]:
    """The records as they come back from the log."""
    records = [json.loads(as_line(record)) for record in records_of(outcome, stamp, seq)]
    for record in records:
        SCHEMA.validate(record)
    return records


def test_a_submission() -> None:
    (record,) = written(outcome(), seq=7)
    assert list(record) == [*OF_EXCHANGE, "submission"]
    assert record["submission"] == {
        "kind": "job",
        "well_formed": True,
        "job_id": JOB_ID,
        "code": None,
        "message": None,
        "rules": [],
        "repeat_key": None,
        "has_query_route": True,
    }
    assert record["timestamp"] == "2026-09-21T14:13:20.250000Z"
    assert (record["event_type"], record["schema_version"], record["seq"]) == ("submission", 2, 7)
    assert (record["instance_id"], record["session_id"]) == ("proxy-1", "5e55")
    assert (record["flow_id"], record["request_id"], record["client"]) == ("flow-1", "req-1", "192.0.2.7")
    assert record["http"] == {
        "method": "POST",
        "host": "ecs.example.com",
        "path": "/v1/0123/cloudservers",
        "route": record["http"]["route"],
        "status": 200,
    }
    assert record["http"]["route"].startswith("ecs:")


def test_a_finding_follows_its_submission() -> None:
    submission, finding = written(outcome(BAD_ERROR, 400), seq=3)
    assert submission["submission"]["rules"] == ["TA306"]
    assert (submission["submission"]["code"], submission["submission"]["message"]) == (None, "bad")
    assert list(finding) == [*OF_EXCHANGE, "finding"]
    assert finding["finding"] | {"fingerprint": ""} == {
        "rule": "TA306",
        "name": "error-code-not-string",
        "severity": "error",
        "pointer": "/error/code",
        "expected": "String",
        "found": "Number 400",
        "line": 1,
        "column": 38,
        "fingerprint": "",
        "waiver": None,
    }
    assert (submission["seq"], finding["seq"]) == (3, 4)
    assert submission["record_id"] != finding["record_id"]
    assert submission["exchange_id"] == finding["exchange_id"]


def test_what_was_not_audited() -> None:
    (record,) = written(outcome(None))
    assert list(record) == [*OF_EXCHANGE, "unaudited"]
    assert record["unaudited"] == {
        "reason": "aborted",
        "role": "submission",
        "job_id": None,
        "matched_by": None,
        "repeat_key": None,
    }
    assert record["http"]["status"] is None


def test_what_was_too_large_is_not_audited_and_a_finding() -> None:
    unaudited, finding = written(outcome("x" * 1_100_000))
    assert unaudited["unaudited"]["reason"] == "too_large"
    assert finding["finding"]["rule"] == "TA003"


SUB_JOB_BODY = {"job_id": "s-1", "job_type": "createServer", "error_code": "Ecs.0219"}
SUB_JOB = {**SUB_JOB_BODY, "status": "FAIL", "fail_reason": "sold\x1bout", "entities": {}}
QUERY = {"method": "GET", "path": "/v1/p/jobs/8ab1", "host": OWN_HOST}


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"job_id": "8ab1", "status": "RUNNING"}, 200, {"status": "RUNNING"}),
        ({"status": "success"}, 200, {"status": "success", "is_final": True}),
        (
            {"status": "FAIL", "error_code": "Ecs.0019", "fail_reason": "sold\x1bout"},
            200,
            {
                "status": "FAIL",
                "is_final": True,
                "error_code": "Ecs.0019",
                "fail_reason": r"sold\u001bout",
            },
        ),
        (
            {"status": "INIT", "entities": {"sub_jobs": [{"status": "INIT"}, {"status": "INIT"}]}},
            200,
            {"status": "INIT", "sub_jobs": {"INIT": 2}},
        ),
        (
            {"status": "FAIL", "fail_reason": "", "sub_jobs": [SUB_JOB]},
            200,
            {
                **{"status": "FAIL", "is_final": True, "sub_jobs": {"FAIL": 1}},
                **{"sub_job": {**SUB_JOB_BODY, "fail_reason": r"sold\u001bout"}, "sub_job_ids": ["s-1"]},
            },
        ),
        (
            {"error": {"code": "Common.0011", "message": "no such job"}},
            404,
            {"error_code": "Common.0011", "fail_reason": "no such job"},
        ),
        ({"code": "c", "message": "m" * 300}, 500, {"error_code": "c", "fail_reason": "m" * 199 + "…"}),
        ({"status": 7}, 200, {"rules": ["TA508"]}),
        ({"job_id": "other", "status": "SUCCESS"}, 200, {"rules": ["TA508"]}),
    ],
)
def test_a_job_query(body: dict[str, Any], status: int, expected: dict[str, Any]) -> None:
    record, *findings = written(outcome(json.dumps(body), status, **QUERY), seq=7)
    assert list(record) == [*OF_EXCHANGE, "job_query"]
    nothing: dict[str, Any] = {"status": None, "is_final": False, "error_code": None, "fail_reason": None}
    nothing |= {"matched_by": "route", "sub_jobs": {}, "sub_job": None, "sub_job_ids": [], "rules": []}
    assert record["job_query"] == {"job_id": "8ab1", **nothing, **expected}
    assert (record["event_type"], record["seq"], record["http"]["status"]) == ("job_query", 7, status)
    assert [each["finding"]["rule"] for each in findings] == record["job_query"]["rules"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"answer": None}, {"reason": "aborted"}),
        ({"answer": answer(b"", missing=Missing.STREAMED)}, {"reason": "streamed"}),
    ],
)
def test_a_job_query_that_was_not_audited(facts: dict[str, Any], expected: dict[str, str]) -> None:
    (record,) = written(outcome(**QUERY, **facts))
    assert record["unaudited"] == {
        **{"role": "job_query", "job_id": "8ab1", "matched_by": "route", "repeat_key": None},
        **expected,
    }


def test_the_repeat_key_of_a_submission() -> None:
    keys = [
        written(outcome(body, request_digest="d" * 32, client=client))[0]
        for body in (JOB, ERROR, None)
        for client in ("192.0.2.7", "192.0.2.8")
    ]
    told = [(r.get("submission") or r["unaudited"])["repeat_key"] for r in keys]
    assert told[:2] * 3 == told
    assert told[0] != told[1]


def test_a_finding_that_comes_up_later_is_recorded_without_the_bodies() -> None:
    whole = outcome(request_digest="d" * 32)
    (finding,) = (late.finding for late in _never_queried(whole))
    records = [finding_record(each, finding, STAMP, 3) for each in (whole, whole.without_bodies())]
    assert records[0] == records[1]
    assert records[0].timestamp == written(whole)[0]["timestamp"]
    assert (records[0].finding.rule, records[0].finding.line) == ("TA501", None)


def _never_queried(submission: Outcome) -> list[Late[Outcome]]:
    life = Lifecycle[Outcome]()
    return [*follow(life, submission, submission), *life.finish()]


def test_a_bare_body_has_no_request() -> None:
    (record,) = written(
        outcome(JOB, None, method=None, host=None, path=None, flow_id=None, started=None, ended=None)
    )
    assert set(record["http"].values()) == {None}
    assert record["timestamp"] == "1970-01-01T00:00:00.000000Z"


def test_session_stats_and_fault() -> None:
    totals = Totals()
    for each in (outcome(), outcome(None), outcome("{}", path="/x"), outcome(BAD_ERROR, 400)):
        totals.add(each)
    header = {"timestamp": "t", "record_id": "r", "instance_id": "i", "session_id": "s"}
    stats = stats_of(totals, open_jobs=2, evicted=1)
    session = Session(
        state="stop", version="1", mode="regular", config_digest="d", rules=rules_in_force(), totals=stats
    )
    fault = Fault(reason="records_lost", rule="TA902", message="m", lost=3, first="t", last="t")
    for event_type, body in (("stats", stats), ("session", session), ("fault", fault)):
        record = Record(**header, seq=0, schema_version=2, event_type=event_type, **{event_type: body})
        back = json.loads(as_line(record))
        SCHEMA.validate(back)
        assert list(back) == [*HEADER, event_type]
    assert to_builtins(stats) == {
        "seen": 4,
        "other": 1,
        "in_scope": 3,
        "audited": 2,
        "unaudited": {reason: int(reason == "aborted") for reason in Unaudited},
        "findings": {"TA306": 1},
        "waived": {},
        "lost": 0,
        "open_jobs": 2,
        "evicted": 1,
    }


def test_every_rule_is_in_force() -> None:
    assert [rule.code for rule in rules_in_force()] == list(RULES)


def test_the_schema_is_closed_and_needs_every_member() -> None:
    (record,) = written(outcome())
    assert not SCHEMA.is_valid({**record, "more": 1})
    assert not SCHEMA.is_valid({**record, "submission": {**record["submission"], "more": 1}})
    for name in record:
        assert not SCHEMA.is_valid({k: v for k, v in record.items() if k != name}), name


@pytest.mark.parametrize("body", [JOB, ERROR, BAD_ERROR, None, "", '{"jobId": 1}'])
def test_ids_depend_on_the_exchange_alone(body: str | None) -> None:
    elsewhere = Stamp(instance_id="other", session_id="other")
    first, second = written(outcome(body)), written(outcome(body), 99, elsewhere)
    assert [record["record_id"] for record in first] == [record["record_id"] for record in second]
    assert len({record["record_id"] for record in first}) == len(first)


def fingerprint(body: str, status: int = 400, **facts: Any) -> str:
    return next(
        r["finding"]["fingerprint"] for r in written(outcome(body, status, **facts)) if "finding" in r
    )


def test_a_fingerprint_has_no_values_hosts_or_times() -> None:
    same = {
        fingerprint('{"error": {"message": "bad", "code": 400}}'),
        fingerprint('{"error": {"code": 7, "message": "other"}, "x": 1}', 500),
        fingerprint(BAD_ERROR, host="other.example.com", ended=AT + 1, started=AT),
        fingerprint(BAD_ERROR, path="/v1/other/cloudservers", exchange_id="e", client="c"),
    }
    assert len(same) == 1
    unlisted = {fingerprint(BAD_ERROR, path=f"/v7/things/{number}") for number in range(3)}
    assert len(unlisted) == 1


def test_a_fingerprint_tells_rule_method_route_pointer_and_type_apart() -> None:
    different = [
        fingerprint(BAD_ERROR),
        fingerprint('{"error": {"message": "bad", "code": null}}'),
        fingerprint('{"error": {"message": 1, "code": "c"}}'),
        fingerprint('{"error": {"message": "m"}}'),
        fingerprint(BAD_ERROR, path="/v7/things"),
        fingerprint(BAD_ERROR, path="/v7/things", method="PUT"),
        fingerprint(BAD_ERROR, path="/v7/others"),
    ]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    "body",
    [
        {"job_id": "a"},
        {"job_id": {"x": CANARY}, "error": [CANARY]},
        {"error": {"message": "m", "code": "c", "details": {"message": CANARY}, "cause": CANARY}},
        {"error": {"message": [CANARY], "code": {"code": CANARY}}},
        {"error": {"message": "m", "code": "c", "details": [{"reason": CANARY}, [CANARY]]}},
        {"order_id": CANARY, "adminPass": CANARY},
        {"jobId": {"x": CANARY}, "job": {"job_id": {"x": CANARY}}},
        {"code": CANARY, "message": CANARY},
        [CANARY],
    ],
    ids=str,
)
def test_nothing_secret_is_recorded(body: dict[str, Any] | list[str]) -> None:
    if isinstance(body, dict):
        body = {**body, "token": CANARY}
    flow = tflow.tflow(
        req=tutils.treq(
            method=b"POST",
            path=f"/v1/p/cloudservers?token={CANARY}".encode(),
            headers=Headers(
                (name, CANARY.encode()) for name in (b"Authorization", b"X-Auth-Token", b"Cookie", b"Accept")
            ),
            content=CANARY.encode(),
        ),
        resp=tutils.tresp(
            headers=Headers([(b"Content-Type", b"application/json"), (b"Set-Cookie", CANARY.encode())]),
            content=json.dumps(body).encode(),
        ),
    )
    assert CANARY not in json.dumps(written(auditor().look(exchange_of(flow))))


def test_the_path_has_no_query() -> None:
    flow = tflow.tflow(req=tutils.treq(method=b"POST", path=b"/v1/p/cloudservers?a=b#c"), resp=True)
    record = written(auditor().look(exchange_of(flow)))[0]
    assert record["http"]["path"] == "/v1/p/cloudservers"


@pytest.mark.parametrize(
    ("message", "recorded"),
    [
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 199 + "…"),
        ("\x1b[31mred\n\u202e", r"\u001b[31mred\n\u202e"),
        ("配额不足", "配额不足"),
    ],
)
def test_a_message_is_cut_and_escaped(message: str, recorded: str) -> None:
    body = json.dumps({"error": {"message": message, "code": message}})
    submission = written(outcome(body, 400))[0]["submission"]
    assert (submission["message"], submission["code"]) == (recorded, recorded)


def test_what_a_request_names_is_escaped() -> None:
    hostile = "\x1b[2J\u202e"
    record = written(outcome(host=hostile, path="/" + hostile * 2000, request_id=hostile, client=hostile))[0]
    assert r"\u001b[2J\u202e" == record["http"]["host"] == record["request_id"] == record["client"]
    assert len(record["http"]["path"]) < 12_000


def test_a_line_of_hostile_text_harms_no_terminal() -> None:
    job_id = "\x7f\x9b31m\u202e\u2028\U000e0001 作"
    body = json.dumps({"job_id": job_id, "error": {"details": [1]}}, ensure_ascii=False)
    body = body[:-1] + ', "a\u202e": 1, "a\u202e": 2}'
    records = records_of(outcome(body), STAMP, 0)
    assert [r.finding.rule for r in records if r.finding][:2] == ["TA007", "TA102"]
    for record in records:
        line = as_line(record)
        assert line.endswith(b"\n")
        assert line[:-1].decode().isprintable()
        SCHEMA.validate(json.loads(line))
    assert json.loads(as_line(records[0]))["submission"]["job_id"] == job_id


def test_a_waived_finding() -> None:
    policy = Policy([Override("TA306", Severity.WARNING)], [waiver()])
    submission, finding = written(auditor(policy=policy).look(exchange(BAD_ERROR, 400)))
    plain_submission, plain = written(outcome(BAD_ERROR, 400))
    assert finding["finding"]["waiver"] == {
        "reason": "backend ticket 1234",
        "owner": "team-ecs",
        "until": "2099-12-31",
    }
    # Nothing else depends on the policy, ids and fingerprint above all.
    assert finding["finding"] | {"severity": "error", "waiver": None} == plain["finding"]
    assert [r["record_id"] for r in (submission, finding)] == [
        r["record_id"] for r in (plain_submission, plain)
    ]
    assert submission["submission"] | {"well_formed": False} == plain_submission["submission"]
    assert submission["submission"]["well_formed"]


def test_the_policy_in_force() -> None:
    overrides = [Override("TA009", Severity.INFO, "ecs:*"), Override("TA306", None)]
    assert to_builtins(overrides_in_force(Policy(overrides))) == [
        {"rule": "TA009", "severity": "info", "route": "ecs:*"},
        {"rule": "TA306", "severity": "off", "route": None},
    ]
    assert to_builtins(waiver_in_force(waiver(pointer=""))) == {
        "rule": "TA306",
        "route": None,
        "pointer": "",
        "reason": "backend ticket 1234",
        "owner": "team-ecs",
        "until": "2099-12-31",
    }
