"""The one function the rest of the project calls for the answer to a submission."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from taskaudit.contract.answer import DEFAULT_LIMIT, STRICT, Allowance, Answer
from taskaudit.contract.body import Body, read_body
from taskaudit.contract.excerpt import JSON_TYPES, describe
from taskaudit.contract.places import Span, enclosing, locate, place
from taskaudit.contract.rules import details, envelope, error, job_id
from taskaudit.contract.rules.rule import Fault
from taskaudit.contract.rules.types import type_faults
from taskaudit.contract.verdict import MAX_FINDINGS_PER_RULE, Finding, Kind, Verdict

_BY_MEMBERS = {("job_id",): Kind.JOB, ("error",): Kind.ERROR, ("job_id", "error"): Kind.AMBIGUOUS}
_DIGITS = re.compile(r"(\d+)")


def audit_submission(answer: Answer, allowance: Allowance = STRICT, limit: int = DEFAULT_LIMIT) -> Verdict:
    """What `answer` is, and all that is wrong with it, in order of code and pointer.

    `limit` is the most bytes of the decoded body that are inspected. Never raises on any answer.
    """
    body = read_body(answer, allowance, limit)
    kind = classify(body, answer.status, allowance)
    faults = body.faults
    if body.value is not None:
        faults = (*faults, *_envelope_faults(body.value, kind, answer.status))
    findings, omitted = _findings(faults, body) if faults else ((), Counter())
    value = body.value or {}
    failure = value.get("error")
    failure = failure if isinstance(failure, dict) else {}
    return Verdict(
        kind,
        findings,
        job_id=_recorded_job_id(kind, value),
        error_code=_string(failure.get("code")),
        error_message=_string(failure.get("message")),
        omitted=tuple(sorted(omitted.items())),
        names_envelope="job_id" in value or "error" in value,
        text=body.text,
    )


def classify(body: Body, status: int | None, allowance: Allowance) -> Kind:
    """The answer's kind (contract, section 3). A `null` envelope member counts where there is no other."""
    if body.accepted:
        return Kind.ACCEPTED
    value = body.value
    if value is None:
        return Kind.UNREADABLE
    members = [name for name in ("job_id", "error") if value.get(name) is not None]
    members = members or [name for name in ("job_id", "error") if name in value]
    if members:
        return _BY_MEMBERS[tuple(members)]
    if (status is None or status < 400) and any(value.get(m) is not None for m in allowance.order_members):
        return Kind.ORDER
    return Kind.FOREIGN if envelope.dialect(value) else Kind.UNRECOGNISED


def _envelope_faults(value: dict[str, Any], kind: Kind, status: int | None) -> Iterator[Fault]:
    yield from envelope.envelope_missing(value, kind)
    yield from envelope.envelope_ambiguous(value, kind)
    yield from envelope.envelope_foreign(value, kind)
    yield from envelope.status_disagrees(kind, status)
    yield from type_faults(value)
    if isinstance(identity := value.get("job_id"), str):
        yield from job_id.job_id_empty(identity)
        yield from job_id.job_id_unsafe(identity)
    if isinstance(failure := value.get("error"), dict):
        yield from _error_faults(failure)
    yield from details.details_misplaced(value)


def _error_faults(failure: dict[str, Any]) -> Iterator[Fault]:
    message, code = failure.get("message"), failure.get("code")
    if isinstance(message, str):
        yield from error.error_message_empty(message)
        yield from error.error_message_embeds_body(message)
    if isinstance(code, str):
        yield from error.error_code_empty(code)
    if isinstance(message, str) and isinstance(code, str):
        yield from error.error_members_swapped(message, code)
    yield from details.details_empty(failure)
    yield from details.detail_empty(failure)


def _findings(faults: Iterable[Fault], body: Body) -> tuple[tuple[Finding, ...], Counter[str]]:
    """Faults in order, capped by rule, with their places and what was found there."""
    listed: list[Fault] = []
    count: Counter[str] = Counter()
    for fault in sorted(faults, key=_order):
        count[fault.rule.code] += 1
        if count[fault.rule.code] <= MAX_FINDINGS_PER_RULE:
            listed.append(fault)
    count["TA007"] += body.omitted
    omitted = Counter(
        {code: n - MAX_FINDINGS_PER_RULE for code, n in count.items() if n > MAX_FINDINGS_PER_RULE}
    )
    wanted = set(chain.from_iterable((f.pointer, enclosing(f.pointer)) for f in listed))
    spans = locate(body.text, wanted) if body.text is not None else {}
    return tuple(_finding(fault, body, spans) for fault in listed), omitted


def _finding(fault: Fault, body: Body, spans: dict[str, Span]) -> Finding:
    """A missing value is placed at the object it is missing from."""
    span = spans.get(fault.pointer)
    found = fault.found
    if found is None:
        assert body.text is not None
        found = describe(body.text, span, _value_at(body.value, fault.pointer))
    around = span or spans.get(enclosing(fault.pointer))
    offset = fault.offset if fault.offset is not None else around.start if around else None
    at = place(body.text, offset) if offset is not None and body.text is not None else None
    rule = fault.rule
    kind = found.split(" ", 1)[0]
    json_type = kind if kind in JSON_TYPES else ""
    return Finding(rule.code, rule.name, rule.severity, fault.pointer, fault.expected, found, json_type, at)


def _value_at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def _order(fault: Fault) -> tuple[str, list[tuple[int, str]]]:
    """By code, then pointer, array indexes as numbers: /details/2 stands before /details/10."""
    steps = _DIGITS.split(fault.pointer)
    return fault.rule.code, [(int(s), "") if s.isdigit() else (0, s) for s in steps]


def _recorded_job_id(kind: Kind, value: dict[str, Any]) -> str | None:
    identity = value.get("job_id")
    usable = kind in (Kind.JOB, Kind.AMBIGUOUS) and isinstance(identity, str) and identity.strip()
    return identity if usable else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
