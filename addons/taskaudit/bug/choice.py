"""Which finding of captures or logs a bug report is about, and how often it was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from taskaudit.auditor import Outcome
from taskaudit.bug.text import Seen
from taskaudit.catalogue import Catalogue, Role
from taskaudit.contract.answer import Answer
from taskaudit.contract.excerpt import JSON_TYPES
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.verdict import Finding, Place
from taskaudit.exchange import Exchange
from taskaudit.offline.check import Checked
from taskaudit.recording.records import finding_of
from taskaudit.story.told import Found, Told


@dataclass(frozen=True, slots=True)
class Wanted:
    """Findings of a rule (its code), on the exchange with an index, about a job, on a request."""

    rule: str | None = None
    index: int | None = None
    job_id: str | None = None
    request_id: str | None = None

    def has(self, rule: str, index: int | None, job_id: str | None, request_id: str | None) -> bool:
        """Whether a finding is among them. That the audit failed is no fault of the API's."""
        if rule == TA901.code:
            return False
        given = ((self.rule, rule), (self.index, index), (self.job_id, job_id), (self.request_id, request_id))
        return all(wanted is None or wanted == found for wanted, found in given)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A finding with its exchange; findings are counted by `fingerprint`."""

    outcome: Outcome
    finding: Finding
    fingerprint: str


@dataclass(slots=True)
class Choice:
    """Chooses the worst finding that is wanted, and of those the first; a waived one if there is no other.

    Keeps no other exchange.
    """

    wanted: Wanted = Wanted()
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
        wanted = self.wanted
        for item in items:
            outcome, exchange = item.outcome, item.outcome.exchange
            self.audited += outcome.audited
            self.indexed += item.index == wanted.index
            is_new = exchange.exchange_id not in self._told
            self._told.add(exchange.exchange_id)
            for finding in outcome.findings:
                fingerprint = finding_of(outcome, finding).fingerprint
                if is_new:
                    self._count(fingerprint, exchange.at)
                if wanted.has(finding.rule, item.index, outcome.job_id, exchange.request_id):
                    self._offer(Chosen(outcome, finding, fingerprint))

    def take(self, on: Told, found: Found, catalogue: Catalogue) -> None:
        """Looks at a finding in logs."""
        self._count(found.fingerprint, found.at)
        if self.wanted.has(found.rule, None, on.job_id, on.request_id):
            self._offer(Chosen(_outcome(on, catalogue), _finding(found), found.fingerprint))

    def _count(self, fingerprint: str, at: float) -> None:
        known = self._seen.get(fingerprint, Seen(0))
        times = [time for time in (known.first, known.last, at) if time]
        self._seen[fingerprint] = Seen(known.count + 1, min(times, default=0.0), max(times, default=0.0))

    def _offer(self, offered: Chosen) -> None:
        if self.chosen is None or _weight(offered.finding) < _weight(self.chosen.finding):
            self.chosen = offered


def _weight(finding: Finding) -> tuple[bool, int]:
    return finding.waived is not None, finding.severity.rank


def _outcome(on: Told, catalogue: Catalogue) -> Outcome:
    """What a log holds of an exchange."""
    match = catalogue.match(on.method, on.path or "", on.host) if on.method else None
    return Outcome(
        Exchange(
            exchange_id=on.exchange_id,
            answer=None if on.http_status is None else Answer(b"", on.http_status),
            method=on.method,
            host=on.host,
            path=on.path,
            request_id=on.request_id,
            client=on.client,
            started=on.at,
        ),
        Role.JOB_QUERY if on.is_query else Role.SUBMISSION,
        match.route if match and match.route.name == on.route else None,
        on.job_id,
    )


def _finding(found: Found) -> Finding:
    kind = found.found.split(" ", 1)[0]
    return Finding(
        found.rule,
        found.name,
        found.severity,
        found.pointer,
        found.expected,
        found.found,
        kind if kind in JSON_TYPES else "",
        Place(found.line, found.column) if found.line and found.column else None,
        found.waiver,
    )
