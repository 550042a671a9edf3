"""Lines of a log as rows: what is kept in columns, and what is no record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskaudit.log.record import NotARecord
from taskaudit.store.rows import Row, row_of
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import ask, submit, write_log


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    """A log with everything: a session, a job, a query, a placeholder, an aborted one, a finding, totals."""
    outcomes = [submit(0), ask(1, "RUNNING"), ask(2, None, "None"), submit(3, None), outcome(BAD_ERROR, 400)]
    return write_log(tmp_path / "log", outcomes).read_bytes().splitlines(keepends=True)


def rows(lines: list[bytes], event_type: str) -> list[Row]:
    """The rows of one type."""
    return [row for row in map(row_of, lines) if row.event_type == event_type]


def changed(line: bytes, **members: Any) -> bytes:
    """The record with other members."""
    return json.dumps({**json.loads(line), **members}).encode() + b"\n"


def test_every_line_is_kept_as_it_is(lines: list[bytes]) -> None:
    assert [row_of(line).record.encode() + b"\n" for line in lines] == lines
    assert len({row_of(line).record_id for line in lines}) == len(lines)


def test_a_record_lies_with_its_job_or_else_its_exchange_or_else_its_session(lines: list[bytes]) -> None:
    for row in map(row_of, lines):
        if row.has_job:
            assert row.job_id in (JOB_ID, "None")
        else:
            assert row.job_id == (row.exchange_id or row.session_id)
    assert {row.event_type for row in map(row_of, lines) if row.has_job} == {"submission", "job_query"}


def test_what_the_columns_hold(lines: list[bytes]) -> None:
    first, bad = rows(lines, "submission")
    assert (first.timestamp, first.at) == ("2026-09-21T14:13:20.000000Z", 1_790_000_000.0)
    assert first.route == first.operation == "ecs:CreateServers"
    assert first.http_status == 200
    assert (first.kind, first.well_formed, first.is_query) == ("job", True, False)
    assert (bad.rules, bad.fail_reason) == ("TA306", "bad")
    known, placeholder = rows(lines, "job_query")
    assert (known.status, known.is_query, known.is_placeholder) == ("RUNNING", True, False)
    assert (placeholder.status, placeholder.is_placeholder) == (None, True)
    assert [row.status for row in rows(lines, "session")] == ["start", "stop"]
    assert rows(lines, "unaudited")[0].has_job is False
    found = next(row for row in rows(lines, "finding") if row.rule == "TA306")
    assert (found.pointer, found.severity, found.line_number) == ("/error/code", "error", 1)


@pytest.mark.parametrize(
    ("job_id", "kept", "shown"),
    [
        ("plain", "plain", None),
        ("nul\0", r"nul\u0000", r"nul\u0000"),
        ("\x1b[31m", "\x1b[31m", r"\u001b[31m"),
        ("é" * 201, "é" * 201, "é" * 199 + "…"),
    ],
)
def test_job_ids_that_are_hard_to_keep(tmp_path: Path, job_id: str, kept: str, shown: str | None) -> None:
    line = write_log(tmp_path / "log", [submit(0, job_id)]).read_bytes().splitlines()[1]
    row = row_of(line)
    assert (row.job_id, row.shown) == (kept, shown)
    assert json.loads(row.record)["submission"]["job_id"] == job_id


def test_times_are_kept_so_that_they_sort(lines: list[bytes]) -> None:
    assert row_of(changed(lines[1], timestamp="2026-09-21T16:13:20+02:00")).timestamp == (
        "2026-09-21T14:13:20.000000Z"
    )


def test_a_type_that_comes_later_is_kept(lines: list[bytes]) -> None:
    later = changed(lines[0], event_type="rotation", rotation={"into": "log.1"})
    assert row_of(later).event_type == "rotation"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"seq": -1}, "not a record"),
        ({"seq": 2**63}, "not a record"),
        ({"seq": "0"}, "not a record"),
        ({"record_id": "x"}, "not a record"),
        ({"timestamp": "yesterday"}, "not a record"),
        ({"event_type": None}, "not a record"),
        ({"event_type": "finding"}, "no object named after its event_type"),
        ({"event_type": "later"}, "no object named after its event_type"),
        ({"submission": {}}, "missing required field"),
        ({"http": None}, "not a record"),
        ({"http": {"method": 5}}, "not a record"),
    ],
)
def test_what_is_no_record(lines: list[bytes], members: dict[str, Any], reason: str) -> None:
    assert row_of(lines[1]).event_type == "submission"
    with pytest.raises(NotARecord, match=reason):
        row_of(changed(lines[1], **members))


@pytest.mark.parametrize("line", [b"damaged\n", b"\n", b"[]\n", b"{}\n", b'{"a": "\xff"}\n', b"[" * 100_000])
def test_what_is_not_even_json(line: bytes) -> None:
    with pytest.raises(NotARecord):
        row_of(line)
