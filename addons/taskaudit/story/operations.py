"""What came of each operation of an API: how many answers of which kind, how many unaudited, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from taskaudit.catalogue import Role
from taskaudit.contract.rules.lifecycle import TA502, TA503, TA504, TA505, TA508
from taskaudit.route_template import template_of
from taskaudit.story.groups import FoundStory
from taskaudit.story.told import Told

OTHERS = "(others)"
"""The name under which operations come together when there are too many."""

type Counts = tuple[tuple[str, int], ...]
"""How often each: names in order, with their numbers."""


type Key = tuple[Role, str | None, str]
"""Role, method, name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: a route of the catalogue, or else method and path as a template.

    `kinds` counts audited submissions by kind, `unaudited` by reason, `rules` findings by rule, but for
    those that are `waived`; job queries have no kind.
    """

    role: Role
    method: str | None
    name: str
    audited: int
    kinds: Counts
    unaudited: Counts
    rules: Counts
    waived: int = 0

    @property
    def title(self) -> str:
        """Method and name."""
        return f"{self.method or ''} {self.name}".strip()

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return self.role, self.method, self.name

    @property
    def seen(self) -> int:
        """All its exchanges."""
        return self.audited + sum(count for _, count in self.unaudited)


_ON_QUERIES = frozenset(rule.code for rule in (TA502, TA503, TA504, TA505, TA508))


@dataclass(slots=True)
class _Counted:
    audited: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    unaudited: Counter[str] = field(default_factory=Counter)


class Operations:
    """Counts exchanges by operation; of more than `most` operations, the later ones together, by role."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._counted: dict[Key, _Counted] = {}

    def copy(self) -> Operations:
        """One that stays as it is."""
        copy = Operations(self._most)
        copy._counted = {
            key: _Counted(each.audited, each.kinds.copy(), each.unaudited.copy())
            for key, each in self._counted.items()
        }
        return copy

    def add(self, told: Told) -> None:
        """Counts one exchange."""
        role = Role.JOB_QUERY if told.is_query else Role.SUBMISSION
        key = self._within((role, told.method, _name(told.route, told.path)))
        counted = self._counted.setdefault(key, _Counted())
        if told.is_audited:
            counted.audited += 1
        else:
            counted.unaudited[told.unaudited or ""] += 1
        if told.kind is not None:
            counted.kinds[told.kind] += 1

    def table(self, findings: Iterable[FoundStory]) -> tuple[Operation, ...]:
        """Every operation with the findings on it, in order of role and name."""
        rules: dict[Key, Counter[str]] = defaultdict(Counter)
        waived = Counter[Key]()
        for found in findings:
            key = self._within(_key_of(found))
            rules[key][found.rule] += found.counting
            waived[key] += found.waived
        keys = self._counted.keys() | rules.keys()
        told = (
            _operation(key, self._counted.get(key) or _Counted(), rules[key], waived[key]) for key in keys
        )
        return tuple(sorted(told, key=_order))

    def _within(self, key: Key) -> Key:
        is_full = key not in self._counted and len(self._counted) >= self._most
        return (key[0], None, OTHERS) if is_full else key


def by_operation(
    operations: Iterable[Operation], findings: Iterable[FoundStory]
) -> dict[Key, list[FoundStory]]:
    """The findings by the operation they are counted with, by `Operation.key`."""
    known = {operation.key for operation in operations}
    grouped: dict[Key, list[FoundStory]] = {}
    for found in findings:
        key = _key_of(found)
        grouped.setdefault(key if key in known else (key[0], None, OTHERS), []).append(found)
    return grouped


def _key_of(found: FoundStory) -> Key:
    """The role is told by the rule, as the exchange itself may be in no log."""
    on = found.example
    role = Role.JOB_QUERY if found.rule in _ON_QUERIES else Role.SUBMISSION
    return role, on.method, _name(on.route, on.path)


def _name(route: str | None, path: str | None) -> str:
    return route or (template_of(path) if path else "")


def _operation(key: Key, counted: _Counted, found: Counter[str], waived: int) -> Operation:
    role, method, name = key
    kinds, unaudited, rules = (
        tuple(sorted((+each).items())) for each in (counted.kinds, counted.unaudited, found)
    )
    return Operation(role, method, name, counted.audited, kinds, unaudited, rules, waived)


def _order(operation: Operation) -> tuple[bool, bool, str, str]:
    is_query = operation.role is Role.JOB_QUERY
    return is_query, operation.name == OTHERS, operation.name, operation.method or ""
