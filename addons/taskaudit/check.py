"""`taskaudit check`: the same verdicts offline, over captures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Severity
from taskaudit.records import finding_body, http_of
from taskaudit.sources.captured import Damage
from taskaudit.sources.reading import expand, read
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
    totals: Totals = field(default_factory=Totals)
    damaged: int = 0

    def over(
        self, paths: Iterable[Path], advance: Callable[[int], None] | None = None
    ) -> Iterator[Checked | Damaged]:
        """Each exchange in scope, in order, and each damage. `advance` is told the bytes that were read."""
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

    def exit_status(self, fail_on: Severity) -> int:
        """Damage comes before findings, findings before an empty run."""
        if self.damaged:
            return UNREADABLE
        if any(count and s.rank <= fail_on.rank for s, count in self.totals.severities.items()):
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
        "well_formed": verdict.well_formed if verdict else True,
        **http_of(outcome).model_dump(),
        "findings": [finding_body(outcome, f).model_dump(mode="json") for f in outcome.findings],
        "omitted": dict(verdict.omitted) if verdict else {},
        "unaudited": outcome.unaudited.value if outcome.unaudited else None,
        "exchange_id": outcome.exchange.exchange_id,
    }
    # ASCII, so that the line survives any terminal, file or locale.
    return json.dumps(line)
