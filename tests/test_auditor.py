"""What an exchange is, and what becomes of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.answer import Missing
from taskaudit.contract.verdict import Kind, Severity
from taskaudit.exchange import MatchedBy, Unaudited
from taskaudit.known_ids import Known, KnownIds
from taskaudit.policy.policy import Override, Policy
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

UNLISTED = "/v9/things"
QUERY = "/v1/0123/jobs/8ab1"
(BAD_FINDING,) = outcome(BAD_ERROR, 400).findings


def codes(outcome: Outcome) -> list[str]:
    return [finding.rule for finding in outcome.findings]


@pytest.mark.parametrize(
    ("method", "path", "body", "role", "route"),
    [
        ("POST", "/v1/0123/cloudservers", JOB, Role.SUBMISSION, "ecs:CreateServers"),
        ("POST", "/v1/0123/cloudservers", "{}", Role.SUBMISSION, "ecs:CreateServers"),
        ("GET", QUERY, JOB, Role.JOB_QUERY, "ecs:ShowJob"),
        ("GET", "/v1/0123/cloudservers", JOB, Role.OTHER, None),
        ("POST", QUERY, JOB, Role.SUBMISSION, None),
        ("POST", UNLISTED, JOB, Role.SUBMISSION, None),
        ("PUT", UNLISTED, ERROR, Role.SUBMISSION, None),
        ("PATCH", UNLISTED, '{"job_id": null}', Role.SUBMISSION, None),
        ("DELETE", UNLISTED, '{"error": {}}', Role.SUBMISSION, None),
        ("POST", UNLISTED, '{"error": []}', Role.OTHER, None),
        ("GET", UNLISTED, JOB, Role.OTHER, None),
        ("HEAD", UNLISTED, JOB, Role.OTHER, None),
        ("POST", UNLISTED, "{}", Role.OTHER, None),
        ("POST", UNLISTED, '{"a": {"job_id": "b"}}', Role.OTHER, None),
        ("POST", UNLISTED, '[{"job_id": "b"}]', Role.OTHER, None),
        ("POST", UNLISTED, '"job_id"', Role.OTHER, None),
        ("POST", UNLISTED, '{"jobId": "a"}', Role.OTHER, None),
        ("POST", UNLISTED, '{"job_id": ', Role.OTHER, None),
        ("POST", UNLISTED, "", Role.OTHER, None),
        ("POST", UNLISTED, None, Role.OTHER, None),
    ],
)
def test_the_role(method: str, path: str, body: str | None, role: Role, route: str | None) -> None:
    found = outcome(body, method=method, path=path)
    assert found.role is role
    if route is None:
        assert found.route is None
    else:
        assert found.route
        assert found.route.name.startswith(route.split(":")[0] + ":")


@pytest.mark.parametrize(("unlisted", "role"), [("detect", Role.SUBMISSION), ("ignore", Role.OTHER)])
def test_unlisted(unlisted: Literal["detect", "ignore"], role: Role) -> None:
    assert auditor(unlisted).look(exchange(path=UNLISTED)).role is role
    assert auditor(unlisted).may_be_unlisted_submission("post") is (role is Role.SUBMISSION)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "CONNECT", ""])
def test_what_submits_nothing(method: str) -> None:
    assert not auditor().may_be_unlisted_submission(method)


@pytest.mark.parametrize(
    ("body", "coding", "charset"),
    [
        (gzip.compress(JOB.encode()), "gzip", ""),
        (JOB.encode("utf-16"), "", "; charset=utf-16"),
        (JOB.replace("job_id", r"\u006aob_id").encode(), "", ""),
        (JOB.replace("job_id", r"job\u005Fid").encode(), "", ""),
    ],
)
def test_an_unlisted_submission_is_seen_through_its_coding(body: bytes, coding: str, charset: str) -> None:
    sent = answer(body, content_encoding=coding, content_type=f"application/json{charset}")
    found = outcome(path=UNLISTED, answer=sent)
    assert (found.role, found.job_id) == (Role.SUBMISSION, JOB_ID)


KEYSTONE = '{"error": {"message": "authentication required", "code": 401, "title": "Unauthorized"}}'


@pytest.mark.parametrize(
    "body", [KEYSTONE, '{"jsonrpc": "2.0", "id": 1, "error": null}', '{"error": "invalid_grant"}']
)
def test_an_unlisted_error_of_another_api_is_none_of_ours(body: str) -> None:
    for sent in (
        answer(body.encode(), status=401),
        answer(gzip.compress(body.encode()), status=401, content_encoding="gzip"),
    ):
        assert outcome(path=UNLISTED, answer=sent).role is Role.OTHER
        assert outcome(answer=sent).role is Role.SUBMISSION
        assert not outcome(answer=sent).verdict.well_formed


def escaped(name: str, choices: list[bool]) -> str:
    """A member's name with some of its characters as escapes."""
    pairs = zip(name, choices, strict=True)
    return "".join(f"\\u{ord(char):04x}" if chosen else char for char, chosen in pairs)


