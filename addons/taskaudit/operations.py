"""What came of each operation of an API: how many answers of which kind, how many unaudited, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from taskaudit.catalogue import Role
from taskaudit.merged import Told
from taskaudit.route_template import template_of
from taskaudit.story import FoundStory

OTHERS = "(others)"
"""The name under which operations come together when there are too many."""

type Counts = tuple[tuple[str, int], ...]
"""How often each: names in order, with their numbers."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: a route of the catalogue, or else method and path as a template.

    `kinds` counts audited submissions by kind, `unaudited` by reason, `rules` findings by rule; job queries
    have no kind.
    """

    role: Role
    method: str | None
    name: str
    audited: int
    kinds: Counts
    unaudited: Counts
    rules: Counts

    @property
    def title(self) -> str:
        """Method and name."""
        return f"{self.method or ''} {self.name}".strip()

    @property
    def seen(self) -> int:
        """All its exchanges."""
        return self.audited + sum(count for _, count in self.unaudited)


type _Key = tuple[str | None, str]


@dataclass(slots=True)
class _Counted:
    role: Role
    audited: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    unaudited: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


class Operations:
    """Counts exchanges by operation; of more than `most` operations, the later ones together."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._counted: dict[_Key, _Counted] = {}

    def add(self, told: Told) -> None:
        """Counts one exchange."""
        role = Role.JOB_QUERY if told.is_query else Role.SUBMISSION
        counted = self._of(_key(told.method, told.route, told.path), role)
        if told.is_audited:
            counted.audited += 1
        else:
            counted.unaudited[told.unaudited or ""] += 1
        if told.kind is not None:
            counted.kinds[told.kind] += 1

    def table(self, findings: Iterable[FoundStory]) -> tuple[Operation, ...]:
        """Every operation with the findings on it, in order of role and name."""
        for counted in self._counted.values():
            counted.rules.clear()
        for found in findings:
            on = found.example
            self._of(_key(on.method, on.route, on.path), Role.SUBMISSION).rules[found.rule] += found.count
        return tuple(sorted((_operation(*item) for item in self._counted.items()), key=_order))

    def _of(self, key: _Key, role: Role) -> _Counted:
        if key not in self._counted and len(self._counted) >= self._most:
            key = None, OTHERS
        return self._counted.setdefault(key, _Counted(role))


def _key(method: str | None, route: str | None, path: str | None) -> _Key:
    return method, route or (template_of(path) if path else "")


def _operation(key: _Key, counted: _Counted) -> Operation:
    method, name = key
    kinds, unaudited, rules = (
        tuple(sorted(each.items())) for each in (counted.kinds, counted.unaudited, counted.rules)
    )
    return Operation(counted.role, method, name, counted.audited, kinds, unaudited, rules)


def _order(operation: Operation) -> tuple[bool, str, str]:
    return operation.role is Role.JOB_QUERY, operation.name, operation.method or ""
