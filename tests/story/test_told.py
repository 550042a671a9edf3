"""Exchanges and findings as logs tell them: put aside as plain values, and taken up again."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.log.record import NotARecord, Record, decode
from taskaudit.story import told as places
from taskaudit.story.told import (
    Found,
    Told,
    bare,
    found_in,
    found_of,
    plain_bare,
    plain_found,
    plain_told,
    time_of,
    told_of,
)
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import START, ask, submit, write_log

SUB_JOBS = [{"status": "RUNNING"}, {"status": "SUCCESS"}]


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    exchanges = [
        submit(1, request_digest="same"),
        submit(2, None),
        outcome(BAD_ERROR, 400, started=START + 2, ended=START + 3),
        ask(4, "FAIL", sub_jobs=SUB_JOBS, error_code="Ecs.0219", fail_reason="no flavor"),
        ask(5, None, "other", error={"code": "E", "message": "busy"}),
    ]
    lines = write_log(tmp_path / "log", exchanges).read_bytes().splitlines()
    return [record for record in map(decode, lines) if record.exchange_id]


def of(records: list[Record], event_type: str) -> Record:
    return next(record for record in records if record.event_type == event_type)


def test_what_is_put_aside_is_what_is_told(records: list[Record]) -> None:
    for record in records:
        if record.event_type != "finding":
            told = told_of(record, 1.5)
            assert Told(*marshal.loads(marshal.dumps(plain_told(record, 1.5, 0)))) == told
            assert told.nth == 0
            assert plain_told(record, 1.5, 7)[6] == 7
        assert Told(*plain_bare(record, 1.5)) == bare(record, 1.5)


def test_a_submission(records: list[Record]) -> None:
    told = told_of(of(records, "submission"), 1.5)
    assert (told.at, told.is_query, told.is_final, told.is_audited) == (1.5, False, False, True)
    assert (told.job_id, told.kind, told.status, told.unaudited) == (JOB_ID, "job", None, None)
    assert (told.method, told.host, told.path) == ("POST", "ecs.example.com", "/v1/0123/cloudservers")
    assert (told.route, told.http_status, told.client) == ("ecs:CreateServers", 200, "192.0.2.7")
    assert (told.request_id, told.instance) == ("req-1", "proxy-a")
    assert told.repeat_key
    refused = next(record for record in records if record.submission and record.submission.kind == "error")
    assert "TA306" in told_of(refused, 1).rules


def test_a_query(records: list[Record]) -> None:
    told = told_of(of(records, "job_query"), 2)
    assert (told.is_query, told.is_final, told.status, told.job_id) == (True, True, "FAIL", JOB_ID)
    assert (told.error_code, told.fail_reason) == ("Ecs.0219", "no flavor")
    assert told.sub_jobs == (("RUNNING", 1), ("SUCCESS", 1))
    assert (told.method, told.route, told.http_status, told.kind) == ("GET", "ecs:ShowJob", 200, None)


def test_what_was_not_audited(records: list[Record]) -> None:
    told = told_of(of(records, "unaudited"), 2)
    assert (told.is_audited, told.unaudited, told.is_query, told.job_id) == (False, "aborted", False, None)


def test_the_places_of_values() -> None:
    """By which what was put aside is looked at without being taken up."""
    names = {
        name.lower(): place
        for name, place in vars(places).items()
        if name.isupper() and isinstance(place, int) and not name.startswith("_")
    }
    assert len(names) == 17
    assert {name: Told.__struct_fields__[place] for name, place in names.items()} == {
        name: name for name in names
    }


FACTS = st.tuples(
    st.sampled_from([1.0, 2.0]), st.booleans(), st.booleans(), st.integers(0, 3), st.sampled_from("ab")
)
REST = st.tuples(st.none() | st.text(max_size=1), st.none() | st.text(max_size=1))


@given(st.lists(st.tuples(FACTS, REST), max_size=9))
def test_exchanges_sort_as_they_must_have_been(
    facts: list[tuple[tuple[float, bool, bool, int, str], tuple[str | None, str | None]]],
) -> None:
    """Whatever else is told: it may not be comparable."""
    all_told = [(*first, "i", nth, *rest) for nth, (first, rest) in enumerate(facts)]
    assert sorted(all_told) == sorted(all_told, key=lambda told: told[:7])


@pytest.mark.parametrize("waiver", [None, Waiver("TA306", "a reason", "an owner", "2026-12-31")])
def test_a_finding_is_put_aside_and_taken_up(waiver: Waiver | None) -> None:
    found = Found(1.5, "TA306", "n", Severity.INFO, "/p", "e", "f", 3, None, "fingerprint", waiver)
    taken_up = found_in(marshal.loads(marshal.dumps(plain_found(found))))
    assert taken_up == found
    assert isinstance(taken_up.severity, Severity)


def test_a_finding_of_a_log(records: list[Record]) -> None:
    found = found_of(of(records, "finding"), 3)
    assert (found.at, found.rule, found.severity, found.waiver) == (3, "TA306", Severity.ERROR, None)
    assert found.pointer.startswith("/error")


def test_the_time_of_a_record(records: list[Record]) -> None:
    assert time_of(of(records, "submission")) == START + 1
    records[0].timestamp = "yesterday"
    with pytest.raises(NotARecord, match="not a record: Invalid isoformat"):
        time_of(records[0])
