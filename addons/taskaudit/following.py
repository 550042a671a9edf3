"""Outcomes told to the life of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.policy.policy import EMPTY, Policy, Where


class Submitted(NamedTuple):
    """What the life of jobs has to know of a submission."""

    job_id: str | None
    repeat_key: str | None


class Queried(NamedTuple):
    """What the life of jobs has to know of a job query."""

    job_id: str
    status: str | None
    is_final: bool


def step_of(outcome: Outcome) -> Submitted | Queried | None:
    """What is to be told of an exchange, None where nothing is.

    A raw response or a bare body has no client and no "next"; of any other exchange in scope at least the
    request counts, even where the answer was not audited.
    """
    if outcome.exchange.method is None:
        return None
    if outcome.role is Role.SUBMISSION:
        return Submitted(outcome.job_id, repeat_key(outcome))
    if outcome.role is Role.JOB_QUERY:
        status = outcome.status.status if outcome.status else None
        return Queried(outcome.job_id or "", status, outcome.is_final)
    return None


def tell[Ref](
    lifecycle: Lifecycle[Ref], step: Submitted | Queried, at: float, ref: Ref
) -> Iterable[Late[Ref]]:
    """What an exchange that ended `at` shows; `ref` is given back with findings on it."""
    if isinstance(step, Submitted):
        return lifecycle.submitted(at, ref, step.job_id, step.repeat_key)
    return lifecycle.queried(at, ref, step.job_id, step.status, is_final=step.is_final)


def follow[Ref](lifecycle: Lifecycle[Ref], outcome: Outcome, ref: Ref) -> list[Late[Ref]]:
    """What this exchange shows about the life of jobs; `ref` is given back with findings on it."""
    step = step_of(outcome)
    return list(tell(lifecycle, step, outcome.exchange.at, ref)) if step else []


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
    digest = exchange.request_digest
    return digest and (digest[:12] if exchange.client is None else _key(exchange.client, digest))


@lru_cache(maxsize=1)
def _key(client: str | None, digest: str) -> str:
    """Asked for twice in a row: to follow a job, and to record it."""
    return stable_id(client, digest)[:12]
