"""An exchange as a log tells it, and a finding on one: what the story needs of a record, and no more."""

from __future__ import annotations

from sys import intern
from typing import Any, NamedTuple

import msgspec

from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.exchange import MatchedBy
from taskaudit.log.record import NotARecord, Record, SubJob
from taskaudit.times import seconds_of

REPLAYED = frozenset(rule.code for rule in (TA204, TA501, TA502, TA503, TA504, TA505, TA506, TA507))
"""Rules on more than one exchange: one log may lack what another has, so they are judged over all of them."""

type Plain = tuple[Any, ...]
"""The values of a `Told` or a `Found`, in order, of plain types: as it is put aside."""


class Told(msgspec.Struct, gc=False):
    """An exchange in scope as a log tells it. The values in their order sort as they must have been.

    By time; where that is the same, as it was recorded, but no client asks for a job before its submission
    was answered, nor sees it run after it has ended. Nothing here depends on the order of the logs, but for
    `nth`, the number of a record read: with it, no two are equal.

    `at`: seconds since the epoch; `path`: without the query string; `route`: the name in the catalogue;
    `rules`: its own findings'; `kind`: of an audited submission; `unaudited`: the reason, where there is no
    verdict. `by_resource`: a query not of the job, but of what it is about. `sub_job`: the values of the
    first failed one. `has_query_route`: of a submission, whether it is known how its job is asked for.
    """

    at: float
    is_query: bool
    is_final: bool
    seq: int
    exchange_id: str
    instance: str
    nth: int = 0
    job_id: str | None = None
    status: str | None = None
    repeat_key: str | None = None
    method: str | None = None
    is_audited: bool = True
    session: str = ""
    client: str | None = None
    request_id: str | None = None
    host: str | None = None
    path: str | None = None
    route: str | None = None
    http_status: int | None = None
    rules: tuple[str, ...] = ()
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: tuple[tuple[str, int], ...] = ()
    kind: str | None = None
    unaudited: str | None = None
    by_resource: bool = False
    sub_job: tuple[str | None, ...] | None = None
    sub_job_ids: tuple[str, ...] = ()
    has_query_route: bool = True

    @property
    def why_failed(self) -> tuple[str | None, str | None]:
        """Code and reason of a failure; where the job gives no reason, those of the sub-job that failed."""
        if self.sub_job is None:
            return self.error_code, self.fail_reason
        _, _, code, reason = self.sub_job
        return self.error_code or code, reason


AT, IS_QUERY, IS_FINAL, SEQ, EXCHANGE_ID, INSTANCE, _NTH, JOB_ID, STATUS, REPEAT_KEY = range(10)
METHOD, IS_AUDITED, SESSION = range(10, 13)
RULES, UNAUDITED = 19, 24
BY_RESOURCE, _SUB_JOB, SUB_JOB_IDS, HAS_QUERY_ROUTE = range(25, 29)
"""The places of values in what was put aside."""


class Found(NamedTuple):
    """A finding on an exchange, as a log tells it."""

    at: float
    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: int | None
    column: int | None
    fingerprint: str
    waiver: Waiver | None = None


def told_of(record: Record, at: float) -> Told:
    """The exchange that a `submission`, `job_query` or `unaudited` record is about. `at`: its time."""
    return Told(*plain_told(record, at))


def bare(record: Record, at: float) -> Told:
    """What a record's header says of its exchange."""
    return Told(*_plain(record, at, 0))


