"""The job ids in a log."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from taskaudit.jobs import COLUMNS, Job, as_csv, as_json, jobs_in
from taskaudit.log import Damaged, LogError
from taskaudit.recorder import Recorder
from tests.samples import BAD_ERROR, JOB, JOB_ID, outcome

JOB_ROW = Job(
    "2026-09-21T14:13:20.250000Z", JOB_ID, "ecs:X", "POST", "h", "/p", 200, "192.0.2.7", "req-1", "TA203"
)


def test_jobs_in_order(recorder: Recorder, log_path: Path) -> None:
    recorder.record(outcome('{"job_id": "b"}'))
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.record(outcome('{"job_id": ""}'))
    recorder.record(outcome(None))
    recorder.record(outcome('{"job_id": "a b", "error": {}}', path="/x"))
    recorder.record(outcome(JOB, method="GET", path="/v1/p/jobs/a"))
    first, second = jobs_in(log_path)
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert (first.job_id, first.submitted, first.status) == ("b", "2026-09-21T14:13:20.250000Z", 200)
    assert (first.method, first.host, first.path) == ("POST", "ecs.example.com", "/v1/0123/cloudservers")
    assert (first.client, first.request_id, first.rules) == ("192.0.2.7", "req-1", "")
    assert (second.job_id, second.route) == ("a b", None)
    assert second.rules == "TA102 TA203 TA302 TA305"


def test_the_operation_is_the_route_or_the_request_line(recorder: Recorder, log_path: Path) -> None:
    recorder.record(outcome())
    recorder.record(outcome(path="/x"))
    recorder.record(outcome(method=None, host=None, path=None))
    operations = [job.operation for job in jobs_in(log_path) if isinstance(job, Job)]
    assert operations[0].startswith("ecs:")
    assert operations[1:] == ["POST /x", ""]


def test_damage_is_told(recorder: Recorder, log_path: Path) -> None:
    with log_path.open("ab") as file:
        file.write(b"damaged\n")
    recorder.record(outcome())
    damaged, job = jobs_in(log_path)
    assert isinstance(damaged, Damaged)
    assert isinstance(job, Job)


def test_a_foreign_file(log_path: Path) -> None:
    log_path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(LogError, match="not a log"):
        list(jobs_in(log_path))


def test_json_has_the_columns() -> None:
    line = json.loads(as_json(JOB_ROW))
    assert tuple(line) == COLUMNS
    assert tuple(line.values()) == JOB_ROW.cells()


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", " =1"),
        ("a=1", "a=1"),
        ('a"b', 'a"b'),
        ("a,b", "a,b"),
        ("a\nb", "a\nb"),
        (None, ""),
        (200, "200"),
    ],
)
def test_a_cell_is_no_formula(cell: object, shown: str) -> None:
    assert next(csv.reader(io.StringIO(as_csv([["x", cell]]), newline=""))) == ["x", shown]


def test_csv_rows() -> None:
    assert as_csv([COLUMNS, JOB_ROW.cells()]) == (
        "submitted,job_id,route,method,host,path,status,client,request_id,rules\r\n"
        f"2026-09-21T14:13:20.250000Z,{JOB_ID},ecs:X,POST,h,/p,200,192.0.2.7,req-1,TA203\r\n"
    )


def test_one_line_is_harmless() -> None:
    hostile = Job("t", "a\x1b[31m\u202e", None, "POST", None, "/\n/x", None, None, None, "")
    assert hostile.one_line() == r"t  a\u001b[31m\u202e  POST /\n/x"
