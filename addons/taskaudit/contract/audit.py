"""The one function the rest of the project calls for the answer to a submission."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

from taskaudit.contract.answer import DEFAULT_LIMIT, STRICT, Allowance, Answer
from taskaudit.contract.body import Body, read_body
from taskaudit.contract.excerpt import JSON_TYPES, describe
from taskaudit.contract.other_ids import other_ids
from taskaudit.contract.places import Span, enclosing, locate, place, tokens
from taskaudit.contract.rules import details, envelope, error, job_id
from taskaudit.contract.rules.body import TA007
from taskaudit.contract.rules.rule import Fault
from taskaudit.contract.rules.types import type_faults
from taskaudit.contract.verdict import MAX_FINDINGS_PER_RULE, Finding, Kind, Verdict
from taskaudit.contract.well_formed import well_formed

_BY_MEMBERS = {("job_id",): Kind.JOB, ("error",): Kind.ERROR, ("job_id", "error"): Kind.AMBIGUOUS}
type _Omitted = tuple[tuple[str, int], ...]
_BY_KIND = {
    Kind.UNRECOGNISED: envelope.envelope_missing,
    Kind.AMBIGUOUS: envelope.envelope_ambiguous,
    Kind.FOREIGN: envelope.envelope_foreign,
}
# An array index. Names may be of digits, too, of more than a number is made of.
_DIGITS = re.compile(r"([0-9]{1,18})")


def audit_submission(answer: Answer, allowance: Allowance = STRICT, limit: int = DEFAULT_LIMIT) -> Verdict:
    """What `answer` is, and all that is wrong with it, in order of code and pointer.

    `limit` is the most bytes of the decoded body that are inspected. Never raises on any answer.
    """
    body = read_body(answer, allowance, limit)
    if body.value is not None and not body.faults and (verdict := well_formed(body, answer.status)):
        return verdict
    return by_rules(body, answer.status, allowance)


def by_rules(body: Body, status: int | None, allowance: Allowance = STRICT) -> Verdict:
    """The verdict on a body with every rule asked."""
    kind = classify(body, status, allowance)
    faults = body.faults
    if body.value is not None:
        faults = (*faults, *_envelope_faults(body.value, kind, status))
    findings, omitted = _findings(faults, body) if faults else ((), ())
    value = body.value or {}
    failure = value.get("error")
    failure = failure if isinstance(failure, dict) else {}
    job_id = _recorded_job_id(kind, value)
    return Verdict(
        kind,
        findings,
        job_id=job_id,
        ids=other_ids(value, job_id) if job_id is not None else (),
        error_code=_string(failure.get("code")),
        error_message=_string(failure.get("message")),
        omitted=omitted,
        names_envelope=envelope.names_envelope(value),
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
    yield from _BY_KIND[kind](value) if kind in _BY_KIND else envelope.status_disagrees(kind, status)
    yield from type_faults(value)
    if isinstance(identity := value.get("job_id"), str):
        yield from job_id.job_id_empty(identity)
        yield from job_id.job_id_unsafe(identity)
    if isinstance(failure := value.get("error"), dict):
        yield from _error_faults(failure)
    if "details" in value:
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
    if "details" in failure:
        yield from details.details_empty(failure)
        yield from details.detail_empty(failure)


def _findings(faults: Collection[Fault], body: Body) -> tuple[tuple[Finding, ...], _Omitted]:
    """Faults in order, with their places and what was found there; by rule, how many are over the cap."""
    faults = sorted(faults, key=_order) if len(faults) > 1 else faults
    listed, omitted = _capped(faults, body.omitted)
    spans = locate(body.text, {fault.pointer for fault in listed}) if body.text is not None else {}
    return tuple(_finding(fault, body, spans) for fault in listed), omitted


def _capped(faults: Collection[Fault], repeated: int) -> tuple[Collection[Fault], _Omitted]:
    """`repeated` members (TA007) were left out before."""
    if len(faults) <= MAX_FINDINGS_PER_RULE and not repeated:
        return faults, ()
    listed: list[Fault] = []
    count: Counter[str] = Counter()
    for fault in faults:
        count[fault.rule.code] += 1
        if count[fault.rule.code] <= MAX_FINDINGS_PER_RULE:
            listed.append(fault)
    count[TA007.code] += repeated
    most = MAX_FINDINGS_PER_RULE
    return listed, tuple(sorted((code, n - most) for code, n in count.items() if n > most))


def _finding(fault: Fault, body: Body, spans: dict[str, Span]) -> Finding:
    """A missing value is placed at the object it is missing from."""
    rule, pointer, expected, found, offset = fault
    span = spans.get(pointer)
    if found is None:
        assert body.text is not None
        found = describe(body.text, span, _value_at(body.value, pointer))
    if offset is None and (around := span or spans.get(enclosing(pointer))):
        offset = around.start
    at = place(body.text, offset) if offset is not None and body.text is not None else None
    json_type = found.partition(" ")[0]
    json_type = json_type if json_type in JSON_TYPES else ""
    return Finding(rule.code, rule.name, rule.severity, pointer, expected, found, json_type, at)


def _value_at(value: Any, pointer: str) -> Any:
    for token in tokens(pointer):
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def _order(fault: Fault) -> tuple[str, list[tuple[int, str]]]:
    """By code, then pointer, array indexes as numbers: /details/2 stands before /details/10."""
    return fault.rule.code, _steps(fault.pointer)


@lru_cache(maxsize=1024)
def _steps(pointer: str) -> list[tuple[int, str]]:
    parts = _DIGITS.split(pointer)
    return [(int(part), "") if at % 2 else (0, part) for at, part in enumerate(parts)]


def _recorded_job_id(kind: Kind, value: dict[str, Any]) -> str | None:
    identity = value.get("job_id")
    usable = kind in (Kind.JOB, Kind.AMBIGUOUS) and isinstance(identity, str) and identity.strip()
    return identity if usable else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
