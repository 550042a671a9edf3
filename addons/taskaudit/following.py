"""Outcomes told to the life of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.policy import EMPTY, Policy, Where


def follow[Ref](lifecycle: Lifecycle[Ref], outcome: Outcome, ref: Ref) -> list[Late[Ref]]:
    """What this exchange shows about the life of jobs; `ref` is given back with findings on it.

    A raw response or a bare body has no client and no "next"; of any other exchange in scope at least the
    request counts, even where the answer was not audited.
    """
    exchange = outcome.exchange
    if exchange.method is None:
        return []
    if outcome.role is Role.SUBMISSION:
        return list(lifecycle.submitted(exchange.at, ref, outcome.job_id, repeat_key(outcome)))
    if outcome.role is Role.JOB_QUERY:
        status = outcome.status.status if outcome.status else None
        asked = outcome.job_id or ""
        return list(lifecycle.queried(exchange.at, ref, asked, status, is_final=outcome.is_final))
    return []


def judged[Ref](late: Iterable[Late[Ref]], policy: Policy, where: Callable[[Ref], Where]) -> list[Late[Ref]]:
    """The findings on the life of jobs as the policy has them; `where` tells what a `ref` stands for."""
    if policy is EMPTY:
        return list(late)
    found = ((ref, policy.judged(finding, where(ref))) for ref, finding in late)
    return [Late(ref, finding) for ref, finding in found if finding is not None]


def repeat_key(outcome: Outcome) -> str | None:
    """Equal for the same method, URL and body of the same client; None where the request is not known.

    Cut to 48 bits: it is recorded, and is not to serve for guessing what a body held.
    """
    exchange = outcome.exchange
    if exchange.request_digest is None:
        return None
    return stable_id(exchange.client, exchange.request_digest)[:12]
