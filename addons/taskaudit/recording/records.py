"""The records of an outcome, of the totals and of the policy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.job_status import StatusVerdict
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding, Verdict, Waiver
from taskaudit.exchange import MatchedBy, Unaudited, fingerprint, stable_id
from taskaudit.following import repeat_key
from taskaudit.log import record as log
from taskaudit.log.record import (
    SCHEMA_VERSION,
    ExchangeRecord,
    Http,
    OverrideInForce,
    RuleInForce,
    Stats,
    SubJob,
    Waived,
    WaiverInForce,
)
from taskaudit.policy.policy import Policy
from taskaudit.route_template import template_of
from taskaudit.times import rfc3339
from taskaudit.totals import Totals

LONGEST_PATH = 2000
"""To how many characters a path is cut."""


class Stamp(NamedTuple):
    """What a session gives to each record it writes."""

    instance_id: str
    session_id: str


def rules_in_force() -> list[RuleInForce]:
    """Every rule with its severity."""
    return [RuleInForce(code=r.code, name=r.name, severity=r.severity.value) for r in RULES.values()]


def overrides_in_force(policy: Policy) -> list[OverrideInForce]:
    """What the policy changes of the rules, in order."""
    return [
        OverrideInForce(rule=each.rule, severity=each.severity or "off", route=each.route)
        for each in policy.overrides
    ]


def waiver_in_force(waiver: Waiver) -> WaiverInForce:
    """A waiver as it is recorded."""
    return msgspec.convert(waiver, WaiverInForce, from_attributes=True)


def stats_of(totals: Totals, open_jobs: int = 0, evicted: int = 0) -> Stats:
    """The totals so far."""
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


def records_of(outcome: Outcome, stamp: Stamp, seq: int) -> list[ExchangeRecord]:
    """The records of one exchange, numbered from `seq`: its verdict first, then each finding."""
    http = http_of(outcome)
    records: list[ExchangeRecord] = []
    if outcome.unaudited is not None:
        unaudited = _unaudited(outcome, outcome.unaudited)
        records.append(_record(outcome, stamp, seq, http, "unaudited", unaudited=unaudited))
    elif outcome.verdict is not None:
        submission = _submission(outcome, outcome.verdict)
        records.append(_record(outcome, stamp, seq, http, "submission", submission=submission))
    elif outcome.status is not None:
        job_query = _job_query(outcome, outcome.status)
        records.append(_record(outcome, stamp, seq, http, "job_query", job_query=job_query))
    for finding in outcome.findings:
        records.append(finding_record(outcome, finding, stamp, seq + len(records), http))
    return records


def finding_record(
    outcome: Outcome, finding: Finding, stamp: Stamp, seq: int, http: Http | None = None
) -> ExchangeRecord:
    """The record of one finding; for those that come up later, `outcome` need not hold any bodies."""
    parts, found = (finding.rule, finding.pointer), finding_of(outcome, finding)
    return _record(outcome, stamp, seq, http or http_of(outcome), "finding", *parts, finding=found)


def finding_of(outcome: Outcome, finding: Finding) -> log.Finding:
    """A finding as it is recorded."""
    exchange, place, waiver = outcome.exchange, finding.place, finding.waived
    route = outcome.route.name if outcome.route else template_of(exchange.path or "")
    return log.Finding(
        rule=finding.rule,
        name=finding.name,
        severity=finding.severity,
        pointer=escape(finding.pointer),
        expected=finding.expected,
        found=finding.found,
        line=place.line if place else None,
        column=place.column if place else None,
        fingerprint=_fingerprint(finding.rule, exchange.method, route, finding.pointer, finding.json_type),
        waiver=Waived(reason=waiver.reason, owner=waiver.owner, until=waiver.until) if waiver else None,
    )


@lru_cache(maxsize=256)
def _fingerprint(rule: str, method: str | None, route: str, pointer: str, json_type: str) -> str:
    return fingerprint(rule, method, route, pointer, json_type)


def http_of(outcome: Outcome) -> Http:
    """The request line and the status, made harmless."""
    exchange = outcome.exchange
    return Http(
        method=_clean(exchange.method),
        host=_clean(exchange.host),
        path=None if exchange.path is None else escape(exchange.path, LONGEST_PATH),
        route=outcome.route.name if outcome.route else None,
        status=exchange.answer.status if exchange.answer else None,
    )


def _unaudited(outcome: Outcome, reason: Unaudited) -> log.Unaudited:
    return log.Unaudited(
        reason=reason.value,
        role=outcome.role.value,
        job_id=outcome.job_id,
        matched_by=outcome.matched_by,
        repeat_key=None if outcome.role is Role.JOB_QUERY else repeat_key(outcome),
    )


def _job_query(outcome: Outcome, status: StatusVerdict) -> log.JobQuery:
    sub_job = status.sub_job
    return log.JobQuery(
        job_id=outcome.job_id or "",
        matched_by=outcome.matched_by or MatchedBy.ROUTE,
        status=_clean(status.status),
        is_final=outcome.is_final,
        error_code=_clean(status.error_code),
        fail_reason=_clean(status.fail_reason),
        sub_jobs={escape(name, 40): count for name, count in status.sub_jobs},
        sub_job=SubJob(
            job_id=_clean(sub_job.job_id),
            job_type=_clean(sub_job.job_type),
            error_code=_clean(sub_job.error_code),
            fail_reason=_clean(sub_job.fail_reason),
        )
        if sub_job
        else None,
        sub_job_ids=list(status.sub_job_ids),
        rules=sorted({finding.rule for finding in status.findings}),
    )


def _submission(outcome: Outcome, verdict: Verdict) -> log.Submission:
    return log.Submission(
        kind=verdict.kind.value,
        well_formed=verdict.well_formed,
        job_id=verdict.job_id,
        code=_clean(verdict.error_code),
        message=_clean(verdict.error_message),
        rules=sorted({finding.rule for finding in verdict.findings}),
        repeat_key=repeat_key(outcome),
        has_query_route=outcome.has_query_route,
    )


def _record(
    outcome: Outcome, stamp: Stamp, seq: int, http: Http, event_type: str, *parts: str, **body: Any
) -> ExchangeRecord:
    """`record_id` depends on the exchange alone: not on the instance, the session or the time of writing."""
    exchange = outcome.exchange
    return ExchangeRecord(
        timestamp=rfc3339(exchange.at),
        event_type=event_type,
        schema_version=SCHEMA_VERSION,
        record_id=stable_id(event_type, exchange.exchange_id, *parts),
        instance_id=stamp.instance_id,
        session_id=stamp.session_id,
        seq=seq,
        exchange_id=exchange.exchange_id,
        flow_id=exchange.flow_id,
        request_id=_clean(exchange.request_id),
        client=_clean(exchange.client),
        http=http,
        **body,
    )


def _clean(text: str | None) -> str | None:
    return None if text is None else escape(text)
