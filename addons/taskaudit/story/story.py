"""What several logs tell together: each job from its submission to its end, and what was found.

A log alone may hold a job's submission while another one has its queries: with several proxies behind a
balancer, a client's submission stands in one log and the queries of its job in another's. So the exchanges of
all logs are put in the order of their times and told to one state machine; its findings take the place of
those that each log has on its own.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from taskaudit.contract.verdict import Finding
from taskaudit.following import Queried, Submitted, judged
from taskaudit.following import tell as tell_step
from taskaudit.lifecycle import Late, Lifecycle, Thresholds
from taskaudit.log import Damaged
from taskaudit.policy.policy import EMPTY, Policy, Where, where_of
from taskaudit.story.gathered import Gathering
from taskaudit.story.groups import FoundStory, Group, found_stories, group_in
from taskaudit.story.job_story import JobStory
from taskaudit.story.merged import Merged
from taskaudit.story.sessions import Coverage
from taskaudit.story.shares import read_logs
from taskaudit.story.told import (
    AT,
    BY_RESOURCE,
    EXCHANGE_ID,
    HAS_QUERY_ROUTE,
    IS_FINAL,
    IS_QUERY,
    JOB_ID,
    METHOD,
    REPEAT_KEY,
    STATUS,
    SUB_JOB_IDS,
    Found,
    Plain,
    Told,
    found_in,
)

type Since = Callable[[float], float]
"""From the time of the latest record to the one from which on is told; both seconds since the epoch."""
type Each = Callable[[Told, Found], object]
"""Takes a finding with its exchange."""


def of_all(_: float) -> float:
    """Everything is told."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Story:
    """What the logs tell together.

    `jobs` in the order in which they were first seen, `findings` the worst first. `last`: the time of the
    latest record, seconds since the epoch. `evicted`: jobs that were forgotten, as there were too many to
    follow; `unlisted`: jobs that are not among `jobs`, as there were too many to keep; `repeated`: exchanges
    that another session told too.
    """

    jobs: Sequence[JobStory]
    findings: tuple[FoundStory, ...]
    damaged: tuple[Damaged, ...]
    coverage: Coverage
    last: float
    evicted: int
    unlisted: int = 0
    repeated: int = 0


def tell(
    paths: Iterable[Path],
    thresholds: Thresholds | None = None,
    policy: Policy = EMPTY,
    whole: Collection[str] | None = None,
    since: Since = of_all,
    each: Each | None = None,
) -> Story:
    """The story of these logs. The order of the paths makes no difference. Raises LogError.

    `whole`: of which jobs every query is told, None for all. `since`: from when on findings are told.
    `each` is told each finding with its exchange.
    """
    merged = Merged()
    with _no_collector():
        read_logs(merged, paths)
        return story_of(merged, thresholds, policy, whole, since, each)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Nothing that is made meanwhile holds cycles: there is nothing to collect."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def story_of(
    merged: Merged,
    thresholds: Thresholds | None = None,
    policy: Policy = EMPTY,
    whole: Collection[str] | None = None,
    since: Since = of_all,
    each: Each | None = None,
) -> Story:
    """The story of what was read so far.

    `policy` is for the findings that are judged again; the others are as they were recorded, or in its
    baseline. `whole`, `since` and `each` are as for `tell`.
    """
    lifecycle: Lifecycle[Plain] = Lifecycle(thresholds)
    telling = _Telling(policy, Gathering(whole), since(merged.last), each)
    telling.run(merged, lifecycle)
    return Story(
        jobs=telling.gathering.jobs(),
        findings=found_stories(telling.groups.values()),
        damaged=tuple(merged.damaged),
        coverage=merged.coverage(),
        last=merged.last,
        evicted=lifecycle.evicted,
        repeated=merged.repeated,
    )