@given(
    st.sampled_from(["job_id", "error"]),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.text())),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-32", "gb18030"]),
)
def test_nothing_hides_a_submission(
    name: str, choices: list[bool], others: dict[str, Any], ascii_only: bool, charset: str
) -> None:
    rest = json.dumps({"": None, **others}, ensure_ascii=ascii_only)[1:]
    text = f'{{"{escaped(name, choices[: len(name)])}": {{}}, {rest}'
    body = text.encode(charset, "ignore")
    sent = answer(body, content_type=f"application/json; charset={charset}")
    assert outcome(path=UNLISTED, answer=sent).role is Role.SUBMISSION


def test_what_is_larger_than_the_limit_is_not_audited() -> None:
    found = auditor(limit=2048).look(exchange('{"job_id": "a"}' + " " * 2048))
    assert (found.unaudited, found.audited, codes(found)) == (Unaudited.TOO_LARGE, False, ["TA003"])


def test_what_expands_beyond_the_limit_is_an_error_of_the_answer() -> None:
    bomb = gzip.compress(b" " * 1_000_000)
    found = auditor(limit=2048).look(exchange(answer=answer(bomb, content_encoding="gzip")))
    assert (found.unaudited, codes(found)) == (None, ["TA002"])


def test_what_was_streamed_past_is_not_audited() -> None:
    found = outcome(answer=answer(b"", missing=Missing.STREAMED))
    assert (found.unaudited, codes(found)) == (Unaudited.STREAMED, ["TA003"])


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/0123/cloudservers"), ("GET", QUERY)])
def test_what_was_aborted_is_not_audited(method: str, path: str) -> None:
    found = outcome(None, method=method, path=path)
    assert (found.unaudited, found.audited, found.verdict) == (Unaudited.ABORTED, False, None)


@pytest.mark.parametrize("status", [100, 101, 103, 199])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/0123/cloudservers"), ("GET", QUERY)])
def test_what_has_no_final_answer_is_not_audited(method: str, path: str, status: int) -> None:
    """The API is not to blame: no TA001."""
    found = outcome("", status, method=method, path=path)
    assert (found.unaudited, found.audited, codes(found)) == (Unaudited.INTERIM, False, [])
    assert outcome(answer=answer("", status, missing=Missing.NOT_CAPTURED)).unaudited is Unaudited.INTERIM


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_upgrade_elsewhere_is_none_of_ours(method: str) -> None:
    assert outcome("", 101, method=method, path=UNLISTED).role is Role.OTHER


def test_a_job_query_that_was_streamed_past_is_not_audited() -> None:
    found = outcome(answer=answer(b"", missing=Missing.STREAMED), method="GET", path=QUERY)
    assert (found.role, found.unaudited, found.job_id) == (Role.JOB_QUERY, Unaudited.STREAMED, "8ab1")
    assert (codes(found), found.is_final) == ([], False)


