"""The one broad `except`: what raises on an exchange is an outcome of it, live and from captures alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from traceback import extract_tb

from msgspec import structs

from taskaudit.auditor import SUBMITTING, Outcome
from taskaudit.catalogue import Role
from taskaudit.contract import coding
from taskaudit.contract.answer import DEFAULT_LIMIT, Answer
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.verdict import Finding, Kind, Verdict
from taskaudit.exchange import Exchange, Unaudited


def guarded[T](step: Callable[[], T], failed: Callable[[Exception], T]) -> T:
    """What the step gives, or where it raises, what `failed` makes of that."""
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - the one broad except: whatever fails becomes TA901
        return failed(error)


def failure(exchange: Exchange, error: Exception) -> Outcome:
    """The outcome of an exchange that the audit failed at: TA901, and no verdict.

    The job id is the one that the client got, by the plainest reading of the answer.
    """
    verdict = Verdict(Kind.UNREADABLE, (audit_failed(error),))
    job_id = guarded(partial(_plain_job_id, exchange), lambda _: None)
    answer = exchange.answer
    bare = structs.replace(exchange, answer=answer and Answer(b"", answer.status))
    return Outcome(bare, Role.SUBMISSION, None, job_id, verdict, Unaudited.INTERNAL_ERROR)


def audit_failed(error: Exception) -> Finding:
    """TA901."""
    found, rule = place_of(error), TA901
    expected = "an audit that does not fail"
    return Finding(rule.code, rule.name, rule.severity, "", expected, found, type(error).__name__)


def place_of(error: Exception) -> str:
    """The exception's type and place; not its text, which may quote the traffic."""
    at = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {at.name}, line {at.lineno}"


def _plain_job_id(exchange: Exchange) -> str | None:
    answer = exchange.answer
    if answer is None or not answer.body or (exchange.method or "POST").upper() not in SUBMITTING:
        return None
    value = json.loads(coding.undo(answer.body, answer.content_encoding, DEFAULT_LIMIT))
    job_id = value.get("job_id") if isinstance(value, dict) else None
    return job_id if isinstance(job_id, str) and job_id.strip() else None
