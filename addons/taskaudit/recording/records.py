"""The log's records, as strict models; the JSON Schema that ships is made from them.

Shape (contract, section 6; after Suricata's EVE): a common header, then one object named after the event
type. Times are RFC 3339, UTC, with microseconds. A record about an exchange carries the exchange's own
time, so that it is the same live and offline.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.job_status import StatusVerdict, SubJob
from taskaudit.contract.rules import RULES
from taskaudit.contract.unseen import is_harmless
from taskaudit.contract.verdict import Finding, Kind, Severity, Verdict, Waiver
from taskaudit.exchange import MatchedBy, Unaudited, fingerprint, stable_id
from taskaudit.following import repeat_key
from taskaudit.policy.policy import Policy
from taskaudit.route_template import template_of
from taskaudit.times import rfc3339
from taskaudit.totals import Totals

LONGEST_PATH = 2000
"""To how many characters a path is cut."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Http(_Model):
    """The request line without its query, the route it matched, and the answer's status."""

    method: str | None
    host: str | None
    path: str | None
    route: str | None
    status: int | None


class Header(_Model):
    """What every record starts with. A gap in `seq` (per session, from 0) is a lost record."""

    timestamp: str
    event_type: str
    schema_version: Literal[2] = 2
    record_id: str
    instance_id: str
    session_id: str
    seq: int


class ExchangeHeader(Header):
    """The header of a record about an exchange."""

    exchange_id: str
    flow_id: str | None
    request_id: str | None
    client: str | None
    http: Http


class RuleInForce(_Model):
    """A rule with its severity, where no override says otherwise."""

    code: str
    name: str
    severity: Severity


class OverrideInForce(_Model):
    """The severity of a rule on the routes that fit a pattern (null: on all), or that it is off there.

    The first one that fits is taken.
    """

    rule: str
    severity: Severity | Literal["off"]
    route: str | None


class WaiverBody(_Model):
    """A waiver as it is configured; `until` is its last day (UTC), a null pattern fits all."""

    rule: str
    route: str | None
    pointer: str | None
    reason: str
    owner: str
    until: str


class Stats(_Model):
    """Totals of the session so far: seen = other + audited + the sum over unaudited.

    `findings` by rule are all, `waived` those of them that are known faults. `open_jobs` are followed and not
    final; `evicted` ones were forgotten because there were too many.
    """

    seen: int
    other: int
    in_scope: int
    audited: int
    unaudited: dict[Unaudited, int]
    findings: dict[str, int]
    waived: dict[str, int]
    lost: int
    open_jobs: int
    evicted: int


class SessionBody(_Model):
    """A start or a stop of the audit, or that it goes on in a new file.

    `waivers`: how many are in force; expired ones are not. `unused_waivers`, at a stop, waived nothing.
    """

    state: Literal["start", "continue", "stop"]
    version: str
    mode: str
    config_digest: str
    rules: list[RuleInForce]
    overrides: list[OverrideInForce] = []
    waivers: int = 0
    expired_waivers: list[WaiverBody] = []
    unused_waivers: list[WaiverBody] | None = None
    totals: Stats | None = None


class SubmissionBody(_Model):
    """The verdict on the answer to a submission. `code` and `message` are those of an `error`.

    `repeat_key` is equal for the same request of the same client, so that logs can be told together.
    `has_query_route`: whether the catalogue knows how the status of its job is asked for.
    """

    kind: Kind
    well_formed: bool
    job_id: str | None
    code: str | None
    message: str | None
    rules: list[str]
    repeat_key: str | None
    has_query_route: bool


class SubJobBody(_Model):
    """The first failed sub-job of a job."""

    job_id: str | None
    job_type: str | None
    error_code: str | None
    fail_reason: str | None


class JobQueryBody(_Model):
    """The answer to a job query. `job_id` is the one asked for; `status` as it was answered.

    `matched_by`: what made a job query of the request: a route of the catalogue, the job's id in its path or
    query string, or another id that the submission returned; the `status` is then not the job's. `is_final`:
    the status is one that ends a job. `error_code` and `fail_reason` are those of the failed job, or of the
    error that was answered in place of a status. `sub_jobs` counts them by status; `sub_job` is the first
    failed one, where the job itself gives no reason.
    """

    job_id: str
    matched_by: MatchedBy
    status: str | None
    is_final: bool
    error_code: str | None
    fail_reason: str | None
    sub_jobs: dict[str, int]
    sub_job: SubJobBody | None
    sub_job_ids: list[str]
    rules: list[str]


class Waived(_Model):
    """Why a finding is accepted, who sees to it, and the last day (UTC) of that."""

    reason: str
    owner: str
    until: str


