"""A line of a log as a row of the table `records`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.log.record import Finding, JobQuery, NotARecord, Record, Submission, Unaudited, decode
from taskaudit.route_template import template_of
from taskaudit.times import rfc3339, seconds_of

_CODE = re.compile(r"[A-Za-z0-9_-]+")


class Row(NamedTuple):
    """The columns of `records`, in the order of the table.

    `job_id` decides on which shard the row lies; it is one only where `has_job`. `at`: seconds since the
    epoch. `operation`: the route, or else the path without its values. `status` is that of the job, or of a
    session record `start` or `stop`. `rules` are codes with blanks between. `shown`: how findings tell of
    this exchange, where that is not as it stands: of a query the status or the placeholder, else the job id.
    `error_code` and `fail_reason` of a job that gives no reason are those of its first failed sub-job.
    `sub_job_ids` have blanks between.
    """

    record_id: str
    job_id: str
    has_job: bool
    event_type: str
    timestamp: str
    at: float
    instance_id: str
    session_id: str
    seq: int
    exchange_id: str | None = None
    flow_id: str | None = None
    request_id: str | None = None
    client: str | None = None
    method: str | None = None
    host: str | None = None
    path: str | None = None
    route: str | None = None
    http_status: int | None = None
    operation: str | None = None
    is_query: bool | None = None
    is_placeholder: bool | None = None
    repeat_key: str | None = None
    kind: str | None = None
    well_formed: bool | None = None
    status: str | None = None
    is_final: bool | None = None
    error_code: str | None = None
    fail_reason: str | None = None
    rules: str | None = None
    shown: str | None = None
    rule: str | None = None
    rule_name: str | None = None
    severity: str | None = None
    pointer: str | None = None
    expected: str | None = None
    found: str | None = None
    line_number: int | None = None
    column_number: int | None = None
    fingerprint: str | None = None
    waived_until: str | None = None
    waived_by: str | None = None
    waived_why: str | None = None
    matched_by: str | None = None
    sub_job_ids: str | None = None
    has_query_route: bool | None = None
    record: str = ""


def row_of(line: bytes) -> Row:
    """The row of one line. Raises NotARecord."""
    try:
        record = decode(line)
        bytes.fromhex(record.record_id)
        text = line.decode().rstrip("\n")
        at = seconds_of(record.timestamp)
    except ValueError as error:
        raise NotARecord(f"not a record: {error}") from None
    row = _row(record, at, text)
    # NUL and lone surrogates, which no database takes, can only stand in a line as escapes.
    return row if b"\\u" not in line else Row._make([*map(_storable, row[:-1]), row.record])


def _row(record: Record, at: float, text: str) -> Row:
    kind = record.event_type
    if kind == "job_query" and record.job_query is not None:
        return _job_query(record, record.job_query, at, text)
    if kind == "submission" and record.submission is not None:
        return _submission(record, record.submission, at, text)
    if kind == "finding" and record.finding is not None:
        return _finding(record, record.finding, at, text)
    if kind == "unaudited" and record.unaudited is not None:
        return _unaudited(record, record.unaudited, at, text)
    return _plain(record, at, text, record.session.state if kind == "session" and record.session else None)


def _plain(record: Record, at: float, text: str, status: str | None = None) -> Row:
    """A record that is about no exchange lies with its session."""
    return Row(
        record.record_id,
        record.session_id,
        False,
        record.event_type,
        _canonical(record.timestamp, at),
        at,
        record.instance_id,
        record.session_id,
        record.seq,
        status=status,
        record=text,
    )


def _on_exchange(record: Record, at: float, job_id: str | None, text: str, **facts: Any) -> Row:
    """A record about an exchange lies with its job, or else with its exchange."""
    http, exchange_id = record.http, record.exchange_id
    return Row(
        record.record_id,
        exchange_id if job_id is None else job_id,
        job_id is not None,
        record.event_type,
        _canonical(record.timestamp, at),
        at,
        record.instance_id,
        record.session_id,
        record.seq,
        exchange_id,
        record.flow_id,
        record.request_id,
        record.client,
        http.method,
        http.host,
        http.path,
        http.route,
        http.status,
        http.route or _template(http.path or ""),
        record=text,
        **facts,
    )


def _submission(record: Record, body: Submission, at: float, text: str) -> Row:
    return _on_exchange(
        record,
        at,
        body.job_id,
        text,
        is_query=False,
        is_placeholder=False,
        repeat_key=body.repeat_key,
        kind=body.kind,
        well_formed=body.well_formed,
        is_final=False,
        error_code=body.code,
        fail_reason=body.message,
        rules=_codes(body.rules),
        shown=_shown(body.job_id),
        has_query_route=body.has_query_route,
    )


def _job_query(record: Record, body: JobQuery, at: float, text: str) -> Row:
    placeholder = is_placeholder(body.job_id)
    sub_job = body.sub_job
    return _on_exchange(
        record,
        at,
        body.job_id,
        text,
        is_query=True,
        is_placeholder=placeholder,
        status=body.status,
        is_final=body.is_final,
        error_code=body.error_code or sub_job.error_code if sub_job else body.error_code,
        fail_reason=sub_job.fail_reason if sub_job else body.fail_reason,
        rules=_codes(body.rules),
        shown=_shown(body.job_id if placeholder else body.status),
        matched_by=body.matched_by.value,
        sub_job_ids=" ".join(body.sub_job_ids),
    )


def _unaudited(record: Record, body: Unaudited, at: float, text: str) -> Row:
    is_query = body.role == "job_query"
    placeholder = is_query and is_placeholder(body.job_id or "")
    return _on_exchange(
        record,
        at,
        body.job_id,
        text,
        is_query=is_query,
        is_placeholder=placeholder,
        repeat_key=body.repeat_key,
        is_final=False,
        shown=None if is_query and not placeholder else _shown(body.job_id),
        matched_by=body.matched_by.value if body.matched_by else None,
    )


def _finding(record: Record, body: Finding, at: float, text: str) -> Row:
    waiver = body.waiver
    return _on_exchange(
        record,
        at,
        None,
        text,
        rule=body.rule,
        rule_name=body.name,
        severity=body.severity.value,
        pointer=body.pointer,
        expected=body.expected,
        found=body.found,
        line_number=body.line,
        column_number=body.column,
        fingerprint=body.fingerprint,
        waived_until=waiver.until if waiver else None,
        waived_by=waiver.owner if waiver else None,
        waived_why=waiver.reason if waiver else None,
    )


def _codes(rules: list[str]) -> str:
    """Rule codes with blanks between, as the views take them apart. Raises NotARecord."""
    if not rules:
        return ""
    if not all(map(_CODE.fullmatch, rules)):
        raise NotARecord("not a record: a rule's code has other characters than letters, digits, - and _")
    return " ".join(rules)


def _canonical(timestamp: str, at: float) -> str:
    """The time as text that sorts: RFC 3339, UTC, microseconds."""
    return timestamp if len(timestamp) == 27 and timestamp[26] == "Z" else rfc3339(at)


@lru_cache(maxsize=4096)
def _template(path: str) -> str:
    return template_of(path)


def _shown(text: str | None) -> str | None:
    """How the text is told, where that is not as it stands."""
    if text is None:
        return None
    told = escape(text)
    return None if told == text else told


def _storable(value: Any) -> Any:
    r"""Text without NUL and lone surrogates; they are written as `\u0000`."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(f"\\u{ord(c):04x}" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
