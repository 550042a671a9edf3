"""Exchanges gathered by job: more jobs than memory is to hold.

In memory are those that have not ended, as far as there is room. The others are put aside, on disk; what
comes of one later begins another part of its story, and at the end the parts of a job are joined.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, groupby, islice
from operator import itemgetter
from typing import overload

from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.spool.blocks import PLAIN
from taskaudit.spool.differing import Differing, differing, is_in, key_of
from taskaudit.spool.sorter import Sorter
from taskaudit.story.job_story import Draft, JobStory, job_of
from taskaudit.story.told import (
    BY_RESOURCE,
    EXCHANGE_ID,
    IS_FINAL,
    IS_QUERY,
    JOB_ID,
    RULES,
    STATUS,
    Found,
    Plain,
    Told,
    found_in,
    plain_found,
)

_LOOK = 1024
"""After so many exchanges, and one more for each job in memory, jobs that have ended are put aside."""
_MOST_OPEN = 128 * 1024
"""Exchanges of others in memory."""
_MOST_ALIKE = 8
"""Of a job that is not kept whole: queries in memory, and submissions that were answered with its id."""
_AT_ONCE = 200
_SIZE = 600
"""Bytes of an exchange that is put aside, more or less."""


@dataclass(slots=True)
class _Part:
    """A job, or a part of its story. `number`: its place in the order in which parts began.

    `unlisted` queries are not kept; `past_rules` are those of the findings on them. `findings` are by
    exchange id.
    """

    number: int
    job_id: str
    submissions: list[Plain]
    queries: list[Plain]
    unlisted: int = 0
    past_rules: tuple[str, ...] = ()
    findings: dict[str, list[Plain]] | None = None
    is_ended: bool = False

    @property
    def size(self) -> int:
        """How many exchanges it holds."""
        return len(self.submissions) + len(self.queries)

    def shorten(self) -> None:
        """Keeps the first query, the one that ended the job, the last ones, and the last with a status.

        Of very many submissions with its id, the first.
        """
        if len(self.submissions) > _MOST_ALIKE:
            self._forget(self.submissions[_MOST_ALIKE:])
            del self.submissions[_MOST_ALIKE:]
        queries = self.queries
        last = len(queries) - 1
        if last < 1:
            return
        kept = {last} if self.submissions else {0, last}
        own = [at for at, told in enumerate(queries) if not told[BY_RESOURCE]]
        kept.update([at for at in own if queries[at][IS_FINAL]][:1])
        kept.update(own[-1:])
        kept.update([at for at in own if queries[at][STATUS] is not None][-1:])
        if len(kept) <= last:
            self._keep(sorted(kept))

    def _keep(self, kept: list[int]) -> None:
        queries = self.queries
        self._forget([told for at, told in enumerate(queries) if at not in kept])
        self.unlisted += len(queries) - len(kept)
        self.queries = [queries[at] for at in kept]

    def _forget(self, exchanges: Iterable[Plain]) -> None:
        """All but the rules of the findings on them."""
        for told in exchanges:
            if told[RULES] or self.findings:
                found = (self.findings or {}).pop(told[EXCHANGE_ID], ())
                self.past_rules = (*{*self.past_rules, *told[RULES], *(each[1] for each in found)},)

    def append(self, other: _Part) -> None:
        """Goes on with a later part of the same job."""
        self.submissions += other.submissions
        self.queries += other.queries
        self.unlisted += other.unlisted
        self.past_rules += other.past_rules
        for exchange_id, found in (other.findings or {}).items():
            for each in found:
                self.find(exchange_id, each)

    def find(self, exchange_id: str, found: Plain) -> None:
        """Takes a finding on one of its exchanges."""
        if self.findings is None:
            self.findings = {}
        self.findings.setdefault(exchange_id, []).append(found)

    @property
    def plain(self) -> Plain:
        """It, to be put aside: what it is made with."""
        return (
            self.number,
            self.job_id,
            self.submissions,
            self.queries,
            self.unlisted,
            self.past_rules,
            self.findings,
        )


def _story(part: Plain) -> JobStory:
    _, job_id, submissions, queries, unlisted, past_rules, findings = part
    seen = [Told(*told) for told in submissions]
    asked = [Told(*told) for told in queries]
    draft = Draft(seen[0] if seen else None, asked, seen[1:], unlisted, frozenset(past_rules))
    found = {on: sorted(map(found_in, each), key=_in_place) for on, each in (findings or {}).items()}
    return job_of(job_id, draft, found)


def _in_place(found: Found) -> tuple[str, str]:
    return found.rule, found.pointer


class Jobs(Sequence[JobStory]):
    """The jobs in the order in which they were first seen; told anew each time that they are asked for."""

    def __init__(self, parts: Sorter[Plain], count: int, split: array[int], joined: Sorter[Plain]) -> None:
        self._parts = parts
        self._count = count
        self._split = split
        self._joined = joined

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[JobStory]:
        whole: Iterable[Plain] = self._parts
        if self._split:
            whole = (part for part in whole if not is_in(key_of(part[1]), self._split))
            whole = heapq.merge(whole, self._joined)
        return map(_story, whole)

    @overload
    def __getitem__(self, at: int) -> JobStory: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[JobStory, ...]: ...
    def __getitem__(self, at: int | slice) -> JobStory | tuple[JobStory, ...]:
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class Gathering:
    """Takes exchanges in the order of time, and the findings on them.

    `whole`: of which jobs every query is kept, None for all; of others those are kept that a list of jobs
    tells of.
    """

    def __init__(self, whole: Collection[str] | None = None) -> None:
        self._whole = whole
        self._open: dict[str, _Part] = {}
        self._added, self._until = 0, _LOOK
        self._begun = 0
        self._parts = Sorter[Plain](codec=PLAIN)
        self._numbers = Differing()

    def add(self, told: Plain) -> None:
        """Takes an exchange; a placeholder (TA502) is no job."""
        job_id = told[JOB_ID]
        if job_id is None:
            return
        if self._added >= self._until:  # Not after it was taken: there may be findings on it.
            self._make_room()
        part = self._open.get(job_id)
        if not told[IS_QUERY]:
            part = part or self._begin(job_id)
            if len(part.submissions) > _MOST_ALIKE and not self._is_whole(job_id):
                part.shorten()
            part.submissions.append(told)
        elif (part is not None and part.queries) or not is_placeholder(job_id):
            part = part or self._begin(job_id)
            part.queries.append(told)
            if told[IS_FINAL]:
                part.is_ended = True
            if len(part.queries) > _MOST_ALIKE and not self._is_whole(job_id):
                part.shorten()
        self._added += 1

    def find(self, on: Told, found: Found) -> None:
        """Takes a finding on an exchange that was taken before."""
        if on.job_id is None or (on.is_query and is_placeholder(on.job_id)):
            return
        part = self._open.get(on.job_id) or self._begin(on.job_id)
        part.find(on.exchange_id, plain_found(found))

    def jobs(self) -> Jobs:
        """All jobs, once everything was taken."""
        self._put_aside(list(self._open))
        split = differing([self._numbers])
        joined, by_job = Sorter[Plain](codec=PLAIN), Sorter[Plain](codec=PLAIN)
        count = self._begun
        if split:
            for plain in self._parts:
                if is_in(key_of(plain[1]), split):
                    by_job.put((plain[1], plain), _size(plain))
            for _, same in groupby(by_job, key=itemgetter(0)):
                parts = (_Part(*plain) for _, plain in same)
                first = next(parts)
                for part in parts:
                    count -= 1
                    first.append(part)
                    if not self._is_whole(first.job_id):
                        first.shorten()
                joined.put(first.plain, _size(first.plain))
        return Jobs(self._parts, count, split, joined)

    def _is_whole(self, job_id: str) -> bool:
        return self._whole is None or job_id in self._whole

    def _begin(self, job_id: str) -> _Part:
        part = self._open[job_id] = _Part(self._begun, job_id, [], [])
        self._begun += 1
        return part

    def _make_room(self) -> None:
        """Puts aside what has ended, and where that is not enough, what began first."""
        self._added = 0
        self._put_aside([job_id for job_id, part in self._open.items() if part.is_ended])
        if self._weight() > _MOST_OPEN:
            for job_id, part in self._open.items():
                if not self._is_whole(job_id):
                    part.shorten()
        if self._weight() > _MOST_OPEN:
            self._put_aside(list(islice(self._open, 1 + len(self._open) // 4)))
        self._until = _LOOK + len(self._open)

    def _weight(self) -> int:
        return sum(part.size for part in self._open.values())

    def _put_aside(self, job_ids: list[str]) -> None:
        for some in batched(job_ids, _AT_ONCE):
            parts = [self._open.pop(job_id) for job_id in some]
            for part in parts:
                if not self._is_whole(part.job_id):
                    part.shorten()
            plain = [part.plain for part in parts]
            self._parts.extend(plain, sum(map(_size, plain)))
            self._numbers.extend([*map(key_of, some)], [part.number for part in parts])


def _size(plain: Plain) -> int:
    return _SIZE * (len(plain[2]) + len(plain[3]))
