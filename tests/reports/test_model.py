"""The one model of all reports: its sums come from the same exchanges and findings."""

from __future__ import annotations

from pathlib import Path

from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import Thresholds
from taskaudit.recording.board import Board
from taskaudit.reports.model import live_report, report_of
from taskaudit.story.merged import Merged
from tests.reports.runs import MADE, RUN, refused, reported
from tests.samples import outcome
from tests.stories import START, submit, write_log


def test_the_counts_of_a_run(tmp_path: Path) -> None:
    report = reported(tmp_path, RUN)
    assert report.severities == {Severity.ERROR: 4, Severity.WARNING: 2, Severity.INFO: 1}
    assert list(report.severities) == list(Severity)
    assert report.rules == (("TA003", 1), ("TA304", 1), ("TA306", 3), ("TA501", 1), ("TA502", 1))
    assert report.kinds == (("error", 4), ("job", 2))
    assert report.states == (("failed", 1), ("never-queried", 1))
    assert (report.exchanges(Role.SUBMISSION), report.exchanges(Role.JOB_QUERY)) == (8, 3)


def test_the_counts_agree_with_each_other(tmp_path: Path) -> None:
    report = reported(tmp_path, RUN)
    totals = report.coverage.totals
    assert sum(operation.audited for operation in report.operations) == totals.audited
    assert sum(operation.seen for operation in report.operations) == totals.in_scope
    in_operations: dict[str, int] = {}
    for operation in report.operations:
        for rule, count in operation.rules:
            in_operations[rule] = in_operations.get(rule, 0) + count
    assert in_operations == dict(report.rules)
    assert sum(count for _, count in report.states) == len(report.jobs)


def test_when_it_was_made_and_what_it_is_about(tmp_path: Path) -> None:
    report = reported(tmp_path, RUN)
    assert report.made == "2026-09-21T15:36:40.000000Z"
    assert report.period == ("2026-09-21T14:13:21.000000Z", "2026-09-21T14:13:37.000000Z")
    assert report.sources == (str(tmp_path / "audit.ndjson"),)


def test_exchanges_without_times_have_no_period(tmp_path: Path) -> None:
    assert reported(tmp_path, [outcome(started=None, ended=None)]).period is None


def test_an_empty_log_has_nothing_but_its_session(tmp_path: Path) -> None:
    report = reported(tmp_path, [])
    assert (report.jobs, report.findings, report.operations, report.period) == ((), (), (), None)
    assert report.severities == dict.fromkeys(Severity, 0)
    assert report.coverage.sessions == 1


def test_the_thresholds_are_those_given(tmp_path: Path) -> None:
    merged = Merged()
    merged.read(write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(1, 6)]))
    assert report_of(merged, Thresholds(table_size=2), ["log"], MADE).evicted == 3
    assert report_of(merged, Thresholds(), ["log"], MADE).evicted == 0


def test_lines_that_are_no_records_are_told_with_their_place(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [refused(1)])
    log.write_bytes(log.read_bytes() + b"[]\n")
    merged = Merged()
    merged.read(log)
    report = report_of(merged, Thresholds(), ["log"], MADE, ["another place"])
    assert report.damaged == (
        f"{log}, line 6: not a record: Expected `object`, got `array`",
        "another place",
    )


def test_a_running_audit_has_no_sources() -> None:
    report = live_report(Board(), START)
    assert (report.sources, report.damaged, report.period) == ((), (), None)
    assert (report.made, report.coverage.totals.seen) == ("2026-09-21T14:13:20.000000Z", 0)
