"""`taskaudit waivers test`: what each waiver would catch of the findings in logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from taskaudit.contract.verdict import Waiver
from taskaudit.policy.policy import Policy, where_of
from taskaudit.story.groups import FoundStory
from taskaudit.text.json_line import json_line


class WaiverState(StrEnum):
    """Whether a waiver is still needed, and still counts."""

    USED = "used"
    UNUSED = "unused"
    EXPIRED = "expired"


@dataclass(slots=True)
class Caught:
    """A waiver, and the findings it would catch: how many, the first and the last (RFC 3339, UTC).

    An expired one catches nothing; told is what it would if it were still in force.
    """

    waiver: Waiver
    is_expired: bool
    count: int = 0
    first: str | None = None
    last: str | None = None

    @property
    def state(self) -> WaiverState:
        """What it is good for."""
        if self.is_expired:
            return WaiverState.EXPIRED
        return WaiverState.USED if self.count else WaiverState.UNUSED

    def add(self, found: FoundStory) -> None:
        """Counts equal findings."""
        self.count += found.count
        self.first = min(self.first or found.first, found.first)
        self.last = max(self.last or found.last, found.last)


def caught(findings: Iterable[FoundStory], policy: Policy) -> tuple[Caught, ...]:
    """What each waiver would catch, those in force first; a finding is caught by the first that fits.

    How old the findings are makes no difference: what matters is whether the next one would be caught.
    """
    lasting, ended = Policy(policy.overrides, policy.waivers), Policy(policy.overrides, policy.expired)
    tests = [*_tests(lasting, is_expired=False), *_tests(ended, is_expired=True)]
    for found in findings:
        on = found.example
        where = where_of(on.method, on.path, on.route, 0.0)
        if policy.is_off(found.rule, where):
            continue
        waiver = lasting.waiver(found.rule, on.pointer, where)
        is_expired = waiver is None
        waiver = waiver or ended.waiver(found.rule, on.pointer, where)
        for test in tests:
            if test.waiver is waiver and test.is_expired is is_expired:
                test.add(found)
    return tuple(tests)


def _tests(policy: Policy, *, is_expired: bool) -> Iterator[Caught]:
    return (Caught(waiver, is_expired) for waiver in policy.waivers)


def as_json(test: Caught) -> str:
    """One line of `--format json`."""
    counts = {"state": test.state.value, "count": test.count, "first": test.first, "last": test.last}
    return json_line({**asdict(test.waiver), **counts})
