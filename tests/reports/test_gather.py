"""Logs, captures, folders and standard input in one report, whatever is wrong with some of them."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from taskaudit.auditor import Auditor, Outcome
from taskaudit.config.loading import load
from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.reports.gather import gather
from taskaudit.reports.model import Report
from taskaudit.sources.captured import Captured
from taskaudit.sources.reading import read
from taskaudit.story.groups import FoundStory
from taskaudit.story.job_story import JobStory
from tests.reports.runs import MADE, RUN, refused, report_on
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID
from tests.stories import START, ask, submit, write_log

PATH = "/v1/0123/cloudservers"


def entry(
    second: int, body: str, status: int = 200, method: str = "POST", path: str = PATH
) -> dict[str, Any]:
    """An entry of a HAR."""
    json_type = [{"name": "Content-Type", "value": "application/json"}]
    return {
        "startedDateTime": f"2026-09-21T14:13:{second:02}Z",
        "time": 250,
        "request": {"method": method, "url": f"https://ecs.example.com{path}", "headers": []},
        "response": {"status": status, "headers": json_type, "content": {"text": body, "mimeType": "x"}},
    }


ENTRIES = [
    entry(21, JOB),
    entry(
        25, json.dumps({"status": "RUNNING", "job_id": JOB_ID}), method="GET", path=f"/v1/0123/jobs/{JOB_ID}"
    ),
    entry(
        29, json.dumps({"status": "SUCCESS", "job_id": JOB_ID}), method="GET", path=f"/v1/0123/jobs/{JOB_ID}"
    ),
    entry(30, '{"job_id": "8ab1"}'),
    entry(31, BAD_ERROR, 400),
    entry(32, BAD_ERROR, 400),
    entry(33, "{}", method="GET", path="/v1/0123/flavors"),
    entry(34, "{}", 404, method="GET", path="/v1/0123/jobs/None"),
]


def har(path: Path, entries: list[dict[str, Any]] = ENTRIES) -> Path:
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


def outcomes(path: Path) -> list[Outcome]:
    """What the audit makes of a capture."""
    auditor = Auditor(load().catalogue, DEFAULT_LIMIT)
    items = read(path, DEFAULT_LIMIT)
    return [auditor.look(item.exchange) for item in items if isinstance(item, Captured)]


def jobs(report: Report) -> list[JobStory]:
    """The jobs, but for where they were seen."""
    return [
        structs.replace(job, instance=None, queries=tuple(replace(step, instance="") for step in job.queries))
        for job in report.jobs
    ]


def found(report: Report) -> list[FoundStory]:
    """The findings, but for where they were seen."""
    return [replace(each, example=replace(each.example, instance="")) for each in report.findings]


def test_a_capture_is_reported_as_the_log_of_its_exchanges(tmp_path: Path) -> None:
    capture = har(tmp_path / "session.har")
    told = report_on(capture)
    logged = report_on(write_log(tmp_path / "log", outcomes(capture)))
    assert (jobs(told), found(told), told.operations) == (jobs(logged), found(logged), logged.operations)
    assert (told.period, told.kinds, told.states) == (logged.period, logged.kinds, logged.states)
    assert told.rules == logged.rules == (("TA306", 2), ("TA501", 1), ("TA502", 1), ("TA507", 2))
    assert told.coverage.totals.audited == logged.coverage.totals.audited == 7
    assert (told.coverage.totals.seen, told.coverage.totals.other) == (8, 1)
    assert told.coverage.is_whole


def test_what_stands_in_a_capture_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(BAD_ERROR, encoding="utf-8")
    capture = har(tmp_path / "b.har", ENTRIES[:1])
    report = report_on(tmp_path)
    assert report.sources == (str(tmp_path / "a.json"), str(capture))
    assert {each.example.instance for each in report.findings if each.rule == "TA306"} == {
        str(tmp_path / "a.json")
    }
    assert [job.instance for job in report.jobs] == [str(capture)]


def test_logs_captures_and_folders_together(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    log = write_log(tmp_path / "below" / "audit.ndjson", [submit(1, "8ab1"), refused(2)])
    capture = har(tmp_path / "session.har", ENTRIES[:3])
    report = report_on(tmp_path)
    assert report.sources == (str(log), str(capture))
    assert [job.job_id for job in report.jobs] == ["8ab1", JOB_ID]
    assert (report.coverage.sessions, report.coverage.totals.audited) == (2, 5)
    assert report.damaged == ()


def test_a_submission_in_a_log_and_its_queries_in_a_capture_are_one_job(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(1)])
    (job,) = report_on(har(tmp_path / "session.har", ENTRIES[1:3]), log).jobs
    assert (job.submitted is not None, job.state, job.rules) == (True, "final", ())


def test_the_order_of_the_files_makes_no_difference(tmp_path: Path) -> None:
    files = [
        har(tmp_path / "session.har", ENTRIES[1:3]),
        write_log(tmp_path / "log", [submit(1), refused(2)]),
    ]
    one, other = report_on(*files), report_on(*reversed(files))
    assert replace(one, sources=()) == replace(other, sources=())


@pytest.mark.parametrize("spelling", ["session.har", "./session.har", "../{}/session.har", "link.har"])
def test_a_file_named_twice_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.chdir(tmp_path)
    capture = har(tmp_path / "session.har")
    (tmp_path / "link.har").symlink_to(capture)
    report = report_on(capture, Path(spelling.format(tmp_path.name)))
    assert report == report_on(capture)


def test_an_exchange_in_two_captures_is_told_once_and_that_is_said(tmp_path: Path) -> None:
    first, second = har(tmp_path / "a.har"), har(tmp_path / "b.har", ENTRIES[:5])
    report = report_on(first, second)
    assert found(report) == found(report_on(first))
    assert report.repeated == 5
    audited = sum(operation.audited for operation in report.operations)
    assert report.coverage.totals.audited == audited + report.repeated


def test_two_equal_answers_without_a_request_are_two(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(BAD_ERROR, encoding="utf-8")
    report = report_on(tmp_path)
    assert (report.repeated, report.coverage.totals.audited, dict(report.rules)["TA306"]) == (0, 2, 2)


def test_what_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    capture = har(tmp_path / "session.har")
    capture.write_bytes(capture.read_bytes().replace(b'"startedDateTime": "2026-09-21T14:13:30Z"', b'"x" 1'))
    log = write_log(tmp_path / "log", [refused(50)])
    log.write_bytes(log.read_bytes().replace(b'"event_type":"stats"', b'"event_type":"unheard"') + b'{"a"')
    report = report_on(log, capture, tmp_path / "missing.har")
    told = "\n".join(report.damaged)
    assert "missing.har: cannot be read: no such file or directory" in told
    assert "session.har[3]: damaged at" in told
    assert f"{log}, line 4: not a record" in told
    assert "the line is not finished" in told
    assert len(report.damaged) == 4
    assert {"TA306"} <= set(dict(report.rules))


def test_standard_input_is_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(BAD_ERROR.encode())))
    report = report_on(Path("-"))
    assert report.sources == ("standard input",)
    assert report.findings[0].example.instance == "standard input"


def test_a_log_on_standard_input_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "log", RUN)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(log.read_bytes())))
    (message,) = report_on(Path("-")).damaged
    assert message.startswith("standard input: ")
    assert "not a capture: a log of taskaudit" in message


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_a_pipe_is_read_from_its_first_byte(tmp_path: Path) -> None:
    """As a shell's <(curl -i ...) gives one: it can be read only once."""
    reading, writing = os.pipe()
    os.write(writing, ERROR.encode())
    os.close(writing)
    report = report_on(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    assert (report.kinds, report.damaged) == ((("error", 1),), ())


@pytest.mark.parametrize("is_live", [True, False])
def test_a_log_is_read_with_its_rotated_files(tmp_path: Path, is_live: bool) -> None:
    log = write_log(tmp_path / "audit.ndjson", [submit(1), refused(2)])
    whole = report_on(log)
    log.rename(tmp_path / "audit.20260921T141320Z-001.ndjson")
    if is_live:
        write_log(log, [ask(5, "SUCCESS")])
    for named in (log, tmp_path):
        report = report_on(named)
        (job,) = report.jobs
        assert job.state == ("final" if is_live else "never-queried")
        assert dict(report.rules)["TA306"] == dict(whole.rules)["TA306"] == 1
        assert report.damaged == ()


def test_a_compressed_log_is_a_log(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.ndjson", RUN)
    whole = report_on(log)
    (tmp_path / "audit.ndjson.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    for named in (log, tmp_path, tmp_path / "audit.ndjson.1.gz"):
        assert replace(report_on(named), sources=()) == replace(whole, sources=())


def test_a_compressed_capture_is_a_capture(tmp_path: Path) -> None:
    capture = har(tmp_path / "session.har", ENTRIES)
    packed = tmp_path / "session.har.gz"
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    assert report_on(packed).rules == report_on(capture).rules


def test_what_only_looks_like_a_log_is_damage(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"something else"))
    log = write_log(tmp_path / "log", RUN)
    report = report_on(tmp_path / "x.gz", log)
    assert len(report.damaged) == 1
    assert report.damaged[0].startswith(str(tmp_path / "x.gz"))
    assert report.rules == report_on(log).rules


def test_an_open_log_is_judged_at_its_own_time(tmp_path: Path) -> None:
    """Not at that of the capture's reading: its client may still ask."""
    log = write_log(tmp_path / "log", [submit(1)], stop=False, ends=2)
    report = report_on(log, har(tmp_path / "session.har", ENTRIES[4:5]))
    assert "TA501" not in dict(report.rules)
    assert report.coverage.open_sessions == 1


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\x1b[2J\xff.json")
    (tmp_path / name).write_text(BAD_ERROR, encoding="utf-8")
    (source,) = report_on(tmp_path / name).sources
    assert source == f"{tmp_path}/a\\u001b[2J\\udcff.json"


def test_the_bytes_read_are_told(tmp_path: Path) -> None:
    log, capture = write_log(tmp_path / "log", RUN), har(tmp_path / "session.har")
    read_bytes: list[int] = []
    gather([log, capture], load(), clock=lambda: MADE, advance=read_bytes.append)
    assert sum(read_bytes) == log.stat().st_size + capture.stat().st_size


def test_the_configuration_counts(tmp_path: Path) -> None:
    config = tmp_path / "taskaudit.yaml"
    config.write_text("query_within: 3\nunlisted: ignore\n", encoding="utf-8")
    log = write_log(tmp_path / "log", [submit(1), ask(9, "SUCCESS")])
    capture = har(tmp_path / "session.har", [entry(40, BAD_ERROR, 400, path="/v9/things")])
    report = gather([log, capture], load(config), clock=lambda: START)
    assert (dict(report.rules), report.coverage.totals.other) == ({"TA501": 1}, 1)
