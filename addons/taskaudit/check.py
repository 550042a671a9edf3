"""`taskaudit check`: the same verdicts offline, over captures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.following import Queried, Submitted, step_of, tell
from taskaudit.lifecycle import Lifecycle
from taskaudit.records import finding_facts, http_facts
from taskaudit.sources.captured import Damage
from taskaudit.sources.reading import expand, read
from taskaudit.spool import Sorter, Spool
from taskaudit.totals import Totals

CLEAN, FINDINGS, UNREADABLE, NOTHING_AUDITED = 0, 1, 2, 3
"""Exit statuses (contract, section 5)."""


class Checked(msgspec.Struct, frozen=True):
    """An outcome with its place in its source."""

    source: str
    index: int
    outcome: Outcome


class Damaged(msgspec.Struct, frozen=True):
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
        with Spool[Checked]() as kept, Sorter[float, _Step]() as steps, Sorter[int, Finding]() as late:
            number = 0
            for item in self._read(paths, advance):
                if isinstance(item, Damaged):
                    yield item
                    continue
                exchange = item.outcome.exchange
                kept.put(item, len(exchange.answer.body) if exchange.answer else 0)
                if step := step_of(item.outcome):
                    steps.put(exchange.at, (number, exchange.exchange_id, step))
                number += 1
            self._follow(steps, late)
            yield from self._with_late(kept, late)

    def _read(
        self, paths: Iterable[Path], advance: Callable[[int], None] | None
    ) -> Iterator[Checked | Damaged]:
        for path in expand(paths):
            source = str(path)
            for item in read(path, self.auditor.limit, advance, passes_by=self._passes_by):
                if isinstance(item, Damage):
                    self.damaged += 1
                    yield Damaged(source, item)
                    continue
                outcome = self.auditor.look(item.exchange)
                self.totals.add(outcome)
                if outcome.role is not Role.OTHER:
                    yield Checked(source, item.index, outcome)

    def _passes_by(self, method: str, path: str) -> bool:
        """Counts what it passes by."""
        is_other = self.auditor.is_other(method, path)
        if is_other:
            self.totals.add_other()
        return is_other

    def _follow(self, steps: Iterable[tuple[float, _Step]], late: Sorter[int, Finding]) -> None:
        """The findings on the life of jobs, by number; told in the order in which the answers ended."""
        told: set[str] = set()
        last: float | None = None
        for at, (number, exchange_id, step) in steps:
            if at != last:
                told.clear()
                last = at
            # The same capture may be given twice; what is the same has ended at the same time.
            if exchange_id not in told:
                told.add(exchange_id)
                for found in tell(self.lifecycle, step, at, number):
                    late.put(*found)
        for found in self.lifecycle.finish():
            late.put(*found)

    def _with_late(self, kept: Iterable[Checked], late: Iterable[tuple[int, Finding]]) -> Iterator[Checked]:
        """What was kept, with the findings on what came later."""
        coming = iter(late)
        at, finding = next(coming, _NO_MORE)
        for number, checked in enumerate(kept):
            found = []
            while at == number:
                found.append(finding)
                at, finding = next(coming, _NO_MORE)
            yield self._judged(checked, found) if found else checked

    def _judged(self, checked: Checked, late: list[Finding]) -> Checked:
        outcome = checked.outcome
        found = self.auditor.judged(late, outcome)
        for finding in found:
            self.totals.add_finding(finding)
        return Checked(checked.source, checked.index, structs.replace(outcome, late=found))

    def exit_status(self, fail_on: Severity) -> int:
        """Damage comes before findings, findings before an empty run; waived ones do not count."""
        if self.damaged:
            return UNREADABLE
        if self.totals.has(fail_on):
            return FINDINGS
        return CLEAN if self.totals.audited else NOTHING_AUDITED


type _Step = tuple[int, str, Submitted | Queried]
"""The number of an exchange among those in scope, its id, and what it shows of the life of a job."""

_NO_MORE: tuple[int, Any] = -1, None


def as_json(checked: Checked) -> str:
    """One line of `--format json` (contract, section 5)."""
    outcome = checked.outcome
    verdict, findings = outcome.verdict, outcome.findings
    line: dict[str, Any] = {
        "source": checked.source,
        "index": checked.index,
        "role": outcome.role,
        "kind": verdict.kind if verdict else None,
        "job_id": outcome.job_id,
        "well_formed": not any(found.severity is Severity.ERROR for found in findings),
        **http_facts(outcome),
        "findings": [finding_facts(outcome, found) for found in findings],
        "omitted": dict(verdict.omitted) if verdict else {},
        "unaudited": outcome.unaudited,
        "exchange_id": outcome.exchange.exchange_id,
    }
    # ASCII, so that the line survives any terminal, file or locale.
    return json.dumps(line)
