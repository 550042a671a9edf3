"""Outcomes told to the life of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.job_status import UNKNOWN
from taskaudit.exchange import MatchedBy, stable_id
from taskaudit.known_ids import Known
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.policy.policy import EMPTY, Policy, Where


class Submitted(NamedTuple):
    """What the life of jobs has to know of a submission."""

    job_id: str | None
    repeat_key: str | None
    has_query_route: bool


class Queried(NamedTuple):
    """What the life of jobs has to know of a job query."""

    job_id: str
    status: str | None
    is_final: bool
    by_resource: bool
    sub_jobs: tuple[str, ...]


def step_of(outcome: Outcome) -> Submitted | Queried | None:
    """What is to be told of an exchange, None where nothing is.

    A raw response or a bare body has no client and no "next"; of any other exchange in scope at least the
    request counts, even where the answer was not audited.
    """
    if outcome.exchange.is_printed:
        return None
    if outcome.role is Role.SUBMISSION:
        return Submitted(outcome.job_id, repeat_key(outcome), outcome.has_query_route)
    if outcome.role is Role.JOB_QUERY:
        told = outcome.status or UNKNOWN
        by_resource = outcome.matched_by is MatchedBy.RESOURCE
        return Queried(outcome.job_id or "", told.status, outcome.is_final, by_resource, told.sub_job_ids)
    return None


def tell[Ref](
    lifecycle: Lifecycle[Ref], step: Submitted | Queried, at: float, ref: Ref
) -> Sequence[Late[Ref]]:
    """What an exchange that ended `at` shows; `ref` is given back with findings on it."""
    if isinstance(step, Submitted):
        return lifecycle.submitted(
            at, ref, step.job_id, step.repeat_key, has_query_route=step.has_query_route
        )
    if step.by_resource:
        return lifecycle.resource_queried(at, step.job_id)
    return lifecycle.queried(
        at, ref, step.job_id, step.status, is_final=step.is_final, sub_jobs=step.sub_jobs
    )


def follow[Ref](lifecycle: Lifecycle[Ref], outcome: Outcome, ref: Ref) -> list[Late[Ref]]:
    """What this exchange shows about the life of jobs; `ref` is given back with findings on it."""
    step = step_of(outcome)
    late = list(tell(lifecycle, step, outcome.exchange.at, ref)) if step else []
    if known := known_of(outcome):
        lifecycle.known.learn(known)
    return late


def known_of(outcome: Outcome) -> Known | None:
    """By what the job of a submission is going to be asked for, None where it got none."""
    if outcome.role is not Role.SUBMISSION or outcome.job_id is None or outcome.exchange.method is None:
        return None
    service = outcome.route.service if outcome.route else None
    ids = outcome.verdict.ids if outcome.verdict else ()
    return Known(outcome.job_id, outcome.exchange.at, service, ids)


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
