"""`taskaudit check`: the same verdicts offline, over captures."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from msgspec import structs

from taskaudit.auditor import Auditor
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.following import Queried, Submitted, tell
from taskaudit.guard import audit_failed, guarded
from taskaudit.known_ids import KnownIds
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.offline.gathering import (
    WORTH_A_PROCESS,
    Checked,
    Damaged,
    Gathering,
    Passed,
    Step,
    shares_of,
)
from taskaudit.offline.judge import Pipes, missed
from taskaudit.offline.processes import gather
from taskaudit.processes import Advance, cores
from taskaudit.recording.records import finding_of, http_of
from taskaudit.sources.reading import expand
from taskaudit.spool.sorter import Sorter
from taskaudit.text.json_line import json_line
from taskaudit.totals import Totals

__all__ = [
    "CLEAN",
    "FINDINGS",
    "NOTHING_AUDITED",
    "UNREADABLE",
    "Check",
    "Checked",
    "Damaged",
    "Passed",
    "as_json",
    "exit_status",
]

CLEAN, FINDINGS, UNREADABLE, NOTHING_AUDITED = 0, 1, 2, 3
"""Exit statuses (contract, section 5)."""


@dataclass(slots=True)
class Check:
    """One run over many sources; keeps the totals, and how many damages there were.

    `passed`: how many files in folders and archives are no captures.

    Several files of `worth_a_process` bytes or more are read by several processes.
    """

    auditor: Auditor
    lifecycle: Lifecycle[int] = field(default_factory=Lifecycle)
    totals: Totals = field(default_factory=Totals)
    damaged: int = 0
    passed: int = 0
    worth_a_process: int = WORTH_A_PROCESS

    def over(
        self, paths: Iterable[Path], advance: Advance | None = None
    ) -> Iterator[Checked | Damaged | Passed]:
        """Each damage and each file passed over, then each exchange in scope, in order.

        The exchanges wait for the last one, as that may show what became of the first one's job. `advance` is
        told the bytes that were read.
        """
        shares = shares_of(list(expand(paths)), cores(), self.worth_a_process)
        gatherings = []
        with ExitStack() as opened:
            pipes = opened.enter_context(closing(Pipes()))
            for gathering in self._gathered(shares, pipes, None, advance, opened):
                gatherings.append(gathering)
                for unread in gathering.unread:
                    self.damaged += isinstance(unread, Damaged)
                    self.passed += isinstance(unread, Passed)
                    yield unread
            if known := missed([each.ids for each in gatherings]):
                pipes.rewind()
                gatherings = [*self._gathered(shares, pipes, known, None, opened)]
            yield from self._told(gatherings)

    def _gathered(
        self,
        shares: list[list[Path]],
        pipes: Pipes,
        known: KnownIds | None,
        advance: Advance | None,
        opened: ExitStack,
    ) -> Iterator[Gathering]:
        if len(shares) > 1:
            for each in gather(self.auditor, shares, advance, known):
                yield opened.enter_context(closing(each))
            return
        gathering = opened.enter_context(closing(Gathering(known=known)))
        gathering.read(self.auditor, shares[0], advance, pipes)
        yield gathering

    def _told(self, gatherings: list[Gathering]) -> Iterator[Checked]:
        """What was gathered, with what became of the jobs, over all of it."""
        for gathering in gatherings:
            self.totals.include(gathering.totals)
        with closing(Sorter[Late[int]](key=itemgetter(0))) as late:
            starts = accumulate((gathering.size for gathering in gatherings), initial=0)
            steps = [_from(start, each.steps) for start, each in zip(starts, gatherings, strict=False)]
            self._follow(heapq.merge(*steps), late)
            yield from self._with_late(chain.from_iterable(each.kept() for each in gatherings), late)

    def _follow(self, steps: Iterable[Step], late: Sorter[Late[int]]) -> None:
        """The findings on the life of jobs, by number; told in the order in which the answers ended."""
        told: set[str] = set()
        last: float | None = None
        for at, _, number, exchange_id, step in steps:
            if at != last:
                told.clear()
                last = at
            # The same capture may be given twice; what is the same has ended at the same time.
            if exchange_id not in told:
                told.add(exchange_id)
                following = partial(self._followed, step, at, number)
                for found in guarded(following, partial(_failed_at, number)):
                    late.put(found)
        for found in self.lifecycle.finish():
            late.put(found)

    def _followed(self, step: Submitted | Queried, at: float, number: int) -> list[Late[int]]:
        return list(tell(self.lifecycle, step, at, number))

    def _with_late(self, kept: Iterable[Checked], late: Iterable[Late[int]]) -> Iterator[Checked]:
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

    @property
    def failed(self) -> int:
        """How often the audit failed at an exchange (TA901)."""
        return self.totals.findings[TA901.code]

    def exit_status(self, fail_on: Severity) -> int:
        """Waived findings do not count; what the audit failed at could not be read."""
        return exit_status(self.damaged + self.failed, self.totals.has(fail_on), self.totals.audited)


def exit_status(damaged: int, found: bool, audited: int) -> int:
    """Damage comes before findings, findings before an empty run."""
    if damaged:
        return UNREADABLE
    if found:
        return FINDINGS
    return CLEAN if audited else NOTHING_AUDITED


def _failed_at(number: int, error: Exception) -> list[Late[int]]:
    return [Late(number, audit_failed(error))]


def _from(start: int, steps: Iterable[Step]) -> Iterator[Step]:
    """Steps whose numbers count on from `start`."""
    if not start:
        return iter(steps)
    return ((at, is_query, start + number, id_, step) for at, is_query, number, id_, step in steps)


_NO_MORE: tuple[int, Any] = -1, None


def as_json(checked: Checked) -> str:
    """One line of `--format json` (contract, section 5)."""
    return json_line(_line(checked))


def _line(checked: Checked) -> dict[str, Any]:
    outcome = checked.outcome
    verdict, findings = outcome.verdict, outcome.findings
    return {
        "source": checked.source,
        "index": checked.index,
        "role": outcome.role,
        "kind": verdict.kind if verdict else None,
        "job_id": outcome.job_id,
        "well_formed": not any([found.severity is Severity.ERROR for found in findings]),
        **structs.asdict(http_of(outcome)),
        "findings": [finding_of(outcome, found) for found in findings],
        "omitted": dict(verdict.omitted) if verdict else {},
        "unaudited": outcome.unaudited,
        "matched_by": outcome.matched_by,
        "exchange_id": outcome.exchange.exchange_id,
    }
