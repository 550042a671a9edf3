"""The life of jobs: a bounded state machine over submissions and job queries.

PURE: it is told the time, and has no clock. Exchanges are to be told in the order of the times at which
their answers ended; the same exchanges then give the same findings, live or offline.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from taskaudit.contract.excerpt import MOST, escape
from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507, is_placeholder
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Finding

TOO_CLOSE_IN_A_ROW = 3
"""How many queries may follow too closely on the one before, in a row (TA504)."""


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
    """What is remembered of a job. `ref` is its submission's, None where that was not seen."""

    job_id: str
    ref: Ref | None = None
    repeat_key: str | None = None
    is_queried: bool = False
    last_query: float = 0.0
    too_close: int = 0
    status: str | None = None
    is_final: bool = False
    is_told: bool = False


class Lifecycle[Ref]:
    """Follows each job from its submission to its final status.

    `evicted` counts jobs that were forgotten because the table was full: the oldest ended ones first, then
    the oldest open ones. What the client does with those afterwards is not seen.
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.evicted = 0
        self._open: OrderedDict[str, Job[Ref]] = OrderedDict()
        self._ended: OrderedDict[str, Job[Ref]] = OrderedDict()
        self._due: deque[tuple[float, Job[Ref]]] = deque()
        self._repeats: dict[str, dict[str, Job[Ref]]] = {}

    def __len__(self) -> int:
        return len(self._open) + len(self._ended)

    @property
    def open_jobs(self) -> int:
        """How many jobs are remembered whose last status seen is not final."""
        return len(self._open)

    def submitted(
        self, at: float, ref: Ref, job_id: str | None, repeat_key: str | None
    ) -> Sequence[Late[Ref]]:
        """A submission was answered at `at`, with `job_id` if it got one.

        `repeat_key` is equal for the same request of the same client; None where that is not known.
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
            self._start(known or Job(job_id), at, ref, repeat_key)
        return late

    def queried(
        self, at: float, ref: Ref, job_id: str, status: str | None, *, is_final: bool
    ) -> Sequence[Late[Ref]]:
        """The status of `job_id` was asked for; the answer, at `at`, held `status`, None if it held none."""
        late = [*self.due(at)] if self._due and self._due[0][0] < at else []
        job = self._job(job_id)
        # Of a job that was asked for before it is known.
        if (job is None or not job.is_queried) and is_placeholder(job_id):
            found = f'"{escape(job_id)}"' if job_id else "an empty id"
            late.append(Late(ref, _finding(TA502, "", "the id of a job", found)))
            return late
        if job is None or job.ref is None:
            late.append(Late(ref, _finding(TA503, "", "the id of a job seen here", self._unknown())))
        if job is None:
            job = Job(job_id)
            self._keep(job)
        is_close = job.is_queried and at - job.last_query < self.thresholds.min_interval
        job.too_close = job.too_close + 1 if is_close else 0
        if job.is_final or job.too_close > TOO_CLOSE_IN_A_ROW:
            late += self._pace(job, ref)
        job.is_queried = True
        job.last_query = at
        if status is not None and not job.is_final:
            job.status = status[: MOST + 1]  # Put into words where it is told of.
            if is_final:
                self._end(job)
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
            else:
                last = f'last status "{escape(job.status)}"' if job.status is not None else "no status seen"
                yield Late(job.ref, _finding(TA506, "/job_id", "a final status", last))

    def _never_queried(self, job: Job[Ref]) -> Iterator[Late[Ref]]:
        if job.ref is not None and not job.is_told:
            job.is_told = True
            expected = f"a query of the job's status within {self.thresholds.query_within:g} s, or by the end"
            yield Late(job.ref, _finding(TA501, "/job_id", expected, "no query"))

    def _unknown(self) -> str:
        """An evicted job may have been answered here after all."""
        kept = " that is still remembered" if self.evicted else ""
        return f"an id that no submission{kept} returned"

    def _pace(self, job: Job[Ref], ref: Ref) -> Iterator[Late[Ref]]:
        if job.too_close > TOO_CLOSE_IN_A_ROW:
            allowed = f"{self.thresholds.min_interval:g} s between queries"
            found = f"{job.too_close} queries in a row closer together"
            yield Late(ref, _finding(TA504, "", allowed, found))
        if job.is_final:
            found = f'a query after "{escape(job.status or "")}"'
            yield Late(ref, _finding(TA505, "", "no query after the end", found))

    def _end(self, job: Job[Ref]) -> None:
        job.is_final = True
        self._open.pop(job.job_id, None)
        self._ended[job.job_id] = job
        self._forget_repeat(job)

    def _start(self, job: Job[Ref], at: float, ref: Ref, repeat_key: str | None) -> None:
        job.ref, job.repeat_key = ref, repeat_key
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
            self.evicted += 1
        self._open[job.job_id] = job

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


def _finding(rule: Rule, pointer: str, expected: str, found: str) -> Finding:
    return Finding(rule.code, rule.name, rule.severity, pointer, expected, found, "")
