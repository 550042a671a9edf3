"""Exchange in, outcome out: role and route by the catalogue, verdict by the contract."""

from __future__ import annotations

from dataclasses import dataclass

from taskaudit.catalogue import Catalogue, Match, Role, Route
from taskaudit.contract.answer import STRICT, Answer, Missing
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.verdict import Finding, Verdict
from taskaudit.exchange import Exchange, Unaudited

_SUBMITTING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one exchange.

    `job_id` is the one answered to a submission, or the one asked for by a job query. Where `unaudited`
    is set there is no verdict to rely on; `findings` then says at most TA003.
    """

    exchange: Exchange
    role: Role
    route: Route | None = None
    job_id: str | None = None
    verdict: Verdict | None = None
    unaudited: Unaudited | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings on this exchange."""
        return self.verdict.findings if self.verdict else ()

    @property
    def audited(self) -> bool:
        """In scope, and looked at."""
        return self.role is not Role.OTHER and self.unaudited is None


class Auditor:
    """Judges exchanges, one by one; keeps nothing of them."""

    def __init__(self, catalogue: Catalogue, limit: int) -> None:
        self.catalogue = catalogue
        self.limit = limit

    def look(self, exchange: Exchange, match: Match | None = None) -> Outcome:
        """The outcome for `exchange`; `match` spares the look-up where the caller has made it."""
        if exchange.method is None:
            return self._submission(exchange, None)
        match = match or self.catalogue.match(exchange.method, exchange.path or "", exchange.host)
        if match is None:
            return self._unlisted(exchange)
        if exchange.answer is None:
            return Outcome(exchange, match.route.role, match.route, match.job_id, unaudited=Unaudited.ABORTED)
        if match.route.role is Role.SUBMISSION:
            return self._submission(exchange, match.route)
        return Outcome(exchange, Role.JOB_QUERY, match.route, match.job_id)

    def may_be_unlisted_submission(self, method: str) -> bool:
        """Whether a request outside the catalogue may still turn out to be a submission."""
        return self.catalogue.unlisted == "detect" and method.upper() in _SUBMITTING

    def _unlisted(self, exchange: Exchange) -> Outcome:
        """A submission where the answer's body names an envelope's member, else none of ours."""
        answer = exchange.answer
        if answer and self.may_be_unlisted_submission(exchange.method or "") and _may_name_envelope(answer):
            outcome = self._submission(exchange, None)
            if outcome.verdict and outcome.verdict.names_envelope:
                return outcome
        return Outcome(exchange, Role.OTHER)

    def _submission(self, exchange: Exchange, route: Route | None) -> Outcome:
        answer = exchange.answer
        if answer is None:
            return Outcome(exchange, Role.SUBMISSION, route, unaudited=Unaudited.ABORTED)
        verdict = audit_submission(answer, route.allowance if route else STRICT, self.limit)
        unaudited = None
        if not verdict.seen:
            streamed = answer.missing is Missing.STREAMED
            unaudited = Unaudited.STREAMED if streamed else Unaudited.TOO_LARGE
        return Outcome(exchange, Role.SUBMISSION, route, verdict.job_id, verdict, unaudited)


def _may_name_envelope(answer: Answer) -> bool:
    """False only where no JSON object with a `job_id` or `error` member can be in the body.

    Spares the parser on traffic that is not ours. A name may be written with escapes, and an encoded or
    UTF-16 body shows no names at all.
    """
    body = answer.body
    if answer.content_encoding or b"\0" in body:
        return True
    return b'"job_id"' in body or b'"error"' in body or b"\\u" in body
