"""Exchange in, outcome out: role and route by the catalogue, verdict by the contract."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from msgspec import structs

from taskaudit.catalogue import FINAL_STATUSES, Catalogue, Match, Role, Route
from taskaudit.contract.answer import PRINTED, STRICT, Answer, Missing
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.job_status import OTHER_FINAL_STATUSES, StatusVerdict, audit_job_status
from taskaudit.contract.verdict import Finding, Verdict
from taskaudit.exchange import Exchange, MatchedBy, Unaudited
from taskaudit.known_ids import KnownIds
from taskaudit.policy.policy import EMPTY, Policy, Where, where_of
from taskaudit.scope import EVERYWHERE, Scope
from taskaudit.times import day_of

if TYPE_CHECKING:
    from taskaudit.config.loading import Loaded

SUBMITTING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods of requests that may submit a task."""


# gc=False: nothing in it can lead back to it, and tens of thousands may be remembered.
class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one exchange.

    `job_id` is the one answered to a submission, or the one asked for by a job query. Where `unaudited`
    is set there is no verdict to rely on; `findings` then says at most TA003. `verdict` is a submission's,
    `status` a job query's, and `matched_by` what made one of it;
    `is_final`: that status ends the job. `late` are findings on what the client did
    next. `has_query_route`: whether the catalogue knows how the status of a submission's job is asked for.
    """

    exchange: Exchange
    role: Role
    route: Route | None = None
    job_id: str | None = None
    verdict: Verdict | None = None
    unaudited: Unaudited | None = None
    status: StatusVerdict | None = None
    late: tuple[Finding, ...] = ()
    matched_by: MatchedBy | None = None
    is_final: bool = False
    has_query_route: bool = True

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings on this exchange, in order of code."""
        judged = self.verdict or self.status
        own = judged.findings if judged else ()
        if not self.late:
            return own
        found = (*own, *self.late)
        return found if len(found) == 1 else tuple(sorted(found, key=lambda finding: finding.rule))

    @property
    def text(self) -> str | None:
        """The decoded body, for showing the place of a finding."""
        judged = self.verdict or self.status
        return judged.text if judged else None

    @property
    def where(self) -> Where:
        """What a policy has to know of it."""
        exchange, route = self.exchange, self.route.name if self.route else None
        return where_of(exchange.method, exchange.path, route, exchange.at)

    def without_bodies(self) -> Outcome:
        """What has to be kept of an outcome to record a finding on it later."""
        answer = self.exchange.answer
        bare = None if answer is None else Answer(b"", answer.status)
        exchange = structs.replace(self.exchange, answer=bare)
        return structs.replace(self, exchange=exchange, verdict=None, status=None, late=())

    @property
    def audited(self) -> bool:
        """In scope, and looked at."""
        return self.role is not Role.OTHER and self.unaudited is None


