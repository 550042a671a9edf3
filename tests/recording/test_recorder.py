"""A session in the log: numbered without gaps, with sums that add up, and losses told exactly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskaudit import __version__
from taskaudit.auditor import Outcome
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import Lifecycle, Thresholds
from taskaudit.log import LogFile
from taskaudit.log.record import Fault
from taskaudit.policy.policy import Override, Policy
from taskaudit.recording.recorder import Recorder
from taskaudit.times import rfc3339
from tests.samples import AT, BAD_ERROR, ERROR, JOB_ID, auditor, exchange, outcome, waiver

Lines = Callable[[], list[dict[str, Any]]]


def query(status: str, job_id: str = JOB_ID, **facts: Any) -> Outcome:
    """A job query and its answer."""
    return outcome(f'{{"status": "{status}"}}', method="GET", path=f"/v1/p/jobs/{job_id}", **facts)


def test_the_first_line_is_long_and_unique(
    log_path: Path, tmp_path: Path, new_recorder: Callable[..., Recorder]
) -> None:
    new_recorder().start()
    new_recorder(log=LogFile(tmp_path / "second")).start()
    first, second = log_path.read_bytes(), (tmp_path / "second").read_bytes()
    assert len(first) > 1024
    assert first.count(b"\n") == 1
    assert first[:1024] != second[:1024]


def test_a_session_says_what_it_is(recorder: Recorder, lines: Lines) -> None:
    (start,) = lines()
    session = start["session"]
    assert (session["state"], session["version"], session["mode"]) == ("start", __version__, "regular")
    assert (session["config_digest"], session["totals"]) == ("d" * 64, None)
    assert {"code": "TA306", "name": "error-code-not-string", "severity": "error"} in session["rules"]
    assert (start["instance_id"], start["seq"]) == ("test", 0)


def test_a_whole_session(recorder: Recorder, lines: Lines) -> None:
    recorder.record(outcome())
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.record(outcome("{}", path="/other"))
    recorder.pass_by()
    recorder.record(outcome(None))
    recorder.record(query("INIT"))
    recorder.record(query("RUNNING"))
    recorder.fault(Fault(reason="audit_failed", rule="TA901", message="m"))
    recorder.stats()
    recorder.stop()
    records = lines()
    assert [record["event_type"] for record in records] == [
        "session",
        "submission",
        "submission",
        "finding",
        "unaudited",
        "job_query",
        "job_query",
        "fault",
        "stats",
        "finding",
        "stats",
        "session",
    ]
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert len({record["record_id"] for record in records}) == len(records)
    assert {record["session_id"] for record in records} == {recorder.stamp.session_id}
    stats, totals = records[-2]["stats"], records[-1]["session"]["totals"]
    assert stats == totals
    assert stats["seen"] == stats["other"] + stats["audited"] + sum(stats["unaudited"].values()) == 7
    assert (stats["other"], stats["in_scope"]) == (2, 5)
    assert (stats["findings"], stats["open_jobs"], stats["evicted"]) == ({"TA306": 1, "TA506": 1}, 1, 0)


def test_all_records_of_an_exchange_go_with_one_write(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(recorder.log, "append", written.append)
    recorder.record(outcome('{"error": {}}', 200))
    assert [lines.count(b"\n") for lines in written] == [4]


def test_a_new_session_starts_again_at_0(
    recorder: Recorder, new_recorder: Callable[..., Recorder], lines: Lines
) -> None:
    recorder.stop()
    second = new_recorder()
    second.start()
    assert [record["seq"] for record in lines()] == [0, 1, 2, 0]
    assert len({record["session_id"] for record in lines()}) == 2


def test_a_repair_is_told(new_recorder: Callable[..., Recorder], log_path: Path, lines: Lines) -> None:
    first = new_recorder()
    first.start()
    first.log.close()
    with log_path.open("ab") as file:
        file.write(b'{"timestamp":"half')
    second = new_recorder()
    second.start()
    fault = lines()[-1]
    assert (fault["event_type"], fault["fault"]["reason"], fault["seq"]) == ("fault", "log_repaired", 1)
    (kept,) = log_path.parent.glob("audit.ndjson.partial-*")
    assert kept.name in fault["fault"]["message"]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Lets every write fail from a call with True to a call with False."""
    write = os.write

    def fails(*_: object) -> int:
        raise OSError(28, "No space left on device")

    return lambda full: monkeypatch.setattr(os, "write", fails if full else write)


