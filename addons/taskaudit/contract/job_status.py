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
from taskaudit.contract.rules.job_id import is_safe
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


OTHER_FINAL_STATUSES = frozenset(
    {
        *("SUCCEEDED", "COMPLETED", "FINISHED", "FINISH_SUCC", "DONE"),
        *("FAILED", "ERROR", "CANCELED", "CANCELLED", "TERMINATED"),
    }
)
"""Statuses after which a job does not change any more, of services whose queries have no route."""
_STATUS_MEMBERS = ("status", "job_status", "state", "phase")
MOST_SUB_JOB_IDS = 100
"""How many ids of sub-jobs are read of an answer."""


class SubJob(msgspec.Struct, frozen=True, gc=False):
    """A sub-job that has failed. Each is None where it is absent or no String."""

    job_id: str | None
    job_type: str | None
    error_code: str | None
    fail_reason: str | None


class StatusVerdict(msgspec.Struct, frozen=True, gc=False):
    """What the answer to a job query says. Each text is None where it is absent or no String.

    `status` is None, too, where the answer is about another job than the one asked for. `error_code` is that
    of the failed job, or of the error that was answered in place of a status. `sub_jobs` counts sub-jobs by
    status; `sub_job` is the first failed one, where the job itself gives no reason. `seen` is False where the
    body went past the audit; `is_guessed`: where a service keeps the status was not known.
    """

    status: str | None = None
    job_id: str | None = None
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: tuple[tuple[str, int], ...] = ()
    sub_job: SubJob | None = None
    sub_job_ids: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    seen: bool = True
    is_guessed: bool = False
    text: str | None = None

    @property
    def reason(self) -> tuple[str | None, str | None]:
        """Code and reason of the failure: the job's own, or else the first failed sub-job's."""
        holder = self.sub_job or self
        return holder.error_code, holder.fail_reason


UNKNOWN = StatusVerdict(seen=False)
"""Of an answer that was not seen."""


def is_failed(status: str) -> bool:
    """Whether a status says that a job has failed."""
    return status.upper().startswith(("FAIL", "ERROR"))


def audit_job_status(
    answer: Answer,
    asked: str,
    shape: StatusShape | None = FLAT,
    limit: int = DEFAULT_LIMIT,
    *,
    is_strict: bool = True,
) -> StatusVerdict:
    """Reads the answer to a query for the job `asked`. Never raises on any answer.

    A 2xx answer must be an object with a String status, and its job id, if any, the one asked for; other
    answers are errors, as an `error` object or as flat members, and are read for their code and message.
    Where that is not `is_strict`, as it may be another service that answers, or no `shape` is known, the
    status is looked for where services have it (contract, section 2), and nothing is found wrong.
    """
    body = read_body(answer, STRICT, limit)
    if any(fault.rule.code == "TA003" for fault in body.faults):
        return UNKNOWN
    is_success = answer.status is not None and 200 <= answer.status < 300
    if not is_success:
        return _error(body.value or {}, body.text)
    if shape is None:
        return _any_status(body.value, body.text)
    told = _status(body.value, body.text, asked, shape)
    if not told.findings or is_strict:
        return told
    # Whose job it is, is not in doubt where only the status cannot be read.
    is_other = told.findings[0].pointer.endswith(f"/{shape.id_member}")
    return msgspec.structs.replace(told, findings=()) if is_other else _any_status(body.value, body.text)


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
    told = _told(value, holder, None if findings else status, text)
    identity = identity if isinstance(identity, str) else None
    return msgspec.structs.replace(told, job_id=identity, findings=findings)


def _any_status(value: dict[str, Any] | None, text: str | None) -> StatusVerdict:
    """The first status at the top level, or else in the only Object that stands there."""
    if value is None:
        return StatusVerdict(text=text)
    inner = [each for each in value.values() if isinstance(each, dict)]
    holders = (value, *inner) if len(inner) == 1 else (value,)
    holder = next((each for each in holders if _first(each, *_STATUS_MEMBERS) is not None), value)
    told = _told(value, holder, _first(holder, *_STATUS_MEMBERS), text)
    return msgspec.structs.replace(told, is_guessed=True)


def _told(
    value: dict[str, Any], holder: dict[str, Any], status: str | None, text: str | None
) -> StatusVerdict:
    """What stands beside a status."""
    refused = _error(value, text) if isinstance(value.get("error"), dict) else StatusVerdict()
    listed, reason = _sub_jobs(holder), _fail_reason(holder) or refused.fail_reason
    return StatusVerdict(
        status=status,
        error_code=_error_code(holder) or refused.error_code,
        fail_reason=reason,
        sub_jobs=_counted(listed),
        sub_job=None if reason and not reason.isspace() else _first_failed(listed),
        sub_job_ids=_ids(listed),
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


def _sub_jobs(holder: dict[str, Any]) -> list[dict[str, Any]]:
    """The sub-jobs, which stand in `entities` or beside the status."""
    entities = holder.get("entities")
    listed = holder.get("sub_jobs") or (entities.get("sub_jobs") if isinstance(entities, dict) else None)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _counted(sub_jobs: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    statuses = Counter(each["status"].upper() for each in sub_jobs if isinstance(each.get("status"), str))
    return tuple(sorted(statuses.items()))


def _first_failed(sub_jobs: list[dict[str, Any]]) -> SubJob | None:
    for each in sub_jobs:
        if is_failed(_first(each, "status") or ""):
            named = _first(each, "job_id"), _first(each, "job_type")
            return SubJob(*named, _error_code(each), _fail_reason(each))
    return None


def _ids(sub_jobs: list[dict[str, Any]]) -> tuple[str, ...]:
    ids = [each["job_id"] for each in sub_jobs if isinstance(each.get("job_id"), str)]
    return tuple(list(dict.fromkeys(filter(is_safe, ids)))[:MOST_SUB_JOB_IDS]) if ids else ()


def _error_code(holder: dict[str, Any]) -> str | None:
    return _first(holder, "error_code", "failed_code")


def _fail_reason(holder: dict[str, Any]) -> str | None:
    return _first(holder, "fail_reason", "failed_detail")


def _first(value: dict[str, Any], *names: str) -> str | None:
    return next((value[name] for name in names if isinstance(value.get(name), str)), None)
