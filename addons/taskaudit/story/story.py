"""One story out of one or several logs: every job to its end, every finding by its fingerprint.

A submission may stand in the log of one proxy and the queries of its job in another's. So the exchanges of
all logs are put in the order of their times and told to one state machine; its findings take the place of
those that each log has on its own.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import overload

import msgspec

from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.exchange import stable_id
from taskaudit.following import judged
from taskaudit.job_state import JobState
from taskaudit.lifecycle import Late, Lifecycle, Thresholds
from taskaudit.log import Damaged
from taskaudit.log.shapes import NO_HTTP
from taskaudit.policy.policy import EMPTY, Policy, Where, where_of
from taskaudit.route_template import template_of
from taskaudit.story.merged import Coverage, Found, Group, Merged, Told, group_in
from taskaudit.times import rfc3339


@dataclass(frozen=True, slots=True)
class QueryStep:
    """A query of a job's status and its answer. `time` is RFC 3339, UTC."""

    time: str
    status: str | None
    error_code: str | None
    fail_reason: str | None
    sub_jobs: tuple[tuple[str, int], ...]
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
        return QueryStep(
            time=rfc3339(told.at),
            status=told.status,
            error_code=told.error_code,
            fail_reason=told.fail_reason,
            sub_jobs=told.sub_jobs,
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


@dataclass(frozen=True, slots=True)
class Example:
    """One of the findings of a group, with the exchange it is on."""

    time: str
    method: str | None
    host: str | None
    path: str | None
    route: str | None
    http_status: int | None
    job_id: str | None
    request_id: str | None
    instance: str
    pointer: str
    expected: str
    found: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class FoundStory:
    """Findings with one fingerprint. `first` and `last` are RFC 3339, UTC; `example` is the first.

    `waived`: how many of them are waived, of which the last one until when, by whom and why.
    """

    rule: str
    name: str
    severity: Severity
    count: int
    first: str
    last: str
    fingerprint: str
    example: Example
    waived: int = 0
    waived_until: str | None = None
    waived_by: str | None = None
    waived_why: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What the logs tell together.

    `jobs` in the order in which they were first seen, `findings` the worst first. `last`: the time of the
    latest record, seconds since the epoch. `evicted`: jobs that were forgotten, as there were too many to
    follow; `unlisted`: jobs that are not among `jobs`, as there were too many to keep.
    """

    jobs: tuple[JobStory, ...]
    findings: tuple[FoundStory, ...]
    damaged: tuple[Damaged, ...]
    coverage: Coverage
    last: float
    evicted: int
    unlisted: int = 0


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


def tell(paths: Iterable[Path], thresholds: Thresholds | None = None, policy: Policy = EMPTY) -> Story:
    """The story of these logs. The order of the paths makes no difference. Raises LogError."""
    merged = Merged()
    with _no_collector():
        for path in paths:
            merged.read(path)
        return story_of(merged, thresholds, policy)


@contextmanager
def _no_collector() -> Iterator[None]:
    """All that is made meanwhile stays, and holds no cycles: there is nothing to collect."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def story_of(merged: Merged, thresholds: Thresholds | None = None, policy: Policy = EMPTY) -> Story:
    """The story of what was read so far.

    `policy` is for the findings that are judged again; the others are as they were recorded.
    """
    exchanges = sorted(merged.exchanges.values())
    lifecycle: Lifecycle[Told] = Lifecycle(thresholds)
    groups = {fingerprint: _settled(group, merged) for fingerprint, group in merged.groups.items()}
    findings = {exchange_id: list(found) for exchange_id, found in merged.on_jobs.items()}
    for on, finding in judged(_replay(lifecycle, exchanges, merged), policy, _where):
        found = _found(on, finding)
        group_in(groups, found, on)
        findings.setdefault(on.exchange_id, []).append(found)
    for each in findings.values():
        each.sort(key=lambda found: (found.rule, found.pointer))
    return Story(
        jobs=tuple(job_of(job_id, draft, findings) for job_id, draft in _drafts(exchanges).items()),
        findings=found_stories(groups.values()),
        damaged=tuple(merged.damaged),
        coverage=merged.coverage(),
        last=merged.last,
        evicted=lifecycle.evicted,
    )


def _where(told: Told) -> Where:
    return where_of(told.method, told.path, told.route, told.at)


def _settled(group: Group, merged: Merged) -> Group:
    """A copy; its example is on the exchange as it came out, whichever log was read first."""
    on = group.example_on
    return replace(group, example_on=merged.exchanges.get(on.exchange_id, on))


def _replay(lifecycle: Lifecycle[Told], exchanges: Iterable[Told], merged: Merged) -> Iterator[Late[Told]]:
    for told in exchanges:
        if told.is_query:
            yield from lifecycle.queried(
                told.at, told, told.job_id or "", told.status, is_final=told.is_final
            )
        elif told.method is not None:  # A response without its request has no client and no "next".
            yield from lifecycle.submitted(told.at, told, told.job_id, told.repeat_key)
    yield from lifecycle.due(merged.last)
    # While a session has no stop record, its run is not over: the client may still ask.
    if merged.is_over:
        yield from lifecycle.finish()


def _drafts(exchanges: Iterable[Told]) -> dict[str, Draft]:
    """The exchanges by job; a placeholder (TA502) is no job."""
    drafts: dict[str, Draft] = {}
    for told in exchanges:
        if told.job_id is None:
            continue
        draft = drafts.get(told.job_id)
        # Of a job that was asked for before it is known.
        if told.is_query and not (draft and draft.queries) and is_placeholder(told.job_id):
            continue
        if draft is None:
            draft = drafts[told.job_id] = Draft()
        if told.is_query:
            draft.queries.append(told)
        else:
            draft.add(told)
    return drafts


def found_stories(groups: Iterable[Group]) -> tuple[FoundStory, ...]:
    """The groups as they are shown, the worst first."""
    return tuple(sorted(map(_group, groups), key=_worst_first))


def job_of(job_id: str, draft: Draft, findings: Mapping[str, Sequence[Found]]) -> JobStory:
    """The story of one job, with the findings by exchange id."""
    submission, queries = draft.submission, draft.queries
    end = next((told for told in queries if told.is_final), None)
    last = end or (queries[-1] if queries else None)
    status = last.status if last else None
    if status is None:
        status = next((told.status for told in reversed(queries) if told.status is not None), None)
    rules, found = _found_on(draft, findings)
    seen = submission or _UNSEEN
    http = seen.http
    return JobStory(
        job_id,
        rfc3339(seen.at) if submission else None,
        http.route,
        http.method,
        http.host,
        http.path,
        http.status,
        seen.client,
        seen.request_id,
        seen.instance if submission else None,
        Steps(tuple(queries), found),
        status,
        _state(draft, status, is_final=end is not None),
        rfc3339(end.at) if end else None,
        round(end.at - seen.at, 6) if end and submission else None,
        last.error_code if last else None,
        last.fail_reason if last else None,
        rules,
        tuple(chain.from_iterable(found.get(told.exchange_id, ()) for told in draft.submissions)),
        draft.unlisted,
    )


_UNSEEN = Told(0.0, False, False, 0, "", "", None, None, NO_HTTP)
"""What there is of a submission that is in none of the logs."""


def _state(draft: Draft, status: str | None, *, is_final: bool) -> JobState:
    if not draft.queries:
        return JobState.NEVER_QUERIED
    if status is None:
        return JobState.LOST
    if not is_final:
        return JobState.OPEN
    return JobState.FAILED if status.upper().startswith(("FAIL", "ERROR")) else JobState.FINAL


def _found_on(
    draft: Draft, findings: Mapping[str, Sequence[Found]]
) -> tuple[tuple[str, ...], dict[str, tuple[Found, ...]]]:
    """The rules of all findings on a job, and the findings by exchange id. Mostly there are none."""
    rules, found = set(draft.past_rules), dict[str, tuple[Found, ...]]()
    for told in draft.exchanges:
        if told.rules:
            rules.update(told.rules)
        if on_it := findings.get(told.exchange_id):
            rules.update(each.rule for each in on_it)
            found[told.exchange_id] = tuple(on_it)
    return tuple(sorted(rules)), found


def _found(on: Told, finding: Finding) -> Found:
    """A finding of the state machine; its fingerprint is that of the record which a single log would have."""
    route = on.route or template_of(on.path or "")
    return Found(
        at=on.at,
        rule=finding.rule,
        name=finding.name,
        severity=finding.severity,
        pointer=finding.pointer,
        expected=finding.expected,
        found=finding.found,
        line=None,
        column=None,
        fingerprint=stable_id(finding.rule, on.method, route, finding.pointer, finding.json_type),
        waiver=finding.waived,
    )


def _group(group: Group) -> FoundStory:
    found, on = group.example, group.example_on
    example = Example(
        time=rfc3339(found.at),
        method=on.method,
        host=on.host,
        path=on.path,
        route=on.route,
        http_status=on.http_status,
        job_id=on.job_id,
        request_id=on.request_id,
        instance=on.instance,
        pointer=found.pointer,
        expected=found.expected,
        found=found.found,
        line=found.line,
        column=found.column,
    )
    waiver = group.waiver
    return FoundStory(
        rule=found.rule,
        name=found.name,
        severity=found.severity,
        count=group.count,
        first=rfc3339(group.first),
        last=rfc3339(group.last),
        fingerprint=found.fingerprint,
        example=example,
        waived=group.waived,
        waived_until=waiver.until if waiver else None,
        waived_by=waiver.owner if waiver else None,
        waived_why=waiver.reason if waiver else None,
    )


def _worst_first(found: FoundStory) -> tuple[int, str, int, str]:
    return found.severity.rank, found.rule, -found.count, found.fingerprint