class _Telling:
    """Tells exchanges, in the order of time, to all that has to know of them."""

    def __init__(self, policy: Policy, gathering: Gathering, since: float, each: Each | None) -> None:
        self.groups: dict[str, Group] = {}
        self.gathering = gathering
        self._policy = policy
        self._since = since
        self._each = each

    def run(self, merged: Merged, lifecycle: Lifecycle[Plain]) -> None:
        apart = merged.apart()
        recorded = _Recorded(merged.findings(), apart)
        for told in merged.once(apart):
            at = told[AT]
            self.gathering.add(told)
            if recorded.at <= at:
                self._find(recorded.on(at, told))
            if told[IS_QUERY]:
                step: Submitted | Queried = Queried(
                    told[JOB_ID] or "", told[STATUS], told[IS_FINAL], told[BY_RESOURCE], told[SUB_JOB_IDS]
                )
            elif told[METHOD] is not None:  # A response without its request has no client and no "next".
                step = Submitted(told[JOB_ID], told[REPEAT_KEY], told[HAS_QUERY_ROUTE])
            else:
                continue
            if late := tell_step(lifecycle, step, at, told):
                self._judge(late)
        self._find(recorded.rest())
        self._judge(lifecycle.due(merged.last))
        # While a session has no stop record, its run is not over: the client may still ask.
        if merged.sessions.are_over:
            self._judge(lifecycle.finish())

    def _find(self, found: Iterable[tuple[Told, Found]]) -> None:
        known = self._policy.known
        for on, found_on in found:
            if found_on.at < self._since:
                continue
            each = found_on
            if known and each.waiver is None and each.fingerprint in known.fingerprints:
                each = each._replace(waiver=known.waiver)
            group_in(self.groups, each, on)
            self.gathering.find(on, each)
            if self._each is not None:
                self._each(on, each)

    def _judge(self, late: Iterable[Late[Plain]]) -> None:
        told = (Late(Told(*each.ref), each.finding) for each in late)
        self._find((on, _found(on, finding)) for on, finding in judged(told, self._policy, _where))


class _Recorded:
    """The findings that logs hold, each once, brought to their exchanges.

    `at`: the time of the next one. A finding has the time of its exchange, unless that record was lost.
    """

    def __init__(self, findings: Iterator[Plain], apart: dict[str, Plain]) -> None:
        self._coming = chain(_distinct(findings), [_NO_MORE])
        self._apart = apart
        self._next = next(self._coming)
        self._same: dict[str, list[Plain]] = {}
        self.at: float = self._next[0]

    def on(self, at: float, told: Plain) -> Iterator[tuple[Told, Found]]:
        """Those on an exchange, and those before it whose exchange is in no log."""
        if self.at < at:
            yield from self._before(at)
        while self._next[0] == at:
            self._same.setdefault(self._next[1], []).append(self._next)
            self._next = next(self._coming)
        for found in self._same.pop(told[EXCHANGE_ID], ()):
            yield Told(*told), found_in(found[_FOUND])
        self.at = at if self._same else self._next[0]

    def rest(self) -> Iterator[tuple[Told, Found]]:
        """Those that are left when there are no more exchanges."""
        return self._before(_NO_MORE[0])

    def _before(self, at: float) -> Iterator[tuple[Told, Found]]:
        for found in chain.from_iterable(self._same.values()):
            yield self._alone(found)
        self._same = {}
        while self._next[0] < at:
            yield self._alone(self._next)
            self._next = next(self._coming)

    def _alone(self, found: Plain) -> tuple[Told, Found]:
        on: Plain = self._apart.get(found[1]) or found[_ON]
        return Told(*on), found_in(found[_FOUND])


_FOUND, _ON = 4, 5
_NO_MORE: Plain = (float("inf"),)


def _distinct(findings: Iterable[Plain]) -> Iterator[Plain]:
    """Copies of a finding have all in common but their number."""
    before: Plain = ()
    for found in findings:
        if found[:3] != before:
            before = found[:3]
            yield found


def _where(told: Told) -> Where:
    return where_of(told.method, told.path, told.route, told.at)


def _found(on: Told, finding: Finding) -> Found:
    """A finding of the state machine; its fingerprint is that of the record which a single log would have."""
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
        fingerprint=_where(on).fingerprint(finding),
        waiver=finding.waived,
    )
