"""The audit's lines in mitmproxy's event log, or on standard error where there is none."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from taskaudit.auditor import Outcome
from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Finding
from taskaudit.lifecycle import Late
from taskaudit.recording.records import finding_body
from taskaudit.text.terminal import headline, request_line

logger = logging.getLogger(__name__)


def tell(outcome: Outcome) -> None:
    """A line for each audited exchange, for people who look on."""
    level = logging.WARNING if outcome.findings else logging.INFO
    logger.log(level, "taskaudit: %s", headline(outcome))


def tell_findings(outcome: Outcome) -> None:
    """A line for each finding and none for what is well; equal ones can be held back by their fingerprint."""
    for finding in outcome.findings:
        _tell_finding(outcome, finding, f"{escape(finding.pointer)} found {finding.found}".strip())


def tell_late(late: Iterable[Late[Outcome]]) -> None:
    """A line for each finding on the life of a job."""
    for outcome, finding in late:
        job = f"job {escape(outcome.job_id, 80)}" if outcome.job_id else ""
        _tell_finding(outcome, finding, job)


def _tell_finding(outcome: Outcome, finding: Finding, words: str) -> None:
    told = f"{finding.rule} {finding.name}: {request_line(outcome)} {words}".rstrip()
    fingerprint = finding_body(outcome, finding).fingerprint
    logger.warning("taskaudit: %s", told, extra={"fingerprint": fingerprint})
