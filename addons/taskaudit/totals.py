"""The sums that have to add up: seen = other + audited + unaudited."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Finding, Severity, Waiver

_COUNTERS = (
    "unaudited",
    "roles",
    "kinds",
    "findings",
    "severities",
    "waived",
    "waived_severities",
    "waivers",
)


@dataclass(slots=True)
class Totals:
    """Counts over outcomes. `lost` counts records that could not be written.

    `findings`, by rule, and `severities` count waived ones too; `waived`, by rule, `waived_severities` and
    `waivers` count those alone.
    """

    seen: int = 0
    other: int = 0
    audited: int = 0
    unaudited: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)
    waived: Counter[str] = field(default_factory=Counter)
    waived_severities: Counter[Severity] = field(default_factory=Counter)
    waivers: Counter[Waiver] = field(default_factory=Counter)
    lost: int = 0

    @property
    def in_scope(self) -> int:
        """Submissions and job queries, audited or not."""
        return self.audited + self.unaudited.total()

    @property
    def counting(self) -> Counter[Severity]:
        """Findings by severity, without those that are waived."""
        return self.severities - self.waived_severities

    def add(self, outcome: Outcome) -> None:
        """Counts one exchange."""
        if outcome.role is Role.OTHER:
            self.add_other()
            return
        self.seen += 1
        self.roles[outcome.role] += 1
        if outcome.unaudited is not None:
            self.unaudited[outcome.unaudited] += 1
        else:
            self.audited += 1
            if outcome.verdict is not None:
                self.kinds[outcome.verdict.kind] += 1
        for finding in outcome.findings:
            self.add_finding(finding)

    def add_other(self) -> None:
        """Counts one exchange that is none of ours."""
        self.seen += 1
        self.other += 1

    def add_finding(self, finding: Finding) -> None:
        """Counts a finding; for those that come up when their exchange was counted already."""
        self.findings[finding.rule] += 1
        self.severities[finding.severity] += 1
        if finding.waived is not None:
            self.waived[finding.rule] += 1
            self.waived_severities[finding.severity] += 1
            self.waivers[finding.waived] += 1

    def has(self, fail_on: Severity) -> bool:
        """Whether there was a finding of that severity or worse; waived ones aside."""
        return any(severity.rank <= fail_on.rank for severity in self.counting)

    def include(self, other: Totals) -> None:
        """Adds what another has counted."""
        for each in ("seen", "other", "audited", "lost"):
            setattr(self, each, getattr(self, each) + getattr(other, each))
        for each in _COUNTERS:
            getattr(self, each).update(getattr(other, each))
