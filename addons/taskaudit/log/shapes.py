"""What is read of a line of a log, and of which types; the rest is skipped (see `taskaudit.records`).

Numbers are bounded by what the columns of the store hold.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec

from taskaudit.contract.verdict import Severity
from taskaudit.exchange import MatchedBy
from taskaudit.exchange import Unaudited as Reason


class NotARecord(Exception):
    """The line is no record; says why."""


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Small = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Id = Annotated[str, msgspec.Meta(min_length=2)]
_JobId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{1,255}\Z")]


class Http(msgspec.Struct, frozen=True, gc=False):
    """The request line and the status."""

    method: str | None
    host: str | None
    path: str | None
    route: str | None
    status: _Small | None


NO_HTTP = Http(None, None, None, None, None)
"""Of a record that is about no exchange."""


class Stats(msgspec.Struct, gc=False):
    """Totals of a session so far; older logs tell of no waivers."""

    seen: _Count
    other: _Count
    audited: _Count
    lost: _Count
    unaudited: dict[Reason, _Count]
    findings: dict[str, _Count]
    waived: dict[str, _Count] = {}


class Session(msgspec.Struct, gc=False):
    """A start or a stop."""

    state: str
    totals: Stats | None = None


class Fault(msgspec.Struct, gc=False):
    """The audit's own trouble; of lost records how many."""

    lost: _Count | None = None


class Submission(msgspec.Struct, gc=False):
    """The verdict on a submission."""

    kind: str
    well_formed: bool
    job_id: str | None
    code: str | None
    message: str | None
    rules: list[str]
    repeat_key: str | None
    has_query_route: bool = True


class SubJob(msgspec.Struct, gc=False):
    """The first failed sub-job."""

    job_id: str | None
    job_type: str | None
    error_code: str | None
    fail_reason: str | None


class JobQuery(msgspec.Struct, gc=False):
    """The answer to a job query; logs of version 1 have those with a route alone."""

    job_id: str
    status: str | None
    is_final: bool
    error_code: str | None
    fail_reason: str | None
    sub_jobs: dict[str, _Count]
    rules: list[str]
    matched_by: MatchedBy = MatchedBy.ROUTE
    sub_job: SubJob | None = None
    sub_job_ids: list[_JobId] = []


class Unaudited(msgspec.Struct, gc=False):
    """An exchange in scope without a verdict."""

    reason: str
    role: str
    job_id: str | None
    repeat_key: str | None
    matched_by: MatchedBy | None = None


class Waiver(msgspec.Struct, gc=False):
    """Until when, by whom and why a finding is accepted."""

    until: str
    owner: str
    reason: str


class Finding(msgspec.Struct, gc=False):
    """A finding on an exchange; older logs tell of no waivers."""

    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: _Small | None
    column: _Small | None
    fingerprint: str
    waiver: Waiver | None = None


class Record(msgspec.Struct, gc=False):
    """What is read of a record; of the objects named after an event type it has its own."""

    timestamp: str
    event_type: str
    record_id: _Id
    instance_id: str
    session_id: str
    seq: _Count
    exchange_id: str = ""
    flow_id: str | None = None
    request_id: str | None = None
    client: str | None = None
    http: Http = NO_HTTP
    session: Session | None = None
    stats: Stats | None = None
    fault: Fault | None = None
    submission: Submission | None = None
    job_query: JobQuery | None = None
    unaudited: Unaudited | None = None
    finding: Finding | None = None


_ON_EXCHANGES = frozenset({"submission", "job_query", "unaudited", "finding"})
_DECODER = msgspec.json.Decoder(Record)


def decode(line: bytes) -> Record:
    """The record of a line. Raises NotARecord."""
    try:
        record = _DECODER.decode(line)
        # Most records are about job queries, and whole.
        if record.job_query is None or record.event_type != "job_query" or record.http is NO_HTTP:
            _check(record, line)
    except (ValueError, RecursionError) as error:
        raise NotARecord(_why(line, error)) from None
    return record


def decode_any(line: bytes) -> Record:
    """As `decode`, and also with escaped lone surrogates, which no database holds. Raises NotARecord."""
    try:
        return decode(line)
    except NotARecord:
        if b"\\u" not in line:
            raise
    try:
        record = of(json.loads(line))
        _check(record, line)
    except (ValueError, RecursionError) as error:
        raise NotARecord(_why(line, error)) from None
    return record


def of(record: dict[str, Any]) -> Record:
    """What is read of a record that was not written yet."""
    return msgspec.convert(record, Record)


def _check(record: Record, line: bytes) -> None:
    """What no type says. Raises ValueError."""
    kind = record.event_type
    if kind in _ON_EXCHANGES:
        if not record.exchange_id or record.http is NO_HTTP:
            raise ValueError("no exchange_id or http")
        is_there = getattr(record, kind) is not None
    else:
        is_there = record.session is not None if kind == "session" else _has_object(line, kind)
    if not is_there:
        raise ValueError("no object named after its event_type")


def _has_object(line: bytes, name: str) -> bool:
    return isinstance(json.loads(line).get(name), dict)


def _why(line: bytes, error: Exception) -> str:
    try:
        json.loads(line)
    except (ValueError, RecursionError) as broken:
        return f"not JSON ({broken})"
    return f"not a record: {error}"
