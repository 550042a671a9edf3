"""The story of a running audit, kept up to date record by record, in bounded memory.

What `story` tells of logs after the fact, this tells of the session under way: the same jobs, findings and
counts. It judges nothing: findings on the life of jobs are taken as they were recorded.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from msgspec import structs

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.log.record import Record
from taskaudit.story.groups import Group, found_stories, group_in
from taskaudit.story.job_story import Draft, JobStory, job_of
from taskaudit.story.operations import Operations
from taskaudit.story.sessions import Coverage
from taskaudit.story.story import Story
from taskaudit.story.told import Found, Told, bare, found_of, time_of, told_of
from taskaudit.totals import Totals

MOST_JOBS = 1000
"""How many jobs are kept, those to which something happened last."""
MOST_ASIDE = 10_000
"""Of how many further jobs the submission and the end are kept, for when they are asked for again."""
MOST_QUERIES = 100
"""How many queries of a job are kept, the first half and the last, and how many submissions with its id."""
MOST_GROUPS = 2000
"""How many groups of equal findings are kept; further ones are counted with another of their rule."""
LONGEST_ID = 1000
"""Jobs with a longer id are counted, not kept."""


@dataclass(slots=True)
class _Kept:
    """A job with its findings, by exchange id."""

    draft: Draft = field(default_factory=Draft)
    findings: dict[str, list[Found]] = field(default_factory=dict)

    def copy(self) -> _Kept:
        """One that stays as it is."""
        draft = replace(self.draft, queries=[*self.draft.queries], others=[*self.draft.others])
        return _Kept(draft, {on: [*found] for on, found in self.findings.items()})

    def drop(self, told: Told) -> None:
        """Forgets an exchange, but for which rules were broken."""
        rules = (found.rule for found in self.findings.pop(told.exchange_id, ()))
        self.draft.past_rules |= {*told.rules, *rules}


class Board:
    """Takes the records of an audit as they are written."""

    def __init__(self, most_jobs: int = MOST_JOBS) -> None:
        self.changes = 0
        self.operations = Operations()
        self._most_jobs = most_jobs
        self._jobs: OrderedDict[str, _Kept] = OrderedDict()
        self._aside: OrderedDict[str, Draft] = OrderedDict()
        self._long: set[int] = set()
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
            if record.finding is not None:
                self._finding(record)
            elif record.exchange_id:
                self._exchange(told_of(record, time_of(record)))
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

    def snapshot(self) -> Board:
        """A copy that tells the story as it stands now, in another thread too, while this one goes on.

        It takes no records. To copy is some twenty times as fast as to tell.
        """
        copy = Board(self._most_jobs)
        copy.changes, copy.evicted = self.changes, self.evicted
        copy.operations = self.operations.copy()
        copy._jobs = OrderedDict((job_id, kept.copy()) for job_id, kept in self._jobs.items())
        copy._groups = {fingerprint: replace(group) for fingerprint, group in self._groups.items()}
        copy._sessions = [_sum([each]) for each in self._sessions]
        copy._span, copy._unlisted = self._span, self._unlisted
        return copy

    def story(self) -> Story:
        """All of it, as it stands."""
        in_order = sorted(self._jobs.items(), key=lambda item: (_began(item[1].draft), item[0]))
        return Story(
            jobs=tuple(job_of(job_id, kept.draft, kept.findings) for job_id, kept in in_order),
            findings=found_stories(self._groups.values()),
            damaged=(),
            coverage=self._coverage(),
            last=self._span[1] if self._span else 0.0,
            evicted=self.evicted,
            unlisted=self._unlisted,
        )

    def _coverage(self) -> Coverage:
        totals = _sum(self._sessions)
        return Coverage(totals, len(self._sessions), missing=totals.lost)

    def _exchange(self, told: Told) -> None:
        self._last = told
        if told.at > 0:
            first, last = self._span or (told.at, told.at)
            self._span = min(first, told.at), max(last, told.at)
        self.operations.add(told)
        if told.job_id is None or (told.is_query and is_placeholder(told.job_id)):
            return
        if len(told.job_id) > LONGEST_ID:
            self._count_long(told, told.job_id)
            return
        kept = self._job(told.job_id)
        kept.draft.add(told)
        self._on[told.exchange_id] = told, told.job_id
        self._shorten(kept)
        if len(self._jobs) > self._most_jobs:
            self._set_aside(*self._jobs.popitem(last=False))

    def _count_long(self, told: Told, job_id: str) -> None:
        """Each id once, as long as there are not too many of them."""
        self._last = structs.replace(told, job_id=escape(job_id, LONGEST_ID))
        if hash(job_id) not in self._long:
            self._unlisted += 1
            if len(self._long) < MOST_ASIDE:
                self._long.add(hash(job_id))

    def _job(self, job_id: str) -> _Kept:
        """What is kept of a job, as the one to which something happened last."""
        kept = self._jobs.get(job_id)
        if kept is None:
            kept = self._jobs[job_id] = _Kept()
            if known := self._aside.pop(job_id, None):
                kept.draft = known
                self._unlisted -= 1
                self._on.update((told.exchange_id, (told, job_id)) for told in known.exchanges)
        self._jobs.move_to_end(job_id)
        return kept

    def _shorten(self, kept: _Kept) -> None:
        draft, middle = kept.draft, MOST_QUERIES // 2
        if len(draft.queries) > MOST_QUERIES:
            is_end = draft.queries[middle] is _end(draft)
            self._forget(kept, [draft.queries.pop(middle + is_end)])
            draft.unlisted += 1
        if len(draft.others) > MOST_QUERIES:
            self._forget(kept, [draft.others.pop(middle)])

    def _set_aside(self, job_id: str, kept: _Kept) -> None:
        """Keeps what a job began and ended with."""
        draft, end = kept.draft, _end(kept.draft)
        self._forget(kept, draft.exchanges)
        draft.unlisted += len(draft.queries) - (end is not None)
        draft.queries = [end] if end else []
        draft.others = []
        self._unlisted += 1
        self._aside[job_id] = draft
        if len(self._aside) > MOST_ASIDE:
            self._aside.popitem(last=False)

    def _forget(self, kept: _Kept, exchanges: Iterable[Told]) -> None:
        for told in exchanges:
            self._on.pop(told.exchange_id, None)
            kept.drop(told)

    def _finding(self, record: Record) -> None:
        found = found_of(record, at := time_of(record))
        on, job_id = self._on.get(record.exchange_id, (None, ""))
        if on is None:
            is_last = self._last is not None and self._last.exchange_id == record.exchange_id
            on = self._last if is_last and self._last else bare(record, at)
        self._group(found, on)
        if kept := self._jobs.get(job_id):
            on_it = kept.findings.setdefault(on.exchange_id, [])
            insort(on_it, found, key=lambda each: (each.rule, each.pointer))

    def _group(self, found: Found, on: Told) -> None:
        is_full = found.fingerprint not in self._groups and len(self._groups) >= MOST_GROUPS
        if is_full and (other := self._by_rule.get(found.rule)):
            other.count_in(found)
            return
        group_in(self._groups, found, on)
        self._by_rule.setdefault(found.rule, self._groups[found.fingerprint])


def _sum(sessions: Iterable[Totals]) -> Totals:
    totals = Totals()
    for each in sessions:
        totals.include(each)
    return totals


def _end(draft: Draft) -> Told | None:
    """The query whose answer ended the job."""
    return next((told for told in draft.queries if told.is_final), None)


def _began(draft: Draft) -> float:
    """When the first of its exchanges ended; a job may be asked for before its submission is seen."""
    return min(told.at for told in draft.exchanges)
