"""The report as one table for spreadsheets: what a row is about stands in its first column, `record`.

- `coverage`, the first row: seen = other + audited + unaudited
- `note`: what was not seen or is not known; `damage`: a place that could not be read
- `unaudited`: exchanges without a verdict, by reason
- `finding`: equal findings together, with their `count`, and how many of them are `waived`
- `operation`: with its `seen`, `audited`, `unaudited`
- `job`: with its `state`

It is in English in every language, as a machine reads it too. Cells that a spreadsheet would run as a formula
begin with a quote.
"""

from __future__ import annotations

from collections.abc import Iterator

from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language
from taskaudit.reports.model import Report
from taskaudit.reports.shown import LONGEST, notes, source_of, when
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import FoundStory
from taskaudit.story.job_story import JobStory
from taskaudit.story.operations import Operation
from taskaudit.text.spreadsheet import as_csv

COLUMNS = (
    "record",
    "severity",
    "rule",
    "name",
    "count",
    "operation",
    "pointer",
    "expected",
    "found",
    "first",
    "last",
    "method",
    "host",
    "path",
    "http_status",
    "job_id",
    "state",
    "last_status",
    "queries",
    "took",
    "error_code",
    "fail_reason",
    "rules",
    "client",
    "request_id",
    "instance",
    "source",
    "line",
    "column",
    "fingerprint",
    "seen",
    "other",
    "audited",
    "unaudited",
    "waived",
    "waived_until",
    "waived_by",
    "waived_why",
    "text",
)

type Row = dict[str, object]


def as_table(report: Report) -> str:
    """The report as CSV (RFC 4180), with `COLUMNS` for a heading."""
    rows = ([row.pop(name, None) for name in COLUMNS] for row in _rows(report))
    return as_csv([COLUMNS, *([_clean(value) for value in row] for row in rows)])


def _rows(report: Report) -> Iterator[Row]:
    yield _coverage(report)
    for note in notes(report, Language.EN):
        yield {"record": "note", "text": note}
    for message in report.damaged:
        yield {"record": "damage", "text": message}
    for reason, count in sorted(report.coverage.totals.unaudited.items()):
        if count:
            yield {"record": "unaudited", "name": str(reason), "count": count}
    for found in report.findings:
        yield _finding(report, found)
    yield from map(_operation, report.operations)
    yield from map(_job, report.jobs)


def _coverage(report: Report) -> Row:
    totals = report.coverage.totals
    standing = standing_of(report, Language.EN)
    return {
        "record": "coverage",
        "seen": totals.seen,
        "other": totals.other,
        "audited": totals.audited,
        "unaudited": totals.unaudited.total(),
        "waived": sum(count for _, count in report.waived),
        "first": report.period[0] if report.period else None,
        "last": report.period[1] if report.period else None,
        "text": f"{standing.verdict}; {standing.coverage}",
    }


def _finding(report: Report, found: FoundStory) -> Row:
    example = found.example
    same = ("method", "host", "path", "http_status", "job_id", "request_id", "instance")
    there = ("pointer", "expected", "found", "line", "column")
    return {
        "record": "finding",
        "severity": found.severity.value,
        "rule": found.rule,
        "name": found.name,
        "count": found.count,
        "operation": example.route,
        "first": when(found.first),
        "last": when(found.last),
        "source": source_of(report, example),
        "fingerprint": found.fingerprint,
        "waived": found.waived,
        "waived_until": found.waived_until,
        "waived_by": found.waived_by,
        "waived_why": found.waived_why,
        **{name: getattr(example, name) for name in (*same, *there)},
    }


def _operation(operation: Operation) -> Row:
    return {
        "record": "operation",
        "operation": operation.name,
        "name": operation.role.value,
        "method": operation.method,
        "seen": operation.seen,
        "audited": operation.audited,
        "unaudited": operation.seen - operation.audited,
        "rules": " ".join(f"{rule}:{count}" for rule, count in operation.rules),
        "text": " ".join(f"{kind}:{count}" for kind, count in operation.kinds),
    }


def _job(job: JobStory) -> Row:
    same = ("method", "host", "path", "http_status", "job_id", "client", "request_id", "instance")
    ends = ("last_status", "took", "error_code", "fail_reason")
    return {
        "record": "job",
        "operation": job.route,
        "first": when(job.first_seen),
        "last": when(job.last_seen),
        "state": job.state.value,
        "queries": job.asked,
        "rules": " ".join(job.rules),
        **{name: getattr(job, name) for name in (*same, *ends)},
    }


def _clean(value: object) -> object:
    return escape(value, LONGEST) if isinstance(value, str) else value
