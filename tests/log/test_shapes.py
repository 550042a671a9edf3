"""What is read of a line: all that the recorder writes, and no value that a column cannot hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskaudit.log.shapes import NotARecord, decode
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