def test_lost_records_are_counted_and_told(
    recorder: Recorder, lines: Lines, full_disk: Callable[[bool], None]
) -> None:
    recorder.record(outcome(ERROR, 403))
    full_disk(True)
    recorder.record(outcome(ERROR, 403))
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.stats()
    assert recorder.failing == "No space left on device"
    full_disk(False)
    recorder.record(outcome(ERROR, 403))
    recorder.record(outcome(ERROR, 403))
    assert recorder.failing is None
    records = lines()
    assert [record["seq"] for record in records] == [0, 1, 6, 7, 8]
    assert [record["event_type"] for record in records[2:]] == ["fault", "submission", "submission"]
    fault = records[2]["fault"]
    assert (fault["reason"], fault["rule"], fault["lost"]) == ("records_lost", "TA902", 4)
    assert fault["message"] == "4 records could not be written: No space left on device"
    assert rfc3339(1_790_000_000) < fault["first"] < fault["last"] < records[2]["timestamp"]
    assert recorder.totals.lost == 4


def test_the_totals_count_what_was_lost_too(
    recorder: Recorder, lines: Lines, full_disk: Callable[[bool], None]
) -> None:
    full_disk(True)
    recorder.record(outcome(BAD_ERROR, 400))
    full_disk(False)
    recorder.stats()
    stats = lines()[-1]["stats"]
    assert (stats["seen"], stats["audited"], stats["lost"]) == (1, 1, 2)


def test_a_second_loss_is_counted_anew(
    recorder: Recorder, lines: Lines, full_disk: Callable[[bool], None]
) -> None:
    for _ in range(2):
        full_disk(True)
        recorder.record(outcome(ERROR, 403))
        full_disk(False)
        recorder.record(outcome(ERROR, 403))
    faults = [record["fault"] for record in lines() if record["event_type"] == "fault"]
    assert [fault["lost"] for fault in faults] == [1, 1]
    assert faults[0]["first"] == faults[0]["last"]
    assert recorder.totals.lost == 2


def test_a_loss_at_the_stop_raises_nothing(recorder: Recorder, full_disk: Callable[[bool], None]) -> None:
    full_disk(True)
    recorder.stop()
    full_disk(False)
    assert recorder.totals.lost == 2


def test_the_stop_lets_another_have_the_file(recorder: Recorder, log_path: Path) -> None:
    recorder.stop()
    LogFile(log_path).close()


def test_after_the_stop_nothing_is_written(recorder: Recorder, log_path: Path) -> None:
    recorder.stop()
    before = log_path.read_bytes()
    recorder.record(outcome())
    assert recorder.failing == "Bad file descriptor"
    assert log_path.read_bytes() == before