class FindingBody(_Model):
    """One finding (contract, section 4). `fingerprint` is the same wherever the same fault is met.

    `severity` is the one in force, waived or not; `waiver` is null where the finding is not waived.
    """

    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: int | None
    column: int | None
    fingerprint: str
    waiver: Waived | None = None


class UnauditedBody(_Model):
    """An exchange in scope that got no verdict.

    `job_id` is the one that a job query asked for, or that a submission was answered with where the audit
    failed at it. `matched_by`: as for `job_query`; null for a submission.
    """

    reason: Unaudited
    role: str
    job_id: str | None
    matched_by: MatchedBy | None
    repeat_key: str | None


class FaultBody(_Model):
    """The audit's own trouble. `lost`, `first` and `last` say what TA902 is about."""

    reason: Literal[
        "audit_failed",
        "records_lost",
        "log_repaired",
        "log_missing",
        "log_reopened",
        "log_altered",
        "rotation_failed",
        "sync_failed",
        "config_rejected",
    ]
    rule: str | None
    message: str
    lost: int | None = None
    first: str | None = None
    last: str | None = None


class SessionRecord(Header):
    """A start, a stop, or that a session goes on; the first line of every file is one."""

    event_type: Literal["session"] = "session"
    session: SessionBody


class StatsRecord(Header):
    """Totals, every 60 s and at the stop."""

    event_type: Literal["stats"] = "stats"
    stats: Stats


class FaultRecord(Header):
    """The audit's own trouble."""

    event_type: Literal["fault"] = "fault"
    fault: FaultBody


class SubmissionRecord(ExchangeHeader):
    """An audited submission."""

    event_type: Literal["submission"] = "submission"
    submission: SubmissionBody


class JobQueryRecord(ExchangeHeader):
    """An audited job query."""

    event_type: Literal["job_query"] = "job_query"
    job_query: JobQueryBody


class FindingRecord(ExchangeHeader):
    """A finding on an exchange."""

    event_type: Literal["finding"] = "finding"
    finding: FindingBody


class UnauditedRecord(ExchangeHeader):
    """An exchange in scope without a verdict."""

    event_type: Literal["unaudited"] = "unaudited"
    unaudited: UnauditedBody


Record = (
    SessionRecord
    | StatsRecord
    | FaultRecord
    | SubmissionRecord
    | JobQueryRecord
    | FindingRecord
    | UnauditedRecord
)
RECORD: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="event_type")])


