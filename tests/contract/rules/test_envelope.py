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
        ({}, None),
        ({"order_id": "CS1"}, None),
    ],
)
def test_the_dialect(value: dict[str, Any], dialect: str | None) -> None:
    assert envelope.dialect(value) == dialect


def test_the_dialect_is_named_in_the_finding() -> None:
    (fault,) = envelope.envelope_foreign({"code": "A", "message": "m"})
    assert (fault.pointer, fault.found) == ("", "Object in the flat error dialect")


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
