"""The life of jobs: a bounded state machine over submissions and job queries.

PURE: it is told the time, and has no clock. Exchanges are to be told in the order of the times at which
their answers ended; the same exchanges then give the same findings, live or offline.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from taskaudit.contract.excerpt import MOST, escape
from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507, is_placeholder
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.known_ids import KnownIds

TOO_CLOSE_IN_A_ROW = 3
"""How many queries may follow too closely on the one before, in a row (TA504)."""
TOO_CLOSE = 0.9
"""What part of the interval is too close (TA504): a client that waits 1 s measures 0.99."""
READ_AFTER_END = 1
"""How many queries may follow a final status (TA505): clients read the job once more, for its result."""
MOST_SUB_JOBS = 100
"""Of how many sub-jobs of a job the ids are remembered."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is allowed. Times in seconds; `table_size` is the most jobs that are remembered."""

    query_within: float = 300.0
    min_interval: float = 1.0
    table_size: int = 100_000


class Late[Ref](NamedTuple):
    """A finding on an exchange: `ref` is what the exchange was told with."""

    ref: Ref
    finding: Finding


@dataclass(slots=True)
class Job[Ref]:
    """What is remembered of a job. `ref` is its submission's, None where that was not seen.

    `has_query_route`: it is known how its status is asked for. `sub_jobs` are ids that its statuses named.
    """

    job_id: str
    ref: Ref | None = None
    repeat_key: str | None = None
    has_query_route: bool = True
    is_queried: bool = False
    last_query: float = -inf
    too_close: int = 0
    status: str | None = None
    is_final: bool = False
    after_end: int = 0
    is_told: bool = False
    sub_jobs: tuple[str, ...] = ()


