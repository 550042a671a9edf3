"""The audit's lines in mitmproxy's event log, or on standard error where there is none."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from taskaudit.auditor import Outcome
from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.lifecycle import Late
from taskaudit.proxy.distrust import advice
from taskaudit.recording.records import finding_of
from taskaudit.text.terminal import headline, request_line
from taskaudit.text.waiver_words import WAIVED, waiver_text

logger = logging.getLogger(__name__)


def tell(outcome: Outcome) -> None:
    """A line for each audited exchange, for people who look on."""
    level = max(map(_level, outcome.findings), default=logging.INFO)
    logger.log(level, "taskaudit: %s", headline(outcome))


def tell_distrust(outcome: Outcome, reason: str) -> None:
    """Why an exchange has no answer: the server's certificate was refused."""
    told = f"{request_line(outcome)}: {advice(reason)}"
    logger.warning("taskaudit: %s", told, extra={"fingerprint": f"{outcome.exchange.host} {reason}"})


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
    waived = finding.waived
    terms = f"({waiver_text(WAIVED, waived)})" if waived else ""
    told = f"{finding.rule} {finding.name}: {request_line(outcome)} {words}".rstrip()
    fingerprint = finding_of(outcome, finding).fingerprint + ("-waived" if waived else "")
    text = " ".join(filter(None, [told, terms]))
    logger.log(_level(finding), "taskaudit: %s", text, extra={"fingerprint": fingerprint})


def _level(finding: Finding) -> int:
    """That of an error is the audit's own: one that is logged while mitmproxy starts would end it."""
    is_news = finding.waived is None and finding.severity is not Severity.INFO
    return logging.WARNING if is_news else logging.INFO