@pytest.mark.parametrize(
    ("path", "query", "role", "asked"),
    [
        ("/v3/p/jobs", "id=8ab1", Role.JOB_QUERY, "8ab1"),
        ("/v3/p/jobs", "limit=5&id=a%20b", Role.JOB_QUERY, "a b"),
        ("/v3/p/jobs", "id=", Role.JOB_QUERY, ""),
        ("/v3/p/jobs", "id", Role.JOB_QUERY, ""),
        ("/v3/p/jobs", "limit=5", Role.OTHER, None),
        ("/v3/p/jobs", "", Role.OTHER, None),
    ],
)
def test_a_job_id_in_the_query_string(path: str, query: str, role: Role, asked: str | None) -> None:
    """Of the database services; without an id it is a list of jobs."""
    found = outcome('{"job": {"id": "8ab1", "status": "Running"}}', method="GET", path=path, query=query)
    assert (found.role, found.job_id) == (role, asked)


@pytest.mark.parametrize(
    ("status", "is_final"), [("SUCCESS", True), ("fail", True), ("RUNNING", False), ("", False)]
)
def test_whether_a_status_is_final(status: str, is_final: bool) -> None:
    body = json.dumps({"status": status})
    assert outcome(body, method="GET", path=QUERY).is_final is is_final
    assert outcome(body, 404, method="GET", path=QUERY).is_final is False


def test_findings_that_come_up_later_are_put_in_order_of_code() -> None:
    late = tuple(structs.replace(BAD_FINDING, rule=rule) for rule in ("TA501", "TA204"))
    assert codes(structs.replace(outcome(BAD_ERROR, 400), late=late)) == ["TA204", "TA306", "TA501"]


def test_what_is_kept_for_later_holds_no_body() -> None:
    kept = outcome(BAD_ERROR, 400).without_bodies()
    assert kept.exchange.answer
    assert (kept.exchange.answer.body, kept.exchange.answer.status) == (b"", 400)
    assert (kept.verdict, kept.status, kept.text, kept.findings) == (None, None, None, ())
    assert outcome(None).without_bodies() == outcome(None)


def test_a_job_query_keeps_the_id_that_was_asked_for() -> None:
    found = outcome('{"job_id": "other"}', method="GET", path=QUERY)
    assert (found.role, found.job_id, found.verdict, found.audited) == (Role.JOB_QUERY, "8ab1", None, True)


@pytest.mark.parametrize(
    ("body", "status", "kind", "found"),
    [
        (JOB, 200, Kind.JOB, []),
        (BAD_ERROR, 400, Kind.ERROR, ["TA306"]),
        ('{"order_id": "CS1"}', 200, Kind.UNRECOGNISED, ["TA101"]),
        ("", 204, Kind.UNREADABLE, ["TA001"]),
        ("{}", None, Kind.UNRECOGNISED, ["TA101"]),
    ],
)
def test_an_answer_without_a_request_is_held_to_the_envelopes(
    body: str, status: int | None, kind: Kind, found: list[str]
) -> None:
    judged = outcome(body, status, method=None, path=None, host=None)
    assert judged.verdict
    assert (judged.role, judged.verdict.kind, codes(judged)) == (Role.SUBMISSION, kind, found)


def test_a_look_up_that_was_made_is_not_made_again() -> None:
    match = auditor().catalogue.match("GET", QUERY)
    assert auditor().look(exchange(path="/elsewhere"), match).role is Role.JOB_QUERY


def judged(policy: Policy, body: str, status: int = 400, **facts: Any) -> Outcome:
    return auditor(policy=policy).look(exchange(body, status, **facts))


def test_a_waived_finding_is_still_an_error() -> None:
    found = judged(Policy(waivers=[waiver(pointer="/error/code")]), BAD_ERROR)
    assert [(each.severity, each.waived) for each in found.findings] == [
        (Severity.ERROR, waiver(pointer="/error/code"))
    ]
    assert found.verdict
    assert not found.verdict.well_formed


@pytest.mark.parametrize(
    ("severity", "well_formed"), [(Severity.ERROR, False), (Severity.WARNING, True), (None, True)]
)
def test_the_severity_in_force_says_whether_it_is_well_formed(
    severity: Severity | None, well_formed: bool
) -> None:
    found = judged(Policy([Override("TA306", severity, "ecs:*")]), BAD_ERROR)
    assert found.verdict
    assert found.verdict.well_formed is well_formed
    assert [each.severity for each in found.findings] == [severity] * (severity is not None)
    elsewhere = judged(Policy([Override("TA306", severity, "evs:*")]), BAD_ERROR)
    assert [each.severity for each in elsewhere.findings] == [Severity.ERROR]


