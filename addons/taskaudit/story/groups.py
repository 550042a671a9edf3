"""Findings that are alike: counted, with the first of them for an example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.policy.policy import BASELINE, NEVER
from taskaudit.story.told import Found, Told
from taskaudit.times import rfc3339


@dataclass(slots=True)
class Group:
    """Equal findings: how many, from when to when, and the first of them with its exchange.

    `waived`: how many of them are waived, and `waiver` by what the last of those is.
    """

    count: int
    first: float
    last: float
    example: Found
    example_on: Told
    waived: int = 0
    waiver: Waiver | None = None
    waiver_rank: tuple[float, str, str, str] = (0.0, "", "", "")

    def add(self, found: Found, on: Told) -> None:
        """Counts one more; it may become the example."""
        self.count_in(found)
        if (found.at, on.exchange_id) < (self.first, self.example_on.exchange_id):
            self.first, self.example, self.example_on = found.at, found, on

    def count_in(self, found: Found) -> None:
        """Counts one more; the example stays."""
        self.count += 1
        self.last = max(self.last, found.at)
        self.note_waiver(found)

    def note_waiver(self, found: Found) -> None:
        """Counts what is waived."""
        waiver = found.waiver
        if waiver is None:
            return
        self.waived += 1
        # The same one in whichever order the logs are read.
        rank = found.at, waiver.until, waiver.owner, waiver.reason
        if rank > self.waiver_rank:
            self.waiver, self.waiver_rank = waiver, rank


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

    @property
    def counting(self) -> int:
        """How many of them are not waived."""
        return self.count - self.waived

    @property
    def is_new_to_baseline(self) -> bool:
        """Whether a baseline has to name them: not where a waiver of the configuration accepts them all."""
        return self.waived < self.count or (self.waived_by, self.waived_until) == (BASELINE, NEVER)


def group_in(groups: dict[str, Group], found: Found, on: Told) -> None:
    """Puts a finding to those of its fingerprint."""
    group = groups.get(found.fingerprint)
    if group is None:
        group = groups[found.fingerprint] = Group(1, found.at, found.at, found, on)
        group.note_waiver(found)
    else:
        group.add(found, on)


def found_stories(groups: Iterable[Group]) -> tuple[FoundStory, ...]:
    """The groups as they are shown, the worst first."""
    return tuple(sorted(map(_group, groups), key=_worst_first))


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
