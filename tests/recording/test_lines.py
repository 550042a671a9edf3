"""The quick way to the log's lines writes what the models write."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.auditor import Outcome
from taskaudit.recording.lines import clean_line
from taskaudit.recording.records import Stamp, as_line, records_of
from tests.samples import BAD_ERROR, ERROR, JOB, outcome
from tests.stories import ask

STAMP = Stamp(instance_id='proxy "1"', session_id="5e55")
ANY = st.text() | st.text('"\\/<>\x00\x1f\x7f\u0085\u2028\u202e\ue000\u3164\u2800\ufe0fé好🎉\n', max_size=8)
SEGMENT = st.text(st.characters(exclude_characters="/?", exclude_categories=["Cs"]), max_size=300)


def by_models(told: Outcome, seq: int) -> bytes:
    return "".join(map(as_line, records_of(told, STAMP, seq))).encode()


def check(told: Outcome, seq: int = 7) -> bool:
    """Whether there is a quick way; it then leads to the same."""
    line = clean_line(told, STAMP, seq)
    assert line is None or line == by_models(told, seq)
    return line is not None


@pytest.mark.parametrize("body", [JOB, ERROR, '{"error": {"message": "配额不足。", "code": "Ecs.0001"}}'])
def test_what_is_right_has_one(body: str) -> None:
    assert check(outcome(body, 200 if body is JOB else 400))


@pytest.mark.parametrize("status", ["RUNNING", "SUCCESS", "FAIL"])
def test_a_job_query_has_one(status: str) -> None:
    assert check(ask(1_790_000_000.5, status))


@pytest.mark.parametrize("char", ["\u3164", "\u115f", "\u2800", "\u034f", "\ufe0f", "\U000e0100", "\u00a0"])
def test_a_job_id_with_what_is_not_seen_is_the_same_id_and_seen_in_the_line(char: str) -> None:
    job_id = f"8ab1{char}"
    told = outcome(json.dumps({"job_id": job_id}), path=f"/v1/0123{char}/cloudservers")
    line = b"".join(by_models(told, 7).splitlines(keepends=True)[:1]).decode()
    assert char not in line
    assert json.loads(line)["submission"]["job_id"] == job_id
    assert json.loads(line)["http"]["path"].startswith("/v1/0123\\")
    query = ask(0, "RUNNING", job_id=job_id)
    assert clean_line(query, STAMP, 7) is None
    assert char not in by_models(query, 7).decode()


@pytest.mark.parametrize("body", [BAD_ERROR, "", None, '{"job_id": 1}'])
def test_what_is_not_has_none(body: str | None) -> None:
    assert not check(outcome(body))


@given(
    ANY.filter(str.strip),
    ANY.filter(str.strip),
    SEGMENT,
    st.none() | ANY,
    st.none() | ANY,
    st.none() | SEGMENT,
    st.none() | st.floats(0, 253_402_300_799),
    st.integers(0, 2**40),
)
def test_whatever_is_in_it(
    message: str,
    host: str,
    segment: str,
    request_id: str | None,
    client: str | None,
    digest: str | None,
    ended: float | None,
    seq: int,
) -> None:
    """Texts of any kind: quotes, controls, private use, what JSON writers escape or do not."""
    body = json.dumps({"error": {"message": message, "code": "Ecs.0001"}}, ensure_ascii=False)
    told = outcome(
        body.encode("utf-8", "replace"),
        400,
        host=host,
        path=f"/v1/{segment}/cloudservers",
        request_id=request_id,
        client=client,
        request_digest=digest,
        ended=ended,
    )
    check(told, seq)


@given(ANY)
def test_any_job_id(job_id: str) -> None:
    check(outcome(json.dumps({"job_id": job_id}).encode()))
    check(ask(1_790_000_000.5, "RUNNING", job_id))
