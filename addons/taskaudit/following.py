"""Outcomes told to the life of jobs."""

from __future__ import annotations

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Late, Lifecycle


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


def repeat_key(outcome: Outcome) -> str | None:
    """Equal for the same method, URL and body of the same client; None where the request is not known.

    Cut to 48 bits: it is recorded, and is not to serve for guessing what a body held.
    """
    exchange = outcome.exchange
    if exchange.request_digest is None:
        return None
    return stable_id(exchange.client, exchange.request_digest)[:12]