def test_job_queries_are_judged_too() -> None:
    known = waiver("TA508", route="ecs:ShowJob")
    found = judged(Policy(waivers=[known]), "{}", 200, method="GET", path=QUERY, host=OWN_HOST)
    assert [(each.rule, each.waived) for each in found.findings] == [("TA508", known)]
    assert (
        judged(Policy([Override("TA508", None)]), "{}", 200, method="GET", path=QUERY, host=OWN_HOST).findings
        == ()
    )


def test_what_is_off_is_not_counted_as_omitted() -> None:
    many = json.dumps({"error": {"message": "m", "code": "c", "details": [0] * 102}})
    verdicts = [judged(policy, many).verdict for policy in (Policy(), Policy([Override("TA404", None)]))]
    assert [verdict and (len(verdict.findings), verdict.omitted) for verdict in verdicts] == [
        (100, (("TA404", 2),)),
        (0, ()),
    ]


def test_what_was_not_seen_stays_unaudited_with_its_rule_off() -> None:
    streamed = answer(b"", missing=Missing.STREAMED)
    found = auditor(policy=Policy([Override("TA003", None)])).look(exchange(answer=streamed))
    assert (found.unaudited, found.findings) == (Unaudited.STREAMED, ())


def test_where_it_stands() -> None:
    assert outcome().where[:2] == (("ecs:CreateServers",), outcome().exchange.at)
    assert outcome(path=UNLISTED).where.names == ("POST /v9/things",)
    assert outcome(None, method=None, path=None, started=None, ended=None).where == (("",), 0.0, None, "")


# Jobs that are asked for, whatever the route (contract, section 2).

ELSEWHERE = f"/v7/p/tasks/{JOB_ID}"
ORDER = "CS2003021100AAAAA"


def known(service: str | None = "ecs", at: float = 0) -> KnownIds:
    """A job that a submission was answered with."""
    ids = KnownIds()
    ids.learn(Known(JOB_ID, at, service, (ORDER,)))
    return ids


def asked(body: str | None, path: str = ELSEWHERE, ids: KnownIds | None = None, **facts: Any) -> Outcome:
    """A request of what may be a job, and its answer."""
    told = exchange(body, **{"method": "GET", "path": path, **facts})
    return auditor().look(told, known=known() if ids is None else ids)


@pytest.mark.parametrize(
    ("body", "status", "is_final"),
    [
        ('{"status": "Running"}', "Running", False),
        ('{"status": "Success"}', "Success", True),
        ('{"status": 3, "job_status": "DONE"}', "DONE", True),
        ('{"phase": "a", "state": "b", "job_status": "c", "status": "d"}', "d", False),
        ('{"phase": "terminated"}', "terminated", True),
        ('{"job": {"id": "x", "status": "FINISH_SUCC"}, "request_id": "r"}', "FINISH_SUCC", True),
        ('{"data": {"state": "Canceled"}}', "Canceled", True),
        ('{"status": "Completed", "job": {"status": "Running"}}', "Completed", True),
        ('{"a": {"status": "RUNNING"}, "b": {}}', None, False),
        ('{"a": {"b": {"status": "RUNNING"}}}', None, False),
        ('{"tasks": [{"status": "SUCCESS"}]}', None, False),
        ('{"status": null}', None, False),
        ('["SUCCESS"]', None, False),
        ("<html>", None, False),
        ("", None, False),
    ],
)
def test_the_status_of_a_job_without_a_route(body: str, status: str | None, is_final: bool) -> None:
    found = asked(body)
    assert (found.role, found.route, found.job_id) == (Role.JOB_QUERY, None, JOB_ID)
    assert (found.matched_by, found.unaudited, codes(found)) == (MatchedBy.JOB_ID, None, [])
    assert found.status
    assert (found.status.status, found.is_final) == (status, is_final)
    by_order = asked(body, f"/v2/orders/{ORDER}")
    assert (by_order.matched_by, by_order.job_id, by_order.is_final) == (MatchedBy.RESOURCE, JOB_ID, False)
    assert by_order.status == found.status