class Lifecycle[Ref]:
    """Follows each job from its submission to its final status.

    `evicted` counts jobs that were forgotten because the table was full: the oldest ended ones first, then
    the oldest open ones. What the client does with those afterwards is not seen. `known` are the ids by which
    the jobs are asked for.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.evicted = 0
        self._open: OrderedDict[str, Job[Ref]] = OrderedDict()
        self._ended: OrderedDict[str, Job[Ref]] = OrderedDict()
        self._due: deque[tuple[float, Job[Ref]]] = deque()
        self._repeats: dict[str, dict[str, Job[Ref]]] = {}
        self._sub_jobs: set[str] = set()
        self.known = KnownIds()

    def __len__(self) -> int:
        return len(self._open) + len(self._ended)

    @property
    def open_jobs(self) -> int:
        """How many jobs are remembered whose last status seen is not final."""
        return len(self._open)

    def submitted(
        self,
        at: float,
        ref: Ref,
        job_id: str | None,
        repeat_key: str | None,
        *,
        has_query_route: bool = True,
    ) -> Sequence[Late[Ref]]:
        """A submission was answered at `at`, with `job_id` if it got one.

        `repeat_key` is equal for the same request of the same client; None where that is not known.
        `has_query_route`: it is known how the status of its job is asked for (TA501).
        """
        late = [*self.due(at)] if self._due and self._due[0][0] < at else []
        known = self._job(job_id) if job_id is not None else None
        is_reused = known is not None and known.ref is not None
        if is_reused:
            late.append(
                Late(ref, _finding(TA204, "/job_id", "a new job id", "String that was answered before"))
            )
        if earlier := self._repeats.get(repeat_key or ""):
            found = f"the same request while job {escape(next(reversed(earlier)))} is not final"
            late.append(Late(ref, _finding(TA507, "", "each task submitted once", found)))
        if job_id is not None and not is_reused:
            self._start(known or Job(job_id), at, ref, repeat_key, has_query_route)
        return late

    def queried(
        self,
        at: float,
        ref: Ref,
        job_id: str,
        status: str | None,
        *,
        is_final: bool,
        sub_jobs: Sequence[str] = (),
    ) -> Sequence[Late[Ref]]:
        """The status of `job_id` was asked for; the answer, at `at`, held `status`, None if it held none.

        `sub_jobs`: the ids of sub-jobs that it named.
        """
        late = [*self.due(at)] if self._due and self._due[0][0] < at else []
        job = self._job(job_id)
        # Of a job that was asked for before it is known.
        if (job is None or job.last_query == -inf) and is_placeholder(job_id):
            found = f'"{escape(job_id)}"' if job_id else "an empty id"
            late.append(Late(ref, _finding(TA502, "", "the id of a job", found)))
            return late
        if (job is None or job.ref is None) and job_id not in self._sub_jobs:
            late.append(Late(ref, _finding(TA503, "", "the id of a job seen here", self._unknown())))
        if job is None:
            job = Job(job_id)
            self._keep(job)
        is_close = at - job.last_query < TOO_CLOSE * self.thresholds.min_interval
        job.too_close = job.too_close + 1 if is_close else 0
        job.after_end += job.is_final
        if job.after_end or job.too_close > TOO_CLOSE_IN_A_ROW:
            late += self._pace(job, ref)
        job.is_queried = True
        job.last_query = at
        if status is not None and not job.is_final:
            job.status = status[: MOST + 1]  # Put into words where it is told of.
            if is_final:
                self._end(job)
        if sub_jobs:
            self._know_sub_jobs(job, sub_jobs)
        return late

    def resource_queried(self, at: float, job_id: str) -> Sequence[Late[Ref]]:
        """What the job is about was asked for, at `at`: the client follows it, if not the job's status."""
        late = [*self.due(at)] if self._due and self._due[0][0] < at else []
        if job := self._job(job_id):
            job.is_queried = True
        return late

    def due(self, now: float) -> Iterator[Late[Ref]]:
        """TA501 for every job whose time for a first query ran out before `now`."""
        while self._due and self._due[0][0] < now:
            _, job = self._due.popleft()
            if not job.is_queried:
                yield from self._never_queried(job)

    def finish(self) -> Iterator[Late[Ref]]:
        """The run or capture has ended: TA501 and TA506 for what is still open."""
        for job in list(self._open.values()):
            if job.ref is None:
                continue
            if not job.is_queried:
                yield from self._never_queried(job)
            elif job.status is not None:
                last = f'last status "{escape(job.status)}"'
                yield Late(job.ref, _finding(TA506, "/job_id", "a final status", last))

    def _never_queried(self, job: Job[Ref]) -> Iterator[Late[Ref]]:
        if job.ref is not None and not job.is_told:
            job.is_told = True
            expected = f"a query of the job's status within {self.thresholds.query_within:g} s, or by the end"
            severity = TA501.severity if job.has_query_route else Severity.INFO
            yield Late(job.ref, _finding(TA501, "/job_id", expected, "no query", severity))

    def _unknown(self) -> str:
        """An evicted job may have been answered here after all."""
        kept = " that is still remembered" if self.evicted else ""
        return f"an id that no submission{kept} returned"

    def _pace(self, job: Job[Ref], ref: Ref) -> Iterator[Late[Ref]]:
        if job.too_close > TOO_CLOSE_IN_A_ROW:
            allowed = f"{self.thresholds.min_interval:g} s between queries"
            found = f"{job.too_close} queries in a row closer together"
            yield Late(ref, _finding(TA504, "", allowed, found))
        if job.after_end > READ_AFTER_END:
            found = f'a query after "{escape(job.status or "")}"'
            yield Late(ref, _finding(TA505, "", "no query after the end", found))

    def _end(self, job: Job[Ref]) -> None:
        job.is_final = True
        self._open.pop(job.job_id, None)
        self._ended[job.job_id] = job
        self._forget_repeat(job)

    def _start(
        self, job: Job[Ref], at: float, ref: Ref, repeat_key: str | None, has_query_route: bool
    ) -> None:
        job.ref, job.repeat_key, job.has_query_route = ref, repeat_key, has_query_route
        if not job.is_queried:
            self._due.append((at + self.thresholds.query_within, job))
            self._shorten_due()
        if repeat_key is not None and not job.is_final:
            self._repeats.setdefault(repeat_key, {})[job.job_id] = job
        if self._job(job.job_id) is None:
            self._keep(job)

    def _job(self, job_id: str) -> Job[Ref] | None:
        return self._open.get(job_id) or self._ended.get(job_id)

    def _keep(self, job: Job[Ref]) -> None:
        while len(self) >= self.thresholds.table_size:
            _, oldest = (self._ended or self._open).popitem(last=False)
            oldest.ref = None
            self._forget_repeat(oldest)
            self._sub_jobs.difference_update(oldest.sub_jobs)
            self.known.forget(oldest.job_id)
            self.evicted += 1
        self._open[job.job_id] = job

    def _know_sub_jobs(self, job: Job[Ref], sub_jobs: Iterable[str]) -> None:
        new = [each for each in sub_jobs if each not in self._sub_jobs]
        new = new[: MOST_SUB_JOBS - len(job.sub_jobs)]
        if new:
            job.sub_jobs += tuple(new)
            self._sub_jobs.update(new)

    def _shorten_due(self) -> None:
        """Drops what need not be waited for, seldom enough to cost nothing: the queue stays bounded too."""
        if len(self._due) > 2 * self.thresholds.table_size:
            self._due = deque(
                each for each in self._due if each[1].ref is not None and not each[1].is_queried
            )

    def _forget_repeat(self, job: Job[Ref]) -> None:
        if job.repeat_key is not None and (same := self._repeats.get(job.repeat_key)):
            same.pop(job.job_id, None)
            if not same:
                del self._repeats[job.repeat_key]


def _finding(
    rule: Rule, pointer: str, expected: str, found: str, severity: Severity | None = None
) -> Finding:
    return Finding(rule.code, rule.name, severity or rule.severity, pointer, expected, found, "")
