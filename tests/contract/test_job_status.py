"""Answers to a query of a job's status: what is read of them, and what cannot be."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from taskaudit.contract.answer import Missing
from taskaudit.contract.job_status import FLAT, StatusShape, StatusVerdict, audit_job_status
from taskaudit.contract.verdict import Place, Severity
from tests.samples import answer

ASKED = "8ab1"
NESTED = StatusShape("job", "id")
RUNNING = StatusVerdict("RUNNING", ASKED)


def judged(
    body: str | bytes | dict[str, Any], status: int | None = 200, shape: StatusShape = FLAT, **facts: Any
) -> StatusVerdict:
    """What the answer says, but for its text."""
    sent = json.dumps(body) if isinstance(body, dict) else body
    return replace(audit_job_status(answer(sent, status, **facts), ASKED, shape), text=None)


@pytest.mark.parametrize(
    ("shape", "body", "expected"),
    [
        (FLAT, {"job_id": ASKED, "status": "RUNNING"}, RUNNING),
        (FLAT, {"status": "RUNNING"}, StatusVerdict("RUNNING")),
        (FLAT, {"status": "RUNNING", "job_id": None}, StatusVerdict("RUNNING")),
        (FLAT, {"status": "", "job_id": ASKED}, StatusVerdict("", ASKED)),
        (FLAT, {"status": "RUNNING", "job_id": ASKED, "job": {"status": "FAIL"}}, RUNNING),
        (NESTED, {"job": {"id": ASKED, "status": "RUNNING"}}, RUNNING),
        (NESTED, {"job": {"status": "RUNNING", "job_id": "other"}}, StatusVerdict("RUNNING")),
        (StatusShape(id_member="jobId"), {"jobId": ASKED, "status": "RUNNING"}, RUNNING),
        (
            FLAT,
            {"job_id": ASKED, "status": "FAIL", "error_code": "Ecs.0019", "fail_reason": "sold out"},
            StatusVerdict("FAIL", ASKED, "Ecs.0019", "sold out"),
        ),
        (
            FLAT,
            {"job_id": ASKED, "status": "FAIL", "error_code": None, "fail_reason": 7},
            StatusVerdict("FAIL", ASKED),
        ),
        (
            StatusShape(id_member="id"),
            {"id": ASKED, "status": "FAIL", "failed_code": "DWS.1", "failed_detail": "no"},
            StatusVerdict("FAIL", ASKED, "DWS.1", "no"),
        ),
        (
            NESTED,
            {"job": {"id": ASKED, "status": "Failed", "fail_reason": "no"}},
            StatusVerdict("Failed", ASKED, None, "no"),
        ),
    ],
)
def test_what_a_status_answer_says(shape: StatusShape, body: dict[str, Any], expected: StatusVerdict) -> None:
    assert judged(body, shape=shape) == expected


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        ({"error": {"code": "Common.0011", "message": "no such job"}}, "Common.0011", "no such job"),
        ({"code": "Common.0011", "message": "no such job"}, "Common.0011", "no such job"),
        ({"error_code": "APIGW.0301", "error_msg": "denied"}, "APIGW.0301", "denied"),
        ({"errorCode": "APIGW.0301", "errorMsg": "denied"}, "APIGW.0301", "denied"),
        ({"error": "denied", "code": "c", "message": "m"}, "c", "m"),
        ({"code": 404, "message": None}, None, None),
        ({"status": "SUCCESS", "job_id": ASKED}, None, None),
        ("<html>502</html>", None, None),
        ("", None, None),
        ("[]", None, None),
    ],
)
@pytest.mark.parametrize("status", [304, 400, 404, 429, 500, 502, None])
def test_an_error_answer_is_recorded_and_not_misread(
    body: str | dict[str, Any], code: str | None, reason: str | None, status: int | None
) -> None:
    assert judged(body, status) == StatusVerdict(error_code=code, fail_reason=reason)


@pytest.mark.parametrize(
    ("shape", "body", "pointer", "expected", "found", "json_type", "place"),
    [
        (FLAT, "{}", "/status", "String", "nothing", "", None),
        (FLAT, f'{{"job_id": "{ASKED}"}}', "/status", "String", "nothing", "", None),
        (FLAT, '{"status": null}', "/status", "String", "null", "null", Place(1, 12)),
        (FLAT, '{\n "status": 1.50}', "/status", "String", "Number 1.50", "Number", Place(2, 12)),
        (FLAT, '{"status": true}', "/status", "String", "Boolean true", "Boolean", Place(1, 12)),
        (FLAT, '{"status": {"a": 1}}', "/status", "String", "Object (1 member)", "Object", Place(1, 12)),
        (FLAT, '{"Status": "SUCCESS"}', "/status", "String", "nothing", "", None),
        (FLAT, '{"job": {"status": "SUCCESS"}}', "/status", "String", "nothing", "", None),
        (NESTED, '{"status": "SUCCESS"}', "/job/status", "String", "nothing", "", None),
        (NESTED, '{"job": null}', "/job/status", "String", "nothing", "", None),
        (
            NESTED,
            '{"job": {"status": []}}',
            "/job/status",
            "String",
            "Array (0 entries)",
            "Array",
            Place(1, 20),
        ),
        (FLAT, "", "", "Object", "no JSON object", "", None),
        (FLAT, "<html>", "", "Object", "no JSON object", "", Place(1, 1)),
        (FLAT, "[]", "", "Object", "no JSON object", "", Place(1, 1)),
        (FLAT, '"SUCCESS"', "", "Object", "no JSON object", "", Place(1, 1)),
        (FLAT, '{"status": "SUCC', "", "Object", "no JSON object", "", Place(1, 1)),
        (NESTED, b"\xff", "", "Object", "no JSON object", "", None),
    ],
)
def test_an_answer_that_does_not_tell(
    shape: StatusShape,
    body: str | bytes,
    pointer: str,
    expected: str,
    found: str,
    json_type: str,
    place: Place | None,
) -> None:
    verdict = judged(body, shape=shape)
    (finding,) = verdict.findings
    assert (finding.rule, finding.name, finding.severity) == ("TA508", "job-status-malformed", Severity.ERROR)
    assert (finding.pointer, finding.expected, finding.found) == (pointer, expected, found)
    assert (finding.json_type, finding.place, verdict.status) == (json_type, place, None)


@pytest.mark.parametrize(
    ("shape", "body", "pointer", "found"),
    [
        (FLAT, {"job_id": "other", "status": "SUCCESS"}, "/job_id", 'String "other"'),
        (FLAT, {"job_id": 8, "status": "SUCCESS"}, "/job_id", "Number 8"),
        (FLAT, {"job_id": ASKED.upper(), "status": "SUCCESS"}, "/job_id", 'String "8AB1"'),
        (NESTED, {"job": {"id": "other", "status": "SUCCESS"}}, "/job/id", 'String "other"'),
    ],
)
def test_another_jobs_status_is_not_taken_for_this_ones(
    shape: StatusShape, body: dict[str, Any], pointer: str, found: str
) -> None:
    verdict = judged(body, shape=shape)
    (finding,) = verdict.findings
    assert (finding.rule, finding.pointer, finding.found) == ("TA508", pointer, found)
    assert verdict.status is None


def test_an_error_in_200_is_malformed_and_recorded() -> None:
    verdict = judged({"error": {"code": "Common.0011", "message": "no such job"}})
    assert [(f.rule, f.pointer) for f in verdict.findings] == [("TA508", "/status")]
    assert (verdict.error_code, verdict.fail_reason) == ("Common.0011", "no such job")


@pytest.mark.parametrize("status", [100, 199, 300, 404])
def test_what_is_no_2xx_need_not(status: int) -> None:
    assert judged("{}", status).findings == ()


@pytest.mark.parametrize(
    ("body", "status"), [("{}", 200), ("nope", 200), ('{"status": "RUNNING"}', 200), ("{}", 404)]
)
def test_the_text_is_kept_for_showing(body: str, status: int) -> None:
    assert audit_job_status(answer(body, status), ASKED).text == body


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"status":\n 5}', ("/status", "String", "Number 5", "Number", Place(2, 2))),
        ('{"a": 1}', ("/status", "String", "nothing", "", None)),
        ("[1]", ("", "Object", "no JSON object", "", Place(1, 1))),
        (
            '{"status": "INIT", "job_id": "other"}',
            ("/job_id", "the job id that was asked for", 'String "other"', "String", Place(1, 30)),
        ),
    ],
)
def test_what_is_said_of_a_malformed_answer(body: str, told: tuple[object, ...]) -> None:
    (found,) = judged(body).findings
    assert (found.pointer, found.expected, found.found, found.json_type, found.place) == told


def test_an_id_that_is_no_string_is_not_taken() -> None:
    assert judged({"status": "INIT", "job_id": 7}).job_id is None


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_has_to_tell(status: int) -> None:
    assert [f.rule for f in judged("{}", status).findings] == ["TA508"]


@pytest.mark.parametrize(
    ("members", "counted"),
    [
        (
            {"entities": {"sub_jobs": [{"status": "SUCCESS"}, {"status": "FAIL"}, {"status": "success"}]}},
            "FS2",
        ),
        ({"sub_jobs": [{"status": "SUCCESS"}, {"status": "FAIL"}, {"status": "SUCCESS"}]}, "FS2"),
        ({"entities": {"sub_jobs": []}}, ""),
        ({"entities": {"sub_jobs": None}, "sub_jobs": None}, ""),
        ({"entities": [], "sub_jobs": {}}, ""),
        ({"entities": {"sub_jobs": [1, None, {}, {"status": 1}, {"status": "FAIL"}]}}, "F"),
        ({"entities": {"server_id": "a"}, "sub_jobs_total": 2}, ""),
    ],
)
def test_sub_jobs_are_counted_by_status(members: dict[str, Any], counted: str) -> None:
    expected = {"FS2": (("FAIL", 1), ("SUCCESS", 2)), "F": (("FAIL", 1),), "": ()}[counted]
    assert judged({"status": "RUNNING", **members}).sub_jobs == expected


@pytest.mark.parametrize("status", [200, 404])
def test_what_went_past_is_not_seen(status: int) -> None:
    assert judged(b"", status, missing=Missing.STREAMED) == StatusVerdict(seen=False)
    assert judged(" " * 1_100_000, status) == StatusVerdict(seen=False)


def test_what_was_cut_short_is_malformed() -> None:
    (finding,) = judged('{"status": "SUCCESS"}', missing=Missing.CUT_SHORT).findings
    assert (finding.rule, finding.pointer) == ("TA508", "")


def test_a_coding_is_undone() -> None:
    body = gzip.compress(json.dumps({"job_id": ASKED, "status": "RUNNING"}).encode())
    assert judged(body, content_encoding="gzip") == RUNNING


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["status", "job_id", "id", "job", "entities", "sub_jobs", "error", "code"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([200, 204, 404, 500, None]), st.sampled_from([FLAT, NESTED]), st.text())
def test_no_json_raises(value: Any, status: int | None, shape: StatusShape, asked: str) -> None:
    sent = answer(json.dumps(value), status)
    verdict = audit_job_status(sent, asked, shape)
    assert verdict.seen
    if status in (200, 204):
        assert (verdict.status is None) is bool(verdict.findings)
    else:
        assert verdict.findings == ()


@given(st.binary(), st.sampled_from([200, 404, None]), st.sampled_from(["", "gzip", "x"]))
def test_no_bytes_raise(body: bytes, status: int | None, coding: str) -> None:
    verdict = audit_job_status(answer(body, status, content_encoding=coding), ASKED)
    assert {finding.rule for finding in verdict.findings} <= {"TA508"}
