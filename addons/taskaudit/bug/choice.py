"""Which finding of captures a bug report is about, and how often it was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from taskaudit.auditor import Outcome
from taskaudit.bug.text import Seen
from taskaudit.contract.verdict import Finding
from taskaudit.offline.check import Checked
from taskaudit.recording.records import finding_body


@dataclass(frozen=True, slots=True)
class Chosen:
    """A finding with its exchange; findings are counted by `fingerprint`."""

    outcome: Outcome
    finding: Finding
    fingerprint: str


@dataclass(slots=True)
class Choice:
    """Chooses the worst finding, and of those the first; a waived one if there is no other.

    Keeps no other exchange.

    Only findings of `rule` (a code) and on the exchange with `index` count, where these are given.
    """

    rule: str | None = None
    index: int | None = None
    chosen: Chosen | None = None
    audited: int = 0
    indexed: int = 0
    """How many exchanges in scope have the index, if one is wanted."""
    _seen: dict[str, Seen] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    @property
    def seen(self) -> Seen:
        """How often the chosen finding was met, over all exchanges."""
        return self._seen[self.chosen.fingerprint] if self.chosen else Seen(0)

    def look(self, items: Iterable[Checked]) -> None:
        """Looks at exchanges; the same one counts once, however often it is given."""
        for item in items:
            outcome = item.outcome
            self.audited += outcome.audited
            self.indexed += item.index == self.index
            if outcome.exchange.exchange_id not in self._told:
                self._told.add(outcome.exchange.exchange_id)
                self._count(outcome)
            for finding in self._wanted(item):
                self._offer(outcome, finding)

    def _count(self, outcome: Outcome) -> None:
        at = outcome.exchange.at
        for finding in outcome.findings:
            fingerprint = finding_body(outcome, finding).fingerprint
            known = self._seen.get(fingerprint, Seen(0))
            times = [time for time in (known.first, known.last, at) if time]
            self._seen[fingerprint] = Seen(known.count + 1, min(times, default=0.0), max(times, default=0.0))

    def _wanted(self, item: Checked) -> Iterator[Finding]:
        if self.index in (None, item.index):
            yield from (found for found in item.outcome.findings if self.rule in (None, found.rule))

    def _offer(self, outcome: Outcome, finding: Finding) -> None:
        if self.chosen is None or _weight(finding) < _weight(self.chosen.finding):
            self.chosen = Chosen(outcome, finding, finding_body(outcome, finding).fingerprint)


def _weight(finding: Finding) -> tuple[bool, int]:
    return finding.waived is not None, finding.severity.rank
