"""The answer to a query of a job's status: what it says, and whether it can be read (TA508)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import ValidationError

from taskaudit.contract.answer import DEFAULT_LIMIT, STRICT, Answer
from taskaudit.contract.body import read_body
from taskaudit.contract.envelope import JobStatus
from taskaudit.contract.excerpt import describe
from taskaudit.contract.places import locate, place
from taskaudit.contract.rules.lifecycle import TA508
from taskaudit.contract.verdict import Finding


@dataclass(frozen=True, slots=True)
class StatusShape:
    """Where a family of services keeps a job's status.

    `member`: the top-level member whose object holds it (`job` of the database services), empty where it
    stands at the top level. `id_member`: the name of the job's id beside it.
    """

    member: str = ""
    id_member: str = "job_id"


FLAT = StatusShape()
"""ECS, EVS, BMS, IMS, SDRS, VBS: `{"job_id", "status", ...}`."""


class StatusVerdict(msgspec.Struct, frozen=True, gc=False):
    """What the answer to a job query says. Each text is None where it is absent or no String.

    `status` is None, too, where the answer is about another job than the one asked for. `error_code` is that
    of the failed job, or of the error that was answered in place of a status. `sub_jobs` counts sub-jobs by
    status. `seen` is False where the body went past the audit.
    """

    status: str | None = None
    job_id: str | None = None
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    seen: bool = True
    text: str | None = None


def audit_job_status(
    answer: Answer, asked: str, shape: StatusShape = FLAT, limit: int = DEFAULT_LIMIT
) -> StatusVerdict:
    """Reads the answer to a query for the job `asked`. Never raises on any answer.

    A 2xx answer must be an object with a String status, and its job id, if any, the one asked for; other
    answers are errors, as an `error` object or as flat members, and are read for their code and message.
    """
    body = read_body(answer, STRICT, limit)
    if any(fault.rule.code == "TA003" for fault in body.faults):
        return StatusVerdict(seen=False)
    is_success = answer.status is not None and 200 <= answer.status < 300
    if not is_success:
        return _error(body.value or {}, body.text)
    return _status(body.value, body.text, asked, shape)


def _error(value: dict[str, Any], text: str | None) -> StatusVerdict:
    inner = value.get("error")
    told = inner if isinstance(inner, dict) else value
    return StatusVerdict(
        error_code=_first(told, "code", "error_code", "errorCode"),
        fail_reason=_first(told, "message", "error_msg", "errorMsg"),
        text=text,
    )


def _status(value: dict[str, Any] | None, text: str | None, asked: str, shape: StatusShape) -> StatusVerdict:
    if value is None:
        return StatusVerdict(findings=(_malformed(text, "", "Object", {}, ""),), text=text)
    holder = value.get(shape.member) if shape.member else value
    holder = holder if isinstance(holder, dict) else {}
    status, identity = holder.get("status"), holder.get(shape.id_member)
    is_status = _is_string_status(status)
    base = f"/{shape.member}" if shape.member else ""
    findings: tuple[Finding, ...] = ()
    if not is_status:
        findings = (_malformed(text, f"{base}/status", "String", holder, "status"),)
    elif identity is not None and identity != asked:
        expected = "the job id that was asked for"
        findings = (_malformed(text, f"{base}/{shape.id_member}", expected, holder, shape.id_member),)
    refused = _error(value, text) if isinstance(value.get("error"), dict) else StatusVerdict()
    return StatusVerdict(
        status=None if findings else status,
        job_id=identity if isinstance(identity, str) else None,
        error_code=_first(holder, "error_code", "failed_code") or refused.error_code,
        fail_reason=_first(holder, "fail_reason", "failed_detail") or refused.fail_reason,
        sub_jobs=_sub_jobs(holder),
        findings=findings,
        text=text,
    )


def _is_string_status(status: object) -> bool:
    try:
        JobStatus.model_validate({"status": status})
    except ValidationError:
        return False
    return True


def _malformed(text: str | None, pointer: str, expected: str, holder: dict[str, Any], name: str) -> Finding:
    span = locate(text, [pointer]).get(pointer) if text is not None else None
    if name in holder:
        found = describe(text or "", span, holder[name])
    else:
        found = "nothing" if pointer else "no JSON object"
    at = place(text, span.start) if span is not None and text is not None else None
    json_type = found.split(" ", 1)[0] if name in holder else ""
    return Finding(TA508.code, TA508.name, TA508.severity, pointer, expected, found, json_type, at)


def _sub_jobs(holder: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """The sub-jobs, which stand in `entities` or beside the status, counted by status."""
    entities = holder.get("entities")
    listed = holder.get("sub_jobs") or (entities.get("sub_jobs") if isinstance(entities, dict) else None)
    statuses = Counter(
        each["status"].upper()
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and isinstance(each.get("status"), str)
    )
    return tuple(sorted(statuses.items()))


def _first(value: dict[str, Any], *names: str) -> str | None:
    return next((value[name] for name in names if isinstance(value.get(name), str)), None)