class Stamp(BaseModel):
    """What a session gives to each record it writes."""

    model_config = ConfigDict(frozen=True)

    instance_id: str
    session_id: str


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of the log."""
    schema = RECORD.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "taskaudit record", **schema}


def as_line(record: Record) -> str:
    """A record as one line of the log.

    A job id is recorded as it is; characters that could do harm in a terminal are JSON escapes in the line.
    """
    line = record.model_dump_json()
    if not is_harmless(line):
        line = "".join(char if is_harmless(char) else json.dumps(char)[1:-1] for char in line)
    return line + "\n"


def rules_in_force() -> list[RuleInForce]:
    """Every rule with its severity."""
    return [RuleInForce(code=r.code, name=r.name, severity=r.severity) for r in RULES.values()]


def overrides_in_force(policy: Policy) -> list[OverrideInForce]:
    """What the policy changes of the rules, in order."""
    return [
        OverrideInForce(rule=each.rule, severity=each.severity or "off", route=each.route)
        for each in policy.overrides
    ]


def waiver_body(waiver: Waiver) -> WaiverBody:
    """A waiver as it is recorded."""
    return WaiverBody.model_validate(asdict(waiver))


def stats_of(totals: Totals, open_jobs: int = 0, evicted: int = 0) -> Stats:
    """The totals as they stand."""
    return Stats(
        seen=totals.seen,
        other=totals.other,
        in_scope=totals.in_scope,
        audited=totals.audited,
        unaudited={reason: totals.unaudited[reason] for reason in Unaudited},
        findings=dict(sorted(totals.findings.items())),
        waived=dict(sorted(totals.waived.items())),
        lost=totals.lost,
        open_jobs=open_jobs,
        evicted=evicted,
    )


def records_of(outcome: Outcome, stamp: Stamp, seq: int) -> list[Record]:
    """The records of one exchange, numbered from `seq`: its verdict first, then each finding."""
    header = _exchange_header(outcome, stamp)
    records: list[Record] = []
    if outcome.unaudited is not None:
        unaudited = _unaudited_body(outcome, outcome.unaudited)
        records.append(
            UnauditedRecord(**_identity(outcome, "unaudited"), **header, seq=seq, unaudited=unaudited)
        )
    elif outcome.verdict is not None:
        submission = _submission_body(outcome, outcome.verdict)
        records.append(
            SubmissionRecord(**_identity(outcome, "submission"), **header, seq=seq, submission=submission)
        )
    elif outcome.status is not None:
        job_query = _job_query_body(outcome, outcome.status)
        records.append(
            JobQueryRecord(**_identity(outcome, "job_query"), **header, seq=seq, job_query=job_query)
        )
    for finding in outcome.findings:
        records.append(finding_record(outcome, finding, stamp, seq + len(records)))
    return records


def finding_record(outcome: Outcome, finding: Finding, stamp: Stamp, seq: int) -> FindingRecord:
    """The record of one finding; for those that come up later, `outcome` need not hold any bodies."""
    identity = _identity(outcome, "finding", finding.rule, finding.pointer)
    found = finding_body(outcome, finding)
    return FindingRecord(**identity, **_exchange_header(outcome, stamp), seq=seq, finding=found)


def finding_body(outcome: Outcome, finding: Finding) -> FindingBody:
    """A finding as it is recorded."""
    return FindingBody(**finding_facts(outcome, finding))


def finding_facts(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    """The members of a `FindingBody`, in order."""
    exchange, place, waiver = outcome.exchange, finding.place, finding.waived
    route = outcome.route.name if outcome.route else template_of(exchange.path or "")
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity,
        "pointer": escape(finding.pointer),
        "expected": finding.expected,
        "found": finding.found,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "fingerprint": _fingerprint(finding.rule, exchange.method, route, finding.pointer, finding.json_type),
        "waiver": {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until} if waiver else None,
    }


@lru_cache(maxsize=256)
def _fingerprint(rule: str, method: str | None, route: str, pointer: str, json_type: str) -> str:
    return fingerprint(rule, method, route, pointer, json_type)


def http_of(outcome: Outcome) -> Http:
    """The request line and the status, made harmless."""
    return Http(**http_facts(outcome))


def http_facts(outcome: Outcome) -> dict[str, Any]:
    """The members of an `Http`, in order."""
    exchange = outcome.exchange
    return {
        "method": _clean(exchange.method),
        "host": _clean(exchange.host),
        "path": None if exchange.path is None else escape(exchange.path, LONGEST_PATH),
        "route": outcome.route.name if outcome.route else None,
        "status": exchange.answer.status if exchange.answer else None,
    }


def _unaudited_body(outcome: Outcome, reason: Unaudited) -> UnauditedBody:
    is_query = outcome.role is Role.JOB_QUERY
    return UnauditedBody(
        reason=reason,
        role=outcome.role,
        job_id=outcome.job_id,
        matched_by=outcome.matched_by,
        repeat_key=None if is_query else repeat_key(outcome),
    )


def _job_query_body(outcome: Outcome, status: StatusVerdict) -> JobQueryBody:
    return JobQueryBody(
        job_id=outcome.job_id or "",
        matched_by=outcome.matched_by,
        status=_clean(status.status),
        is_final=outcome.is_final,
        error_code=_clean(status.error_code),
        fail_reason=_clean(status.fail_reason),
        sub_jobs={escape(name, 40): count for name, count in status.sub_jobs},
        sub_job=_sub_job_body(status.sub_job) if status.sub_job else None,
        sub_job_ids=list(status.sub_job_ids),
        rules=sorted({finding.rule for finding in status.findings}),
    )


def _sub_job_body(sub_job: SubJob) -> SubJobBody:
    return SubJobBody(
        job_id=_clean(sub_job.job_id),
        job_type=_clean(sub_job.job_type),
        error_code=_clean(sub_job.error_code),
        fail_reason=_clean(sub_job.fail_reason),
    )


def _submission_body(outcome: Outcome, verdict: Verdict) -> SubmissionBody:
    return SubmissionBody(
        kind=verdict.kind,
        well_formed=verdict.well_formed,
        job_id=verdict.job_id,
        code=_clean(verdict.error_code),
        message=_clean(verdict.error_message),
        rules=sorted({finding.rule for finding in verdict.findings}),
        repeat_key=repeat_key(outcome),
        has_query_route=outcome.has_query_route,
    )


def _identity(outcome: Outcome, event_type: str, *parts: str) -> dict[str, str]:
    """`record_id` depends on the exchange alone: not on the instance, the session or the time of writing."""
    return {"record_id": stable_id(event_type, outcome.exchange.exchange_id, *parts)}


def _exchange_header(outcome: Outcome, stamp: Stamp) -> dict[str, Any]:
    exchange = outcome.exchange
    return {
        "timestamp": rfc3339(exchange.at),
        "instance_id": stamp.instance_id,
        "session_id": stamp.session_id,
        "exchange_id": exchange.exchange_id,
        "flow_id": exchange.flow_id,
        "request_id": _clean(exchange.request_id),
        "client": _clean(exchange.client),
        "http": http_of(outcome),
    }


def _clean(text: str | None) -> str | None:
    return None if text is None else escape(text)
