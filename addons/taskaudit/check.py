"""`taskaudit check`: the same verdicts offline, over captures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.following import follow, judged
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.records import finding_body, http_of
from taskaudit.sources.captured import Damage
from taskaudit.sources.reading import expand, read
from taskaudit.spool import Spool
from taskaudit.totals import Totals

CLEAN, FINDINGS, UNREADABLE, NOTHING_AUDITED = 0, 1, 2, 3
"""Exit statuses (contract, section 5)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An outcome with its place in its source."""

    source: str
    index: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Damaged:
    """A place in a source that could not be read."""

    source: str
    damage: Damage


@dataclass(slots=True)
class Check:
    """One run over many sources; keeps the totals, and whether anything was damaged."""

    auditor: Auditor
    lifecycle: Lifecycle[int] = field(default_factory=Lifecycle)
    totals: Totals = field(default_factory=Totals)
    damaged: int = 0

    def over(
        self, paths: Iterable[Path], advance: Callable[[int], None] | None = None
    ) -> Iterator[Checked | Damaged]:
        """Each damage as it is met, then each exchange in scope, in order.

        The exchanges wait for the last one, as that may show what became of the first one's job. `advance` is
        told the bytes that were read.
        """
        with Spool[Checked]() as spool:
            places: list[int] = []
            for item in self._read(paths, advance):
                if isinstance(item, Checked):
                    places.append(spool.put(item))
                else:
                    yield item
            late = self._follow(spool, places)
            for at in places:
                checked = spool.get(at)
                yield replace(checked, outcome=replace(checked.outcome, late=tuple(late.get(at, ()))))

    def _read(
        self, paths: Iterable[Path], advance: Callable[[int], None] | None
    ) -> Iterator[Checked | Damaged]:
        for path in expand(paths):
            for item in read(path, self.auditor.limit, advance):
                if isinstance(item, Damage):
                    self.damaged += 1
                    yield Damaged(str(path), item)
                    continue
                outcome = self.auditor.look(item.exchange)
                self.totals.add(outcome)
                if outcome.role is not Role.OTHER:
                    yield Checked(str(path), item.index, outcome)

    def _follow(self, spool: Spool[Checked], places: list[int]) -> dict[int, list[Finding]]:
        """The findings on the life of jobs, by place; told in the order in which the answers ended."""
        late: dict[int, list[Finding]] = {}
        told: set[str] = set()  # The same capture may be given twice.
        for _, at in sorted((spool.get(at).outcome.exchange.at, at) for at in places):
            outcome = spool.get(at).outcome
            if outcome.exchange.exchange_id not in told:
                told.add(outcome.exchange.exchange_id)
                self._note(late, follow(self.lifecycle, outcome, at), spool)
        self._note(late, self.lifecycle.finish(), spool)
        return late

    def _note(
        self, late: dict[int, list[Finding]], findings: Iterable[Late[int]], spool: Spool[Checked]
    ) -> None:
        for at, finding in judged(findings, self.auditor.policy, lambda at: spool.get(at).outcome.where):
            late.setdefault(at, []).append(finding)
            self.totals.add_finding(finding)

    def exit_status(self, fail_on: Severity) -> int:
        """Damage comes before findings, findings before an empty run; waived ones do not count."""
        if self.damaged:
            return UNREADABLE
        if self.totals.has(fail_on):
            return FINDINGS
        return CLEAN if self.totals.audited else NOTHING_AUDITED


def as_json(checked: Checked) -> str:
    """One line of `--format json` (contract, section 5)."""
    outcome = checked.outcome
    verdict = outcome.verdict
    line: dict[str, Any] = {
        "source": checked.source,
        "index": checked.index,
        "role": outcome.role.value,
        "kind": verdict.kind.value if verdict else None,
        "job_id": outcome.job_id,
        "well_formed": not any(found.severity is Severity.ERROR for found in outcome.findings),
        **http_of(outcome).model_dump(),
        "findings": [finding_body(outcome, f).model_dump(mode="json") for f in outcome.findings],
        "omitted": dict(verdict.omitted) if verdict else {},
        "unaudited": outcome.unaudited.value if outcome.unaudited else None,
        "exchange_id": outcome.exchange.exchange_id,
    }
    # ASCII, so that the line survives any terminal, file or locale.
    return json.dumps(line)
