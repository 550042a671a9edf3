"""The records: what is written and read, and of which types; the JSON Schema that ships is made from them.

Shape (contract, section 6; after Suricata's EVE): a common header, then one object named after the event
type. Times are RFC 3339, UTC, with microseconds. A record about an exchange carries the exchange's own
time, so that it is the same live and offline.

All members are written, in the order they have here. Those with a default need not be in a line that is
read: older logs lack them, or no reader needs them. Numbers are bounded by what the store's columns hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import msgspec

from taskaudit.contract.unseen import is_harmless
from taskaudit.contract.verdict import Kind, Severity
from taskaudit.exchange import MatchedBy
from taskaudit.exchange import Unaudited as Reason

SCHEMA_VERSION = 2
FAULTS = (
    *("audit_failed", "records_lost", "log_repaired", "log_missing", "log_reopened"),
    *("log_altered", "rotation_failed", "sync_failed", "config_rejected"),
)
"""What trouble of its own the audit may have."""


class NotARecord(Exception):
    """The line is no record; says why."""


def _one_of(values: Iterable[str | int]) -> msgspec.Meta:
    """What is written; a later version may write others, and is read all the same."""
    return msgspec.Meta(extra_json_schema={"enum": [*values]})


def _keyed_by(names: Iterable[str]) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"propertyNames": {"enum": [*names]}})


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Small = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Id = Annotated[str, msgspec.Meta(min_length=2)]
_JobId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{1,255}\Z")]


class Http(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The request line without its query, the route it matched, and the answer's status."""

    method: str | None
    host: str | None
    path: str | None
    route: str | None
    status: _Small | None


NO_HTTP = Http(method=None, host=None, path=None, route=None, status=None)
"""Of a record that is about no exchange."""


class RuleInForce(msgspec.Struct, gc=False, kw_only=True):
    """A rule with its severity, where no override says otherwise."""

    code: str
    name: str
    severity: Annotated[str, _one_of(Severity)]


class OverrideInForce(msgspec.Struct, gc=False, kw_only=True):
    """The severity of a rule on the routes that fit a pattern (null: on all), or that it is off there.

    The first one that fits is taken.
    """

    rule: str
    severity: Annotated[str, _one_of([*Severity, "off"])]
    route: str | None


class WaiverInForce(msgspec.Struct, gc=False, kw_only=True):
    """A waiver as it is configured; `until` is its last day (UTC), a null pattern fits all."""

    rule: str
    route: str | None
    pointer: str | None
    reason: str
    owner: str
    until: str


class Stats(msgspec.Struct, gc=False, kw_only=True):
    """Totals of the session so far: seen = other + audited + the sum over unaudited.

    `findings` by rule are all, `waived` those of them that are known faults. `open_jobs` are followed and not
    final; `evicted` ones were forgotten because there were too many.
    """

    seen: _Count
    other: _Count
    in_scope: _Count = 0
    audited: _Count
    unaudited: Annotated[dict[Reason, _Count], _keyed_by(Reason)]
    findings: dict[str, _Count]
    waived: dict[str, _Count] = {}
    lost: _Count
    open_jobs: _Count = 0
    evicted: _Count = 0


class Session(msgspec.Struct, gc=False, kw_only=True):
    """A start or a stop of the audit, or that it goes on in a new file.

    `waivers`: how many are in force; expired ones are not. `unused_waivers`, at a stop, waived nothing.
    """

    state: Annotated[str, _one_of(["start", "continue", "stop"])]
    version: str = ""
    mode: str = ""
    config_digest: str = ""
    rules: list[RuleInForce] = []
    overrides: list[OverrideInForce] = []
    waivers: _Count = 0
    expired_waivers: list[WaiverInForce] = []
    unused_waivers: list[WaiverInForce] | None = None
    totals: Stats | None = None


class Fault(msgspec.Struct, gc=False, kw_only=True):
    """The audit's own trouble. `lost`, `first` and `last` say what TA902 is about."""

    reason: Annotated[str, _one_of(FAULTS)] = ""
    rule: str | None = None
    message: str = ""
    lost: _Count | None = None
    first: str | None = None
    last: str | None = None