class Auditor:
    """Judges exchanges, one by one; keeps nothing of them. Hosts outside of `scope` are none of ours."""

    def __init__(
        self, catalogue: Catalogue, limit: int, policy: Policy = EMPTY, scope: Scope = EVERYWHERE
    ) -> None:
        self.catalogue = catalogue
        self.limit = limit
        self.policy = policy
        self.scope = scope
        known = {status for route in catalogue.routes for status in route.final_statuses}
        self._final_statuses = FINAL_STATUSES | OTHER_FINAL_STATUSES | known

    @classmethod
    def under(cls, config: Loaded, now: float) -> Auditor:
        """The auditor that a configuration asks for; waivers that have expired `now` (epoch) are left out."""
        settings = config.settings
        policy = config.policy.on(day_of(now))
        return cls(config.catalogue, settings.inspection_limit, policy, Scope(settings.scope.hosts))

    def look(self, exchange: Exchange, match: Match | None = None, known: KnownIds | None = None) -> Outcome:
        """The outcome for `exchange`; `match` spares the look-up where the caller has made it.

        `known`: the ids that submissions returned, by which jobs are asked for without a route, too.
        """
        outcome = self._seen(exchange, match, known)
        return outcome if self.policy is EMPTY else _judged(outcome, self.policy)

    def judged(self, findings: Iterable[Finding], outcome: Outcome) -> tuple[Finding, ...]:
        """Findings on what the client did after `outcome`, as the policy has them."""
        if not any(self.policy.names(finding.rule) for finding in findings):
            return tuple(findings)
        return _kept(findings, self.policy, outcome.where)

    def _seen(self, exchange: Exchange, match: Match | None, known: KnownIds | None) -> Outcome:
        if exchange.method is None:
            return self._submission(exchange, None)
        if self.scope.is_limited and not self.scope.holds(exchange.host):
            return Outcome(exchange, Role.OTHER)
        match = match or self.catalogue.match(exchange.method, exchange.path or "", exchange.host)
        if match is None:
            if exchange.is_printed and exchange.method.upper() in SUBMITTING:
                return self._submission(exchange, None)
            return self._without_route(exchange, known)
        if match.route.role is Role.SUBMISSION:
            return self._submission(exchange, match.route)
        return self._job_query(exchange, match, known)

    def is_other(self, method: str, path: str, query: str, known: KnownIds) -> bool:
        """Whether the request line alone tells that an exchange is none of ours."""
        return (
            not self.may_be_unlisted_submission(method)
            and self.catalogue.match(method, path) is None
            and known.asked(method, path, query, inf) is None
        )

    def may_be_unlisted_submission(self, method: str) -> bool:
        """Whether a request outside the catalogue may still turn out to be a submission."""
        return self.catalogue.unlisted == "detect" and method.upper() in SUBMITTING

    def _unlisted(self, exchange: Exchange) -> Outcome:
        """A submission where the answer's body names an envelope's member, else none of ours."""
        answer = exchange.answer
        if answer and self.may_be_unlisted_submission(exchange.method or "") and _may_name_envelope(answer):
            outcome = self._submission(exchange, None)
            if outcome.verdict and outcome.verdict.names_envelope:
                return outcome
        return Outcome(exchange, Role.OTHER)

    def _without_route(self, exchange: Exchange, known: KnownIds | None) -> Outcome:
        """A job query where an id in the request is known; else maybe a submission."""
        line = exchange.method or "", exchange.path or "", exchange.query
        asked = known.asked(*line, exchange.at) if known is not None else None
        if asked is None:
            return self._unlisted(exchange)
        return self._query(exchange, None, *asked, is_strict=False)

    def _job_query(self, exchange: Exchange, match: Match, known: KnownIds | None) -> Outcome:
        """A job query; where its id stands in the query string and is not there, a list of jobs: not ours.

        Whose job it is, is known from its submission, or else from the host: many services have such a route.
        """
        asked = _asked(exchange, match)
        if asked is None:
            return self._without_route(exchange, known)
        service = known.service_of(asked, exchange.at) if known is not None else None
        if service is not None and service != match.route.service:
            line = exchange.method or "", exchange.path or "", exchange.host
            match = self.catalogue.match(*line, prefer=service) or match
        is_strict = match.is_own_host or match.route.service == service
        return self._query(exchange, match.route, asked, MatchedBy.ROUTE, is_strict=is_strict)

    def _query(
        self, exchange: Exchange, route: Route | None, asked: str, matched_by: MatchedBy, *, is_strict: bool
    ) -> Outcome:
        answer, status, is_final = exchange.answer, None, False
        unaudited = _unanswered(answer)
        if answer is not None and unaudited is None:
            shape = route.shape if route else None
            status = audit_job_status(answer, asked, shape, self.limit, is_strict=is_strict)
            unaudited = None if status.seen else _not_seen(answer)
        if status is not None and status.status is not None and matched_by is not MatchedBy.RESOURCE:
            final = self._final_statuses if route is None or status.is_guessed else route.final_statuses
            is_final = status.status.upper() in final
        return Outcome(
            exchange,
            Role.JOB_QUERY,
            route,
            asked,
            unaudited=unaudited,
            status=status,
            matched_by=matched_by,
            is_final=is_final,
        )

    def _submission(self, exchange: Exchange, route: Route | None) -> Outcome:
        answer = exchange.answer
        unaudited = _unanswered(answer)
        if answer is None or unaudited is not None:
            return Outcome(exchange, Role.SUBMISSION, route, unaudited=unaudited)
        unlisted = PRINTED if exchange.is_printed else STRICT
        verdict = audit_submission(answer, route.allowance if route else unlisted, self.limit)
        unaudited = None if verdict.seen else _not_seen(answer)
        has_query_route = route is not None or self.catalogue.has_job_query(exchange.host)
        return Outcome(
            exchange,
            Role.SUBMISSION,
            route,
            verdict.job_id,
            verdict,
            unaudited,
            has_query_route=has_query_route,
        )


def _judged(outcome: Outcome, policy: Policy) -> Outcome:
    """The outcome with its findings as the policy has them; whether it was seen does not depend on these."""
    if not outcome.findings:
        return outcome
    verdict, status, where = outcome.verdict, outcome.status, outcome.where
    if verdict is not None and verdict.findings:
        omitted = tuple(each for each in verdict.omitted if not policy.is_off(each[0], where))
        found = _kept(verdict.findings, policy, where)
        return structs.replace(outcome, verdict=structs.replace(verdict, findings=found, omitted=omitted))
    if status is not None and status.findings:
        return structs.replace(
            outcome, status=structs.replace(status, findings=_kept(status.findings, policy, where))
        )
    return outcome


def _kept(findings: Iterable[Finding], policy: Policy, where: Where) -> tuple[Finding, ...]:
    judged = (policy.judged(finding, where) for finding in findings)
    return tuple(finding for finding in judged if finding is not None)


_NOT_SEEN = {
    Missing.STREAMED: Unaudited.STREAMED,
    Missing.NOT_CAPTURED: Unaudited.NOT_CAPTURED,
}


def _unanswered(answer: Answer | None) -> Unaudited | None:
    """Why there is no final answer; a 1xx is none (RFC 9110 §15.2), though a proxy may take it for one."""
    if answer is None:
        return Unaudited.ABORTED
    return Unaudited.INTERIM if answer.status is not None and 100 <= answer.status < 200 else None


def _not_seen(answer: Answer) -> Unaudited:
    return _NOT_SEEN.get(answer.missing, Unaudited.TOO_LARGE) if answer.missing else Unaudited.TOO_LARGE


def _asked(exchange: Exchange, match: Match) -> str | None:
    parameter = match.route.id_parameter
    if parameter is None:
        return match.job_id
    return parse_qs(exchange.query, keep_blank_values=True).get(parameter, [None])[0]


def _may_name_envelope(answer: Answer) -> bool:
    """False only where no JSON object with a `job_id` or `error` member can be in the body.

    Spares the parser on traffic that is not ours. A name may be written with escapes, and an encoded or
    UTF-16 body shows no names at all.
    """
    body = answer.body
    if answer.content_encoding or b"\0" in body:
        return True
    return b'"job_id"' in body or b'"error"' in body or b"\\u" in body
