"""The story of a running audit, kept up to date record by record, in bounded memory.

What `story` tells of logs after the fact, this tells of the session under way: the same jobs, findings and
counts. It judges nothing: findings on the life of jobs are taken as they were recorded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.merged import Coverage, Found, Group, Told, bare, found_of, group_in, told_of
from taskaudit.operations import Operations
from taskaudit.records import ExchangeHeader, FindingRecord, Record
from taskaudit.story import Draft, JobStory, Story, found_stories, job_of
from taskaudit.totals import Totals

MOST_JOBS = 1000
"""How many jobs are kept, those to which something happened last."""
MOST_QUERIES = 100
"""How many queries of a job are kept: the first half, and the last."""
MOST_GROUPS = 2000
"""How many groups of equal findings are kept; further ones are counted with another of their rule."""
LONGEST_ID = 1000
"""Jobs with a longer id are counted, not kept."""


@dataclass(slots=True)
class _Kept:
    """A job with its findings, by exchange id."""

    draft: Draft = field(default_factory=Draft)
    findings: dict[str, list[Found]] = field(default_factory=dict)


class Board:
    """Takes the records of an audit as they are written."""

    def __init__(self, most_jobs: int = MOST_JOBS) -> None:
        self.changes = 0
        self.operations = Operations()
        self._most_jobs = most_jobs
        self._jobs: OrderedDict[str, _Kept] = OrderedDict()
        self._on: dict[str, tuple[Told, str]] = {}
        self._groups: dict[str, Group] = {}
        self._by_rule: dict[str, Group] = {}
        self._sessions: list[Totals] = []
        self._last: Told | None = None
        self._span: tuple[float, float] | None = None
        self._unlisted = 0
        self.evicted = 0

    def join(self, totals: Totals) -> None:
        """A session begins; its totals go on counting."""
        self._sessions.append(totals)

    def take(self, records: Iterable[Record]) -> None:
        """Takes records, each exchange before its findings."""
        for record in records:
            if isinstance(record, FindingRecord):
                self._finding(record)
            elif isinstance(record, ExchangeHeader):
                self._exchange(told_of(record.model_dump(mode="json")))
        self.changes += 1

    def job(self, job_id: str) -> JobStory | None:
        """The story so far of one job, None where it is not known."""
        kept = self._jobs.get(job_id)
        return None if kept is None else job_of(job_id, kept.draft, kept.findings)

    def count(self, fingerprint: str) -> int:
        """How often a finding was met."""
        group = self._groups.get(fingerprint)
        return group.count if group else 0

    @property
    def period(self) -> tuple[float, float] | None:
        """When the first and the last exchange ended, seconds since the epoch."""
        return self._span

    def story(self) -> Story:
        """All of it, as it stands."""
        jobs = [job_of(job_id, kept.draft, kept.findings) for job_id, kept in self._jobs.items()]
        return Story(
            jobs=tuple(sorted(jobs, key=lambda job: (job.first_seen, job.job_id))),
            findings=found_stories(self._groups.values()),
            damaged=(),
            coverage=self._coverage(),
            last=self._span[1] if self._span else 0.0,
            evicted=self.evicted,
            unlisted=self._unlisted,
        )

    def _coverage(self) -> Coverage:
        totals = Totals()
        for each in self._sessions:
            totals.include(each)
        return Coverage(totals, len(self._sessions), 0, 0, totals.lost)

    def _exchange(self, told: Told) -> None:
        self._last = told
        first, last = self._span or (told.at, told.at)
        self._span = min(first, told.at), max(last, told.at)
        self.operations.add(told)
        if told.job_id is None or (told.is_query and is_placeholder(told.job_id)):
            return
        if len(told.job_id) > LONGEST_ID:
            self._unlisted += 1
            return
        self._on[told.exchange_id] = told, told.job_id
        draft = self._jobs.setdefault(told.job_id, _Kept()).draft
        draft.add(told)
        self._jobs.move_to_end(told.job_id)
        self._shorten(draft)
        if len(self._jobs) > self._most_jobs:
            self._forget(self._jobs.popitem(last=False)[1].draft.exchanges)
            self._unlisted += 1

    def _shorten(self, draft: Draft) -> None:
        if len(draft.queries) > MOST_QUERIES:
            self._forget([draft.queries.pop(MOST_QUERIES // 2)])
            draft.unlisted += 1

    def _forget(self, exchanges: Iterable[Told]) -> None:
        for told in exchanges:
            self._on.pop(told.exchange_id, None)

    def _finding(self, record: FindingRecord) -> None:
        line = record.model_dump(mode="json")
        found = found_of(line)
        on, job_id = self._on.get(record.exchange_id, (None, ""))
        if on is None:
            is_last = self._last is not None and self._last.exchange_id == record.exchange_id
            on = self._last if is_last and self._last else bare(line)
        self._group(found, on)
        if kept := self._jobs.get(job_id):
            kept.findings.setdefault(on.exchange_id, []).append(found)

    def _group(self, found: Found, on: Told) -> None:
        is_full = found.fingerprint not in self._groups and len(self._groups) >= MOST_GROUPS
        if is_full and (other := self._by_rule.get(found.rule)):
            other.count += 1
            other.last = max(other.last, found.at)
            return
        group_in(self._groups, found, on)
        self._by_rule.setdefault(found.rule, self._groups[found.fingerprint])
