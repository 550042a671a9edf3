"""TA1xx: dialects of errors, names that were meant to be job_id, status against body."""

from __future__ import annotations

from typing import Any

import pytest

from taskaudit.contract.rules import envelope
from taskaudit.contract.rules.rule import Fault
from taskaudit.contract.verdict import Kind


@pytest.mark.parametrize(
    ("value", "dialect"),
    [
        ({"error_code": "APIGW.0301", "error_msg": "m"}, "gateway"),
        ({"error_code": "A", "error_msg": "m", "request_id": "r"}, "gateway"),
        ({"errorCode": "A", "errorMsg": "m"}, "gateway"),
        ({"errCode": "A", "errMsg": "m"}, "gateway"),
        ({"errCode": "A", "externalMessage": "m"}, "gateway"),
        ({"error_code": "A", "error_msg": ""}, "gateway"),
        ({"error_code": "A", "errorMsg": "m"}, None),
        ({"error_code": "A"}, None),
        ({"error_code": None, "error_msg": None}, None),
        ({"badRequest": {"message": "m", "code": 400}}, "fault"),
        ({"itemNotFound": {"message": "m", "code": 404}}, "fault"),
        ({"computeFault": {"message": "m", "code": 500, "details": "d"}}, "fault"),
        ({"newFault": {"message": None, "code": None}}, "fault"),
        ({"badRequest": {"message": "m", "code": 400}, "more": 1}, None),
        ({"badRequest": {"message": "m"}}, None),
        ({"badRequest": [{"message": "m", "code": 400}]}, None),
        ({"code": "A", "message": "m"}, "flat"),
        ({"code": 400, "message": "m", "data": None}, "flat"),
        ({"code": 400, "msg": "m"}, None),
        ({"code": None, "message": "m"}, None),
        ({"type": "about:blank", "status": 404}, "problem"),
        ({"title": "Not Found", "status": 404, "detail": "d"}, "problem"),
        ({"type": "server", "status": "ACTIVE"}, None),
        ({"type": "x", "status": True}, None),
        ({"status": 404}, None),
        ({"status_code": 400, "request_id": "r", "error_code": "A", "error_message": "m"}, "sdk"),
        ({"status_code": 400, "error_code": "A", "error_msg": "m", "code": "A", "message": "m"}, "sdk"),
        ({"status_code": 400, "error_code": None, "error_msg": "m"}, None),
        ({"status_code": 400, "error_msg": "m"}, None),
        ({}, None),
        ({"order_id": "CS1"}, None),
    ],
)
def test_the_dialect(value: dict[str, Any], dialect: str | None) -> None:
    assert envelope.dialect(value) == dialect


def test_the_dialect_is_named_in_the_finding() -> None:
    (fault,) = envelope.envelope_foreign({"code": "A", "message": "m"})
    assert (fault.pointer, fault.found) == ("", "Object in the flat error dialect")


def test_of_the_dialect_of_the_sdk_it_is_said_that_it_is_no_answer() -> None:
    (fault,) = envelope.envelope_foreign({"status_code": 400, "error_code": "ELB.1202", "error_msg": "m"})
    told = "what the vendor's SDK prints of an error, not an answer of the API"
    assert fault.found == f"Object in the sdk error dialect: {told}"


@pytest.mark.parametrize(
    ("value", "is_ours"),
    [
        ({"job_id": None}, True),
        ({"job_id": "a", "error": "e", "jsonrpc": "2.0"}, True),
        ({"error": {}}, True),
        ({"error": {"message": "m", "code": 400}}, True),
        ({"error": {"message": "m", "code": "Ecs.0001", "details": None}, "status": 400, "title": "t"}, True),
        ({"error": {"message": "m", "code": 401, "title": "Unauthorized"}}, False),
        ({"error": {"message": "m", "code": "Ecs.0001", "title": None}}, False),
        ({"error": {"message": "m", "code": 403, "status": "PERMISSION_DENIED", "details": []}}, False),
        ({"error": {"message": "m", "code": 403, "errors": []}}, False),
        ({"error": {"code": -32601, "message": "m"}, "id": 1, "jsonrpc": "2.0"}, False),
        ({"error": {"code": "-1", "message": "m"}, "jsonrpc": None}, False),
        ({"error": "invalid_grant", "error_description": "d"}, False),
        ({"error": None}, False),
        ({"error": []}, False),
        ({"error": False}, False),
        ({"errors": [{}]}, False),
    ],
)
def test_an_error_that_is_plainly_another_apis_is_not_ours(value: dict[str, Any], is_ours: bool) -> None:
    assert envelope.names_envelope(value) is is_ours


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("jobId", True),
        ("job_Id", True),
        ("jobid", True),
        ("JobId", True),
        ("JOB_ID", True),
        (" job_id", True),
        ("job_id ", True),
        ("job-id", True),
        ("job.id", True),
        ("job id", True),
        ("jobs_id", False),
        ("job_ids", False),
        ("job", False),
        ("id", False),
        ("task_id", False),
        ("myjobid", False),
        ("", False),
    ],
)
def test_near_misses_of_the_name(name: str, near: bool) -> None:
    assert envelope.is_near_miss(name) is near


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ({"jobId": "a"}, ["", "/jobId"]),
        ({"a": {"job_id": "b"}, "jobId": "a"}, ["", "/jobId"]),
        ({"a/b": {"job_id": "b"}}, ["", "/a~1b/job_id"]),
        ({"a": [{}, {"job_id": "b"}]}, ["", "/a/1/job_id"]),
        ({"a": {"b": {"job_id": "c"}}, "d": {"job_id": "e"}}, ["", "/d/job_id"]),
        ({"a": {"jobId": "b"}}, [""]),
        ({"a": {"b": {"c": {"job_id": "d"}}}}, [""]),
        ({"a": [[{"job_id": "b"}]]}, [""]),
        ({"a": "job_id"}, [""]),
    ],
)
def test_where_the_job_id_stands_instead(value: dict[str, Any], pointers: list[str]) -> None:
    assert [f.pointer for f in envelope.envelope_missing(value)] == pointers


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, "Object with no members"),
        ({"a": "secret"}, 'Object with "a"'),
        (dict.fromkeys("abcde"), 'Object with "a", "b", "c", "d", "e"'),
        (dict.fromkeys("abcdefg"), 'Object with "a", "b", "c", "d", "e" and 2 more'),
        ({"\x1b[31m": 1}, 'Object with "\\u001b[31m"'),
    ],
)
def test_names_are_told_and_values_are_not(value: dict[str, Any], found: str) -> None:
    assert next(envelope.envelope_missing(value)).found == found


@pytest.mark.parametrize(
    ("kind", "status", "disagrees"),
    [
        (Kind.JOB, 200, False),
        (Kind.JOB, 399, False),
        (Kind.JOB, 400, True),
        (Kind.JOB, 503, True),
        (Kind.ERROR, 200, True),
        (Kind.ERROR, 302, True),
        (Kind.ERROR, 399, True),
        (Kind.ERROR, 400, False),
        (Kind.ERROR, 599, False),
        (Kind.JOB, None, False),
        (Kind.ERROR, None, False),
        *(
            (kind, status, False)
            for kind in sorted(set(Kind) - {Kind.JOB, Kind.ERROR})
            for status in (200, 500)
        ),
    ],
)
def test_the_status_disagrees(kind: Kind, status: int | None, disagrees: bool) -> None:
    faults: list[Fault] = list(envelope.status_disagrees(kind, status))
    assert [(f.rule.code, f.pointer, f.found) for f in faults] == (
        [("TA104", "", f"HTTP {status}")] if disagrees else []
    )
