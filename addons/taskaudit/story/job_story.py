"""The story of one job: its submission, the queries of its status, its end."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import overload

import msgspec

from taskaudit.contract.job_status import is_failed
from taskaudit.contract.rules.lifecycle import TA501
from taskaudit.job_state import JobState
from taskaudit.story.told import Found, Told
from taskaudit.times import rfc3339


@dataclass(frozen=True, slots=True)
class QueryStep:
    """A query of a job's status and its answer. `time` is RFC 3339, UTC.

    `by_resource`: what was asked for is not the job, but what it is about. `sub_job`: the values of the first
    failed one, where the job itself gives no reason; `error_code` and `fail_reason` are then those.
    """

    time: str
    by_resource: bool
    status: str | None
    error_code: str | None
    fail_reason: str | None
    sub_jobs: tuple[tuple[str, int], ...]
    sub_job: tuple[str | None, ...] | None
    http_status: int | None
    instance: str
    findings: tuple[Found, ...] = ()


class Steps(Sequence[QueryStep]):
    """The queries of a job; each is put into words when it is asked for, as most never are."""

    __slots__ = ("_findings", "_queries")

    def __init__(self, queries: tuple[Told, ...], findings: Mapping[str, tuple[Found, ...]]) -> None:
        self._queries = queries
        self._findings = findings

    def __len__(self) -> int:
        return len(self._queries)

    @overload
    def __getitem__(self, at: int) -> QueryStep: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[QueryStep, ...]: ...
    def __getitem__(self, at: int | slice) -> QueryStep | tuple[QueryStep, ...]:
        if isinstance(at, slice):
            return tuple(map(self._step, self._queries[at]))
        return self._step(self._queries[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def _step(self, told: Told) -> QueryStep:
        error_code, fail_reason = told.why_failed
        return QueryStep(
            time=rfc3339(told.at),
            by_resource=told.by_resource,
            status=told.status,
            error_code=error_code,
            fail_reason=fail_reason,
            sub_jobs=told.sub_jobs,
            sub_job=told.sub_job,
            http_status=told.http_status,
            instance=told.instance,
            findings=self._findings.get(told.exchange_id, ()),
        )


class JobStory(msgspec.Struct, frozen=True, gc=False):
    """A job from its submission to its end. Times are RFC 3339, UTC.

    `submitted`, and what follows to `instance`, is None where the submission is in none of the logs.
    `took`: seconds from the submission to the answer that held the final status. `error_code` and
    `fail_reason` are those of the final answer, or else of the last. `findings` are those on the submission.
    `unlisted` queries, in the middle, were too many to keep.
    """

    job_id: str
    submitted: str | None
    route: str | None
    method: str | None
    host: str | None
    path: str | None
    http_status: int | None
    client: str | None
    request_id: str | None
    instance: str | None
    queries: Steps
    last_status: str | None
    state: JobState
    ended: str | None
    took: float | None
    error_code: str | None
    fail_reason: str | None
    rules: tuple[str, ...]
    findings: tuple[Found, ...] = ()
    unlisted: int = 0

    @property
    def asked(self) -> int:
        """How often its status was asked for."""
        return len(self.queries) + self.unlisted

    @property
    def operation(self) -> str:
        """The route, or else the request line; empty where the submission was not seen."""
        return self.route or f"{self.method or ''} {self.path or ''}".strip()

    @property
    def first_seen(self) -> str:
        """When the job was submitted, or else first asked for."""
        return self.submitted or self.queries[0].time

    @property
    def last_seen(self) -> str:
        """When the job was last asked for, or else submitted."""
        return self.queries[-1].time if self.queries else self.first_seen


@dataclass(slots=True)
class Draft:
    """A job while its exchanges are gathered.

    `unlisted` queries were too many to keep; `past_rules` are those of exchanges that are not kept.
    """

    submission: Told | None = None
    queries: list[Told] = field(default_factory=list)
    others: list[Told] = field(default_factory=list)  # Submissions that were answered with the same id.
    unlisted: int = 0
    past_rules: frozenset[str] = frozenset()

    def add(self, told: Told) -> None:
        """Takes an exchange, in the order of time."""
        if told.is_query:
            self.queries.append(told)
        elif self.submission is None:
            self.submission = told
        else:
            self.others.append(told)

    @property
    def exchanges(self) -> list[Told]:
        """All of them, submissions first."""
        return [*self.submissions, *self.queries]

    @property
    def submissions(self) -> list[Told]:
        """Those that were answered with its id."""
        return [self.submission, *self.others] if self.submission else self.others


def job_of(job_id: str, draft: Draft, findings: Mapping[str, Sequence[Found]]) -> JobStory:
    """The story of one job; findings by exchange id, also of exchanges that are not kept."""
    submission = draft.submission
    queries = [told for told in draft.queries if not told.by_resource]
    end = next((told for told in queries if told.is_final), None)
    last = end or (queries[-1] if queries else None)
    status = last.status if last else None
    if status is None:
        status = next((told.status for told in reversed(queries) if told.status is not None), None)
    found = {on: tuple(each) for on, each in findings.items()}
    seen = submission or _UNSEEN
    return JobStory(
        job_id,
        rfc3339(seen.at) if submission else None,
        seen.route,
        seen.method,
        seen.host,
        seen.path,
        seen.http_status,
        seen.client,
        seen.request_id,
        seen.instance if submission else None,
        Steps(tuple(draft.queries), found),
        status,
        _state(draft, status, rules := _rules(draft, found), is_final=end is not None),
        rfc3339(end.at) if end else None,
        round(end.at - seen.at, 6) if end and submission else None,
        *(last.why_failed if last else (None, None)),
        rules,
        tuple(chain.from_iterable(found.get(told.exchange_id, ()) for told in draft.submissions)),
        draft.unlisted,
    )


_UNSEEN = Told(0.0, False, False, 0, "", "")
"""What there is of a submission that is in none of the logs."""


def _state(draft: Draft, status: str | None, rules: Container[str], *, is_final: bool) -> JobState:
    if not draft.queries:  # Its time may not have passed.
        return JobState.NEVER_QUERIED if TA501.code in rules else JobState.NOT_ASKED_YET
    if all(told.by_resource for told in draft.queries):
        return JobState.BY_RESOURCE
    if status is None:
        return JobState.NO_STATUS
    if not is_final:
        return JobState.OPEN
    return JobState.FAILED if is_failed(status) else JobState.FINAL


def _rules(draft: Draft, findings: Mapping[str, Iterable[Found]]) -> tuple[str, ...]:
    """Those of all findings on a job; mostly there are none."""
    rules = set(draft.past_rules)
    for told in draft.exchanges:
        if told.rules:
            rules.update(told.rules)
    for found in findings.values():
        rules.update(each.rule for each in found)
    return tuple(sorted(rules))