def late(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The findings recorded, each with the method of the request it stands on."""
    return [(r["finding"]["rule"], r["http"]["method"]) for r in records if r["event_type"] == "finding"]


def test_what_a_query_brings_up_goes_with_its_write(
    recorder: Recorder, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    append = recorder.log.append
    monkeypatch.setattr(recorder.log, "append", lambda data: (written.append(data), append(data)))
    found = recorder.record(query("INIT", "None"))
    assert [each.finding.rule for each in found] == ["TA502"]
    assert [data.count(b"\n") for data in written] == [2]
    assert late(lines()) == [("TA502", "GET")]


def test_the_time_allowed_runs_out_by_the_clock(new_recorder: Callable[..., Recorder], lines: Lines) -> None:
    recorder = new_recorder(lifecycle=Lifecycle(Thresholds(query_within=1)))
    recorder.start()
    assert recorder.record(outcome(ended=1_790_000_000.0)) == []
    found = [recorder.due() for _ in range(5)]  # The clock goes on by a second each time.
    assert [[each.finding.rule for each in some] for some in found if some] == [["TA501"]]
    assert late(lines()) == [("TA501", "POST")]
    finding = lines()[-1]
    assert (finding["timestamp"], finding["http"]["status"]) == (rfc3339(1_790_000_000.0), 200)
    assert finding["exchange_id"] == outcome(ended=1_790_000_000.0).exchange.exchange_id
    recorder.stop()
    assert [record["seq"] for record in lines()] == list(range(5))


def test_what_is_open_at_the_stop_is_told_once(recorder: Recorder, lines: Lines) -> None:
    for number in range(1200):
        recorder.record(outcome(f'{{"job_id": "j{number}"}}'))
    recorder.record(query("INIT", "j7"))
    recorder.stop()
    found = late(lines())
    assert (found.count(("TA501", "POST")), found.count(("TA506", "POST")), len(found)) == (1199, 1, 1200)
    assert [record["seq"] for record in lines()] == list(range(len(lines())))
    assert lines()[-1]["session"]["totals"]["findings"] == {"TA501": 1199, "TA506": 1}


def test_a_session_that_goes_on_in_another_settles_nothing(
    new_recorder: Callable[..., Recorder], lines: Lines
) -> None:
    first = new_recorder()
    first.start()
    first.record(outcome())
    first.stop(close=False, is_last=False)
    second = new_recorder(log=first.log, lifecycle=first.lifecycle)
    second.start()
    second.record(query("SUCCESS", ended=AT + 5))
    second.stop()
    assert late(lines()) == []


def test_what_was_forgotten_is_told(new_recorder: Callable[..., Recorder], lines: Lines) -> None:
    recorder = new_recorder(lifecycle=Lifecycle(Thresholds(table_size=2)))
    recorder.start()
    for number in range(5):
        recorder.record(outcome(f'{{"job_id": "j{number}"}}'))
    recorder.stats()
    stats = lines()[-1]["stats"]
    assert (stats["open_jobs"], stats["evicted"]) == (2, 3)


def test_findings_that_are_lost_are_counted(recorder: Recorder, full_disk: Callable[[bool], None]) -> None:
    recorder.record(outcome())
    full_disk(True)
    recorder.stop()
    full_disk(False)
    assert recorder.totals.lost == 3  # TA501, the last totals, the session's end.
    assert recorder.totals.findings == {"TA501": 1}


KNOWN, UNUSED, OLD = waiver("TA501", route="ecs:*"), waiver("TA402"), waiver("TA306", until="2020-01-01")


def test_the_policy_is_told_at_the_start_and_at_the_stop(
    new_recorder: Callable[..., Recorder], lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = [Override("TA506", None), Override("TA503", Severity.ERROR, "ecs:*")]
    recorder = new_recorder(policy=Policy(overrides, [KNOWN, UNUSED, OLD]).on("2026-01-01"))
    recorder.start()
    assert [(each.levelname, "expired after 2020-01-01" in each.message) for each in caplog.records] == [
        ("WARNING", True)
    ]
    recorder.record(outcome())
    recorder.stop()
    assert "the waiver for TA402 waived nothing" in caplog.messages[-1]
    start, stop = (record["session"] for record in lines() if record["event_type"] == "session")
    for session in (start, stop):
        assert session["waivers"] == 2
        assert [each["rule"] for each in session["expired_waivers"]] == ["TA306"]
        assert session["overrides"] == [
            {"rule": "TA506", "severity": "off", "route": None},
            {"rule": "TA503", "severity": "error", "route": "ecs:*"},
        ]
    assert start["unused_waivers"] is None
    assert [each["rule"] for each in stop["unused_waivers"]] == ["TA402"]


def test_findings_on_the_life_of_jobs_are_judged(new_recorder: Callable[..., Recorder], lines: Lines) -> None:
    recorder = new_recorder(policy=Policy([Override("TA503", None)], [KNOWN]))
    recorder.start()
    assert recorder.record(query("SUCCESS", "unheard-of")) == []
    recorder.record(outcome())
    recorder.record(outcome('{"job_id": "8ab1"}', path="/v9/things"))
    recorder.stop()
    found = [record["finding"] for record in lines() if record["event_type"] == "finding"]
    assert [(each["rule"], each["waiver"] is not None) for each in found] == [
        ("TA501", True),
        ("TA501", False),
    ]
    totals = lines()[-1]["session"]["totals"]
    assert (totals["findings"], totals["waived"]) == ({"TA501": 2}, {"TA501": 1})


def test_own_findings_come_judged(new_recorder: Callable[..., Recorder], lines: Lines) -> None:
    policy = Policy(waivers=[waiver()])
    recorder = new_recorder(policy=policy)
    recorder.start()
    recorder.record(auditor(policy=policy).look(exchange(BAD_ERROR, 400)))
    recorder.stop()
    stop = lines()[-1]["session"]
    assert (stop["totals"]["findings"], stop["totals"]["waived"]) == ({"TA306": 1}, {"TA306": 1})
    assert stop["unused_waivers"] == []


def test_without_a_policy_nothing_is_said(
    recorder: Recorder, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.stop()
    start, stop = (record["session"] for record in lines() if record["event_type"] == "session")
    assert (start["overrides"], start["waivers"], stop["unused_waivers"]) == ([], 0, [])
    assert caplog.messages == []
