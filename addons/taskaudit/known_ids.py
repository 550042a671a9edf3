"""The ids that submissions were answered with: by them a request without a route is seen to follow a job.

PURE: exchanges tell it what was answered when, and it tells what a request asks for (contract, section 2).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterator
from math import inf
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

import msgspec

from taskaudit.contract.rules.lifecycle import is_placeholder
from taskaudit.exchange import MatchedBy

SHORTEST = 8
"""How many characters an id has at least that is looked for in requests: shorter ones are met by chance."""

_at = attrgetter("at")


class Known(msgspec.Struct, frozen=True, gc=False):
    """A job: when its submission was answered, of which service that was, and what else it returned."""

    job_id: str
    at: float
    service: str | None
    ids: tuple[str, ...]


class Asked(NamedTuple):
    """The job that a request asks for, and by what."""

    job_id: str
    matched_by: MatchedBy


class KnownIds:
    """The ids of jobs; of more than `most`, of those that were learned last."""

    def __init__(self, most: float = inf) -> None:
        self._most = most
        self._jobs: OrderedDict[str, Known] = OrderedDict()
        self._others: dict[str, list[Known]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._jobs.values())

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def learn(self, known: Known) -> None:
        """Takes a job; of those with the same id the first one answered counts."""
        job_id = known.job_id
        before = self._jobs.get(job_id)
        if is_placeholder(job_id) or (before is not None and before.at <= known.at):
            return
        self.forget(job_id)
        if len(self._jobs) >= self._most:
            self.forget(next(iter(self._jobs)))
        self._jobs[job_id] = known
        for each in known.ids:
            insort(self._others.setdefault(each, []), known, key=_at)

    def forget(self, job_id: str) -> None:
        """Lets go of a job, and of the other ids that its submission returned."""
        known = self._jobs.pop(job_id, None)
        for each in known.ids if known else ():
            same = self._others[each]
            same.remove(known)  # type: ignore[arg-type]
            if not same:
                del self._others[each]

    def service_of(self, job_id: str, at: float) -> str | None:
        """The service whose submission had returned this job id by then, if it is known."""
        known = self._jobs.get(job_id)
        return known.service if known is not None and known.at <= at else None

    def asked(self, method: str, path: str, query: str, at: float) -> Asked | None:
        """The job that a request without a route asks for, of those that were known at that time.

        Of jobs that share an id it is the one answered last. Most requests ask for none, and cost next to
        nothing.
        """
        if not self._jobs or method.upper() != "GET":
            return None
        words = words_of(path, query)
        if self._jobs.keys().isdisjoint(words) and self._others.keys().isdisjoint(words):
            return None
        return self._first(words, at)

    def _first(self, words: list[str], at: float) -> Asked | None:
        words = [word for word in words if len(word) >= SHORTEST]
        for word in words:
            known = self._jobs.get(word)
            if known is not None and known.at <= at:
                return Asked(word, MatchedBy.JOB_ID)
        for word in words:
            same = self._others.get(word, ())
            if place := bisect_right(same, at, key=_at):
                return Asked(same[place - 1].job_id, MatchedBy.RESOURCE)
        return None


def words_of(path: str, query: str) -> list[str]:
    """The segments of a path and the values of a query string, decoded."""
    words = path.split("/")
    if "%" in path:
        words = [unquote(word) for word in words]
    if query:
        values = [pair.partition("=")[2] for pair in query.split("&")]
        words += map(unquote_plus, values) if "%" in query or "+" in query else values
    return words