@pytest.mark.parametrize("status", ["SUCCEEDED", "COMPLETED", "FINISHED", "FINISH_SUCC", "DONE", "FAILED"])
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_more_statuses_are_final_where_no_route_is_known(status: str, case: Callable[[str], str]) -> None:
    assert asked(json.dumps({"status": case(status)})).is_final


@pytest.mark.parametrize(
    "facts", [{"method": "POST"}, {"method": "HEAD"}, {"path": "/v7/p/tasks/other-job"}, {"ended": AT - 9}]
)
def test_what_asks_for_no_known_job_is_none_of_ours(facts: dict[str, Any]) -> None:
    assert asked('{"status": "SUCCESS"}', ids=known(at=AT - 5), **facts).role is Role.OTHER


def test_what_was_answered_to_a_job_without_a_route_and_not_seen() -> None:
    assert asked(None).unaudited is Unaudited.ABORTED
    streamed = asked("", answer=answer(b"", missing=Missing.STREAMED))
    assert (streamed.role, streamed.unaudited, codes(streamed)) == (
        Role.JOB_QUERY,
        Unaudited.STREAMED,
        [],
    )


def test_an_error_in_the_place_of_a_status() -> None:
    found = asked('{"error_code": "SWR.404", "error_msg": "no such task"}', answer=None)
    assert found.unaudited is Unaudited.ABORTED
    body = '{"error_code": "SWR.404", "error_msg": "no such task"}'
    refused = auditor().look(exchange(body, 404, method="GET", path=ELSEWHERE), known=known())
    assert refused.status
    assert (refused.status.status, refused.status.error_code) == (None, "SWR.404")


def test_a_list_of_jobs_may_ask_for_one_by_another_id() -> None:
    listed = asked('{"jobs": []}', "/v3/p/jobs", query=f"order={ORDER}")
    assert (listed.role, listed.route, listed.matched_by) == (Role.JOB_QUERY, None, MatchedBy.RESOURCE)


@pytest.mark.parametrize(
    ("host", "service", "found"),
    [
        (OWN_HOST, None, ["TA508"]),
        (OWN_HOST, "ecs", ["TA508"]),
        ("127.0.0.1:8080", "ecs", ["TA508"]),
        ("127.0.0.1:8080", "evs", ["TA508"]),
        ("127.0.0.1:8080", "rds", []),
        ("127.0.0.1:8080", None, []),
    ],
)
@pytest.mark.parametrize("body", ["{}", '{"job_id": "other", "status": "SUCCESS"}', "", "[]"])
def test_an_answer_is_malformed_where_it_is_known_whose_it_is(
    host: str, service: str | None, found: list[str], body: str
) -> None:
    outcome = asked(body, f"/v1/p/jobs/{JOB_ID}", known(service), host=host)
    assert (outcome.role, codes(outcome)) == (Role.JOB_QUERY, found)
    assert outcome.status
    assert (outcome.status.status, outcome.is_final) == (None, False)


def test_where_it_is_not_known_whose_it_is_the_status_is_looked_for() -> None:
    path = f"/v3/p/jobs/{JOB_ID}"
    outcome = asked('{"data": {"status": "Success"}}', path, known(None), host="127.0.0.1")
    assert (outcome.matched_by, outcome.is_final, codes(outcome)) == (MatchedBy.ROUTE, True, [])


@pytest.mark.parametrize("service", ["ecs", "evs", "bms", "ims"])
def test_of_services_with_the_same_route_the_one_that_has_the_job_is_asked(service: str) -> None:
    outcome = asked('{"status": "RUNNING"}', f"/v1/p/jobs/{JOB_ID}", known(service), host="127.0.0.1")
    assert outcome.route
    assert outcome.route.service == service


@pytest.mark.parametrize(
    ("host", "path", "has_query_route"),
    [
        (OWN_HOST, "/v1/0123/cloudservers", True),
        (OWN_HOST, UNLISTED, True),
        ("vpn.cn-north-4.myhuaweicloud.com", UNLISTED, False),
        ("127.0.0.1", UNLISTED, True),
    ],
)
def test_whether_it_is_known_how_a_job_is_asked_for(host: str, path: str, has_query_route: bool) -> None:
    assert outcome(path=path, host=host).has_query_route is has_query_route