def plain_told(record: Record, at: float, nth: int = 0) -> Plain:
    """As `told_of`, put aside. What many have in common is kept once."""
    http = record.http
    if (query := record.job_query) is not None and record.event_type == "job_query":
        return (
            at,
            True,
            query.is_final,
            record.seq,
            record.exchange_id,
            intern(record.instance_id),
            nth,
            query.job_id,
            query.status and intern(query.status),
            None,
            http.method and intern(http.method),
            True,
            intern(record.session_id),
            record.client and intern(record.client),
            record.request_id,
            http.host and intern(http.host),
            http.path,
            http.route and intern(http.route),
            http.status,
            tuple(map(intern, query.rules)) if query.rules else (),
            query.error_code and intern(query.error_code),
            query.fail_reason and intern(query.fail_reason),
            tuple(query.sub_jobs.items()) if query.sub_jobs else (),
            None,
            None,
            query.matched_by is MatchedBy.RESOURCE,
            _sub_job(query.sub_job) if query.sub_job else None,
            tuple(query.sub_job_ids) if query.sub_job_ids else (),
            True,
        )
    if (body := record.submission) is not None and record.event_type == "submission":
        rules = tuple(map(intern, body.rules))
        return _plain(
            record,
            at,
            nth,
            body.job_id,
            body.repeat_key,
            rules=rules,
            kind=intern(body.kind),
            has_query_route=body.has_query_route,
        )
    unaudited = record.unaudited
    assert unaudited is not None
    return _plain(
        record,
        at,
        nth,
        unaudited.job_id,
        unaudited.repeat_key,
        is_query=unaudited.role == "job_query",
        reason=intern(unaudited.reason),
        by_resource=unaudited.matched_by is MatchedBy.RESOURCE,
    )


def plain_bare(record: Record, at: float) -> Plain:
    """As `bare`, put aside."""
    return _plain(record, at, 0)


def _plain(
    record: Record,
    at: float,
    nth: int,
    job_id: str | None = None,
    repeat_key: str | None = None,
    *,
    is_query: bool = False,
    rules: tuple[str, ...] = (),
    kind: str | None = None,
    reason: str | None = None,
    by_resource: bool = False,
    has_query_route: bool = True,
) -> Plain:
    http = record.http
    return (
        at,
        is_query,
        False,
        record.seq,
        record.exchange_id,
        intern(record.instance_id),
        nth,
        job_id,
        None,
        repeat_key,
        http.method and intern(http.method),
        reason is None,
        intern(record.session_id),
        record.client and intern(record.client),
        record.request_id,
        http.host and intern(http.host),
        http.path,
        http.route and intern(http.route),
        http.status,
        rules,
        None,
        None,
        (),
        kind,
        reason,
        by_resource,
        None,
        (),
        has_query_route,
    )


def _sub_job(sub_job: SubJob) -> tuple[str | None, ...]:
    return sub_job.job_id, sub_job.job_type, sub_job.error_code, sub_job.fail_reason


def found_of(record: Record, at: float) -> Found:
    """The finding that a `finding` record is about. `at`: its time."""
    body = record.finding
    assert body is not None
    waiver = body.waiver
    return Found(
        at=at,
        rule=intern(body.rule),
        name=intern(body.name),
        severity=body.severity,
        pointer=intern(body.pointer),
        expected=intern(body.expected),
        found=intern(body.found),
        line=body.line,
        column=body.column,
        fingerprint=intern(body.fingerprint),
        # Its patterns are not recorded with a finding.
        waiver=Waiver(body.rule, waiver.reason, waiver.owner, waiver.until) if waiver else None,
    )


def plain_found(found: Found) -> Plain:
    """A finding, put aside."""
    waiver = found.waiver
    told = (waiver.rule, waiver.reason, waiver.owner, waiver.until) if waiver else None
    return (*found[:3], found.severity.value, *found[4:-1], told)


def found_in(plain: Plain) -> Found:
    """The finding that was put aside."""
    waiver = plain[-1]
    return Found._make((*plain[:3], Severity(plain[3]), *plain[4:-1], waiver and Waiver(*waiver)))


def time_of(record: Record) -> float:
    """The time of a record in seconds since the epoch. Raises NotARecord."""
    try:
        return seconds_of(record.timestamp)
    except ValueError as error:
        raise NotARecord(f"not a record: {error}") from None
