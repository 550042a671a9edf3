"""The whole report as one JSON document, for programs.

Members keep their names and types; more may come. Times are RFC 3339, UTC, null where a source has none.

- `taskaudit`: version; `made`: when; `period`: {`first`, `last`} exchange, or null; `sources`: file names
- `coverage`: `seen` = `other` + `audited` + the sum over `unaudited` (by reason); `sessions`, and of those
  `open_sessions` (no stop record) and `uncounted_sessions` (of those, `other` not counted yet); `as_of` and
  `other_as_of`: up to when open ones are counted, else null; `missing_records` (lost, or in no log that was
  read); `pruned_records` (gone with older files); `line`: the same in words; `is_whole`: nothing unaudited,
  missing, pruned, open or damaged
- `damaged`: a message for each place that could not be read
- `evicted_jobs`, `unlisted_jobs`, `repeated_exchanges`: how many
- `counts`: `submissions`, `job_queries`, `findings`, `severities` and `rules` without those that are
  `waived` (by rule), `kinds`, `states`
- `findings`: equal ones together, the worst first: `rule`, `name`, `severity`, `count`, `first`, `last`,
  `fingerprint`, `waived` (how many of them) and `waived_until`, `waived_by`, `waived_why`, `example` (of
  `time`, `method`, `host`, `path`, `route`, `http_status`, `job_id`, `request_id`,
  `instance`, `source`, `pointer`, `expected`, `found`, `line`, `column`)
- `operations`: `role`, `method`, `name`, `seen`, `audited`, `unaudited`, `kinds`, `rules` without
  findings that are `waived` (how many)
- `jobs`: as `taskaudit jobs --job ID --format json` prints each; `unlisted_queries`: how many of them are not
  among `steps`

Text from the traffic stands as it was recorded; it is ASCII here, with JSON escapes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from taskaudit import __version__
from taskaudit.catalogue import Role
from taskaudit.contract.words import Language
from taskaudit.reports.model import Report
from taskaudit.reports.shown import source_of, when
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import FoundStory
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import whole
from taskaudit.story.operations import Operation


def as_json(report: Report) -> str:
    """The report as indented JSON, with a newline at its end."""
    period = report.period
    document = {
        "taskaudit": __version__,
        "made": report.made,
        "period": {"first": period[0], "last": period[1]} if period else None,
        "sources": report.sources,
        "coverage": coverage(report),
        "damaged": report.damaged,
        "evicted_jobs": report.evicted,
        "unlisted_jobs": report.unlisted,
        "repeated_exchanges": report.repeated,
        "counts": counts(report),
        "findings": [_finding(report, found) for found in report.findings],
        "operations": [_operation(operation) for operation in report.operations],
        "jobs": [_job(job) for job in report.jobs],
    }
    return json.dumps(document, indent=2) + "\n"


def coverage(report: Report) -> dict[str, Any]:
    """What was looked at, and what was not."""
    told, totals = report.coverage, report.coverage.totals
    return {
        "seen": totals.seen,
        "other": totals.other,
        "audited": totals.audited,
        "unaudited": {str(reason): count for reason, count in sorted(totals.unaudited.items()) if count},
        "sessions": told.sessions,
        "open_sessions": told.open_sessions,
        "uncounted_sessions": told.uncounted,
        "as_of": told.as_of,
        "other_as_of": told.other_as_of,
        "missing_records": told.missing,
        "pruned_records": told.pruned,
        "line": standing_of(report, Language.EN).coverage,
        "is_whole": told.is_whole and not told.open_sessions and not report.damaged and not report.evicted,
    }


def counts(report: Report) -> dict[str, Any]:
    """The sums that are the same in every report."""
    return {
        "submissions": report.exchanges(Role.SUBMISSION),
        "job_queries": report.exchanges(Role.JOB_QUERY),
        "findings": sum(report.severities.values()),
        "severities": {severity.value: count for severity, count in report.severities.items()},
        "rules": dict(report.rules),
        "waived": dict(report.waived),
        "kinds": dict(report.kinds),
        "states": dict(report.states),
    }


def _finding(report: Report, found: FoundStory) -> dict[str, Any]:
    line = asdict(found)
    line["first"], line["last"] = when(found.first), when(found.last)
    line["example"] |= {"time": when(found.example.time), "source": source_of(report, found.example)}
    return line


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "role": operation.role.value,
        "method": operation.method,
        "name": operation.name,
        "seen": operation.seen,
        "audited": operation.audited,
        "unaudited": dict(operation.unaudited),
        "kinds": dict(operation.kinds),
        "rules": dict(operation.rules),
        "waived": operation.waived,
    }


def _job(job: JobStory) -> dict[str, Any]:
    line = whole(job)
    line |= {"queries": job.asked, "unlisted_queries": job.unlisted}
    line |= {"submitted": when(job.submitted), "ended": when(job.ended)}
    line["steps"] = [{**step, "time": when(step["time"])} for step in line["steps"]]
    return line
