"""What is read of a line: all that the recorder writes, and no value that a column cannot hold."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from taskaudit.contract.unseen import is_harmless
from taskaudit.log.record import ExchangeRecord, NotARecord, as_line, decode, decode_any
from tests.tangles import tangle


def test_all_that_the_recorder_writes_is_read(tmp_path: Path) -> None:
    lines = [line for log in tangle(tmp_path, 1) for line in log.read_bytes().splitlines()]
    read = [decode(line) for line in lines]
    assert [record.record_id for record in read] == [json.loads(line)["record_id"] for line in lines]
    assert {record.event_type for record in read} >= {"session", "submission", "job_query", "finding"}


@pytest.mark.parametrize(
    ("member", "value"), [("seq", 2**63), ("seq", -1), ("record_id", "0"), ("client", 1)]
)
def test_what_no_column_can_hold(tmp_path: Path, member: str, value: object) -> None:
    record = json.loads(tangle(tmp_path, 1)[0].read_bytes().splitlines()[1])
    decode(json.dumps(record).encode())
    with pytest.raises(NotARecord, match=member):
        decode(json.dumps({**record, member: value}).encode())


RECORDS = st.builds(
    lambda kind, **facts: (kind, facts),
    st.sampled_from(["job_query", "submission"]),
    status=st.none() | st.text(max_size=20),
    job_id=st.text(max_size=20),
    code=st.none() | st.text(max_size=20),
    is_final=st.booleans(),
    path=st.none() | st.text(max_size=20),
    number=st.integers(0, 2**31 - 1),
    rules=st.lists(st.sampled_from(["TA101", "TA306", "TA508"]), max_size=3),
    matched_by=st.sampled_from(["route", "job_id", "resource"]),
    sub_job_ids=st.lists(st.text("aZ0-._~", min_size=1, max_size=5), max_size=3),
    sub_jobs=st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3),
)


def record_of(kind: str, facts: dict[str, Any]) -> ExchangeRecord:
    """A record as the recorder makes it."""
    header = {
        "timestamp": "2026-09-21T14:13:20.000001Z",
        **{"record_id": "00ff", "instance_id": "proxy-a", "session_id": "s", "seq": facts["number"]},
        **{"exchange_id": "e", "flow_id": "f", "request_id": facts["code"], "client": facts["status"]},
    }
    http = {"method": "GET", "host": None, "path": facts["path"], "route": None, "status": facts["number"]}
    shared = {"job_id": facts["job_id"], "rules": facts["rules"]}
    if kind == "submission":
        verdict = {"kind": "job", "well_formed": True, "code": facts["code"], "message": None}
        body: dict[str, Any] = {
            **verdict,
            **shared,
            "repeat_key": facts["code"],
            "has_query_route": facts["is_final"],
        }
    else:
        answer = {"status": facts["status"], "is_final": facts["is_final"], "error_code": facts["code"]}
        sub_job = {"job_id": None, "job_type": None, "error_code": None, "fail_reason": facts["code"]}
        more = {"matched_by": facts["matched_by"], "sub_job": sub_job if facts["code"] else None}
        more |= {"sub_job_ids": facts["sub_job_ids"], "sub_jobs": facts["sub_jobs"]}
        body = {**answer, **shared, **more, "fail_reason": facts["status"]}
    known = {**header, "schema_version": 2, "http": http, "event_type": kind, kind: body}
    return msgspec.convert(known, ExchangeRecord)


@given(RECORDS)
def test_what_is_read_is_what_was_written(known: tuple[str, dict[str, Any]]) -> None:
    record = record_of(*known)
    line = as_line(record)
    assert is_harmless(line.decode()[:-1])
    for read in (decode(line), decode_any(line)):
        assert structs.asdict(read) == structs.asdict(record)


IN_VERSION_2 = {"in_scope", "waived", "has_query_route", "matched_by", "sub_job", "sub_job_ids", "waiver"}


def test_lines_of_version_1_and_of_later_ones_are_read(tmp_path: Path) -> None:
    """Those lack some members, these may have more."""

    def older(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: older(member) for name, member in value.items() if name not in IN_VERSION_2}

    for line in tangle(tmp_path, 1)[0].read_bytes().splitlines():
        record = json.loads(line)
        assert decode(json.dumps({**older(record), "schema_version": 1}).encode()).schema_version == 1
        more = {**record, "more": 1, record["event_type"]: {**record[record["event_type"]], "more": [1]}}
        assert decode(json.dumps(more).encode()) == decode(line)


@pytest.mark.parametrize(
    ("event_type", "body"),
    [
        ("fault", {"reason": "of_a_later_version", "lost": 3}),
        ("fault", {}),
        ("session", {"state": "stop"}),
        ("of_a_later_version", {}),
    ],
)
def test_what_no_reader_needs_may_be_missing_or_new(event_type: str, body: dict[str, Any]) -> None:
    header = {"timestamp": "2026-09-21T14:13:20Z", "record_id": "00", "instance_id": "i", "session_id": "s"}
    line = json.dumps({**header, "seq": 0, "event_type": event_type, event_type: body}).encode()
    assert decode(line).event_type == event_type
    with pytest.raises(NotARecord, match="no object named after its event_type"):
        decode(line.replace(f'"{event_type}": {{'.encode(), b'"other": {'))


def test_a_lone_surrogate_is_read_by_commands_and_not_by_the_store(tmp_path: Path) -> None:
    record = json.loads(tangle(tmp_path, 1)[0].read_bytes().splitlines()[1])
    line = json.dumps({**record, "client": "\ud800"}).encode()
    assert decode_any(line).client == "\ud800"
    with pytest.raises(NotARecord, match="surrogate"):
        decode(line)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_a_line_holds_it_is_a_record_or_is_told(line: bytes) -> None:
    with suppress(NotARecord):
        decode_any(line)
