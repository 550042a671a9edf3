"""What is done with findings: severities of one's own, rules that are off, known faults that are accepted.

PURE: it is told the time, and has no clock. Detection knows nothing of it (after Zeek's notice policy).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Finding, Severity, Waiver
from taskaudit.exchange import fingerprint
from taskaudit.route_template import template_of
from taskaudit.times import day_of

LONGEST_PATH = 2000
"""How many characters of a path are compared with patterns."""

BASELINE, NEVER = "baseline", "9999-12-31"
"""Owner and last day of what a baseline waives."""

_ANYTHING = ".*"
_SEGMENT = "[^/]*"
_NAME_IN_BRACES = re.compile(r"\{[^{}/]*\}")


@dataclass(frozen=True, slots=True)
class Override:
    """The severity of a rule on some routes; None: it is off there. `route` is a pattern, None is any."""

    rule: str
    severity: Severity | None
    route: str | None = None


class Where(NamedTuple):
    """What a finding stands on: the names that a route pattern may fit, and when the exchange ended.

    `at`: seconds since the epoch, 0 where that is not known. `method` and `route`, a name or else a path
    template, are what a fingerprint is made of.
    """

    names: tuple[str, ...]
    at: float
    method: str | None
    route: str

    def fingerprint(self, finding: Finding) -> str:
        """That of a finding there."""
        return fingerprint(finding.rule, self.method, self.route, finding.pointer, finding.json_type)


class Known(NamedTuple):
    """A baseline: findings that were there before, by fingerprint, and the waiver that each of them has."""

    waiver: Waiver
    fingerprints: frozenset[str]


def in_baseline(name: str) -> Waiver:
    """What waives the findings in the baseline of that name, for as long as it is given."""
    return Waiver("", name, BASELINE, NEVER)


def where_of(method: str | None, path: str | None, route: str | None, at: float) -> Where:
    """Names by the catalogue's `route` where there is one, else by method and path template."""
    if route is None:
        template = template_of((path or "")[:LONGEST_PATH])
        return Where((f"{method or ''} {template}".strip(),), at, method, template_of(path or ""))
    return Where(route_names(route), at, method, route)


def route_names(route: str) -> tuple[str, ...]:
    """The name of a route of the catalogue, and where it has several operations, that of each."""
    service, _, operations = route.partition(":")
    each = operations.split("|")
    return (route, *(f"{service}:{one}" for one in each)) if len(each) > 1 else (route,)


def is_pattern(route: str) -> bool:
    """Whether it may fit more than one route of the catalogue, or requests that none lists."""
    return "*" in route or "/" in route


class _OfRule(Protocol):
    """What is said of a rule on some routes."""

    @property
    def rule(self) -> str: ...

    @property
    def route(self) -> str | None: ...


class _Entry[Item: _OfRule](NamedTuple):
    item: Item
    route: re.Pattern[str]
    pointer: re.Pattern[str]


class Policy:
    """One table of overrides and one of waivers; in each, the first entry that fits is taken.

    `expired` waivers are only remembered. `known`: what was there before, which no waiver need fit. A policy
    is never changed: it judges alike live and offline.
    """

    def __init__(
        self,
        overrides: Iterable[Override] = (),
        waivers: Iterable[Waiver] = (),
        expired: Iterable[Waiver] = (),
        known: Known | None = None,
    ) -> None:
        self.overrides = tuple(overrides)
        self.waivers = tuple(waivers)
        self.expired = tuple(expired)
        self.known = known
        self._overrides = _by_rule((each, None) for each in self.overrides)
        self._waivers = _by_rule((each, each.pointer) for each in self.waivers)

    def on(self, day: str) -> Policy:
        """The policy of that day (ISO 8601): without the waivers that have ended before."""
        ended = [waiver for waiver in self.waivers if waiver.until < day]
        if not ended:
            return self
        lasting = [waiver for waiver in self.waivers if waiver.until >= day]
        return Policy(self.overrides, lasting, (*self.expired, *ended), self.known)

    def judged(self, finding: Finding, where: Where) -> Finding | None:
        """The finding with its severity there, and what waives it; None where its rule is off."""
        if override := self.override(finding.rule, where):
            if override.severity is None:
                return None
            finding = replace(finding, severity=override.severity)
        waiver = self.waiver(finding.rule, finding.pointer, where)
        if waiver is None and self.known and where.fingerprint(finding) in self.known.fingerprints:
            waiver = self.known.waiver
        return finding if waiver is None else replace(finding, waived=waiver)

    def names(self, rule: str) -> bool:
        """Whether anything is said of a rule."""
        return rule in self._overrides or rule in self._waivers or self.known is not None

    def override(self, rule: str, where: Where) -> Override | None:
        """What is said of the severity of a rule there."""
        return next((each.item for each in _fitting(self._overrides, rule, "", where)), None)

    def waiver(self, rule: str, pointer: str, where: Where) -> Waiver | None:
        """What waives a finding; of an exchange whose time is known, not later than on the last day."""
        day = day_of(where.at) if where.at and rule in self._waivers else ""
        fitting = (each.item for each in _fitting(self._waivers, rule, pointer, where))
        return next((waiver for waiver in fitting if day <= waiver.until), None)

    def is_off(self, rule: str, where: Where) -> bool:
        """Whether findings of a rule are dropped there."""
        override = self.override(rule, where)
        return override is not None and override.severity is None

    def unused(self, used: Mapping[Waiver, int]) -> tuple[Waiver, ...]:
        """The waivers in force that waived nothing; `used` counts what each has waived."""
        return tuple(waiver for waiver in self.waivers if not used.get(waiver))


def _by_rule[Item: _OfRule](
    items: Iterable[tuple[Item, str | None]],
) -> dict[str, list[_Entry[Item]]]:
    """The items of each rule, with their patterns of routes and pointers."""
    entries: dict[str, list[_Entry[Item]]] = {}
    for item, pointer in items:
        entry = _Entry(item, _route_pattern(item.route), _pointer_pattern(pointer))
        entries.setdefault(item.rule, []).append(entry)
    return entries


def _fitting[Item: _OfRule](
    entries: Mapping[str, list[_Entry[Item]]], rule: str, pointer: str, where: Where
) -> Iterator[_Entry[Item]]:
    shown = escape(pointer)  # As it is recorded, so that logs are judged like traffic.
    for entry in entries.get(rule, ()):
        if entry.pointer.fullmatch(shown) and any(map(entry.route.fullmatch, where.names)):
            yield entry


def _route_pattern(pattern: str | None) -> re.Pattern[str]:
    """`*` stands for any text, `{name}` for one segment of a path."""
    if pattern is None:
        return re.compile(_ANYTHING, re.DOTALL)
    texts = (_SEGMENT.join(map(re.escape, _NAME_IN_BRACES.split(text))) for text in pattern.split("*"))
    return re.compile(_ANYTHING.join(texts), re.DOTALL)


def _pointer_pattern(pattern: str | None) -> re.Pattern[str]:
    """`*` stands for one step of the pointer: an index or a name, or a part of it."""
    if pattern is None:
        return re.compile(_ANYTHING, re.DOTALL)
    return re.compile(_SEGMENT.join(map(re.escape, pattern.split("*"))))


EMPTY = Policy()
"""Leaves every finding as it is; whoever has it need not ask."""