class Submission(msgspec.Struct, gc=False, kw_only=True):
    """The verdict on the answer to a submission. `code` and `message` are those of an `error`.

    `repeat_key` is equal for the same request of the same client, so that logs can be told together.
    `has_query_route`: whether the catalogue knows how the status of its job is asked for.
    """

    kind: Annotated[str, _one_of(Kind)]
    well_formed: bool
    job_id: str | None
    code: str | None
    message: str | None
    rules: list[str]
    repeat_key: str | None
    has_query_route: bool = True


class SubJob(msgspec.Struct, gc=False, kw_only=True):
    """The first failed sub-job of a job."""

    job_id: str | None
    job_type: str | None
    error_code: str | None
    fail_reason: str | None


class JobQuery(msgspec.Struct, gc=False, kw_only=True):
    """The answer to a job query. `job_id` is the one asked for; `status` as it was answered.

    `matched_by`: what made a job query of the request: a route of the catalogue, the job's id in its path or
    query string, or another id that the submission returned; the `status` is then not the job's. `is_final`:
    the status is one that ends a job. `error_code` and `fail_reason` are those of the failed job, or of the
    error that was answered in place of a status. `sub_jobs` counts them by status; `sub_job` is the first
    failed one, where the job itself gives no reason.
    """

    job_id: str
    matched_by: MatchedBy = MatchedBy.ROUTE
    status: str | None
    is_final: bool
    error_code: str | None
    fail_reason: str | None
    sub_jobs: dict[str, _Count]
    sub_job: SubJob | None = None
    sub_job_ids: list[_JobId] = []
    rules: list[str]


class Waived(msgspec.Struct, gc=False, kw_only=True):
    """Why a finding is accepted, who sees to it, and the last day (UTC) of that."""

    reason: str
    owner: str
    until: str


class Finding(msgspec.Struct, gc=False, kw_only=True):
    """One finding (contract, section 4). `fingerprint` is the same wherever the same fault is met.

    `severity` is the one in force, waived or not; `waiver` is null where the finding is not waived.
    """

    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: _Small | None
    column: _Small | None
    fingerprint: str
    waiver: Waived | None = None


class Unaudited(msgspec.Struct, gc=False, kw_only=True):
    """An exchange in scope that got no verdict.

    `job_id` is the one that a job query asked for, or that a submission was answered with where the audit
    failed at it. `matched_by`: as for `job_query`; null for a submission.
    """

    reason: Annotated[str, _one_of(Reason)]
    role: str
    job_id: str | None
    matched_by: MatchedBy | None = None
    repeat_key: str | None


class Record(msgspec.Struct, gc=False, kw_only=True, omit_defaults=True):
    """A record; of the objects named after an event type it has its own.

    A gap in `seq` (per session, from 0) is a lost record. `schema_version` is 0 where a line lacks it.
    """

    timestamp: str
    event_type: str
    schema_version: Annotated[int, _one_of([SCHEMA_VERSION])] = 0
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


class ExchangeRecord(Record, gc=False, kw_only=True):
    """A record about an exchange as it is written: what is null of the exchange, too."""

    exchange_id: str
    flow_id: str | None
    request_id: str | None
    client: str | None
    http: Http


_encode = msgspec.json.Encoder().encode


def as_line(record: Record) -> bytes:
    """A record as one line of the log.

    A job id is recorded as it is; characters that could do harm in a terminal are JSON escapes in the line.
    """
    line = _encode(record)
    if not is_harmless(text := line.decode()):
        line = "".join(char if is_harmless(char) else _escaped(char) for char in text).encode()
    return line + b"\n"


def _escaped(char: str) -> str:
    return r"\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


ON_EXCHANGES = frozenset({"submission", "job_query", "unaudited", "finding"})
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
        record = msgspec.convert(json.loads(line), Record)
        _check(record, line)
    except (ValueError, RecursionError) as error:
        raise NotARecord(_why(line, error)) from None
    return record


def _check(record: Record, line: bytes) -> None:
    """What no type says. Raises ValueError."""
    kind = record.event_type
    if kind in ON_EXCHANGES:
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
