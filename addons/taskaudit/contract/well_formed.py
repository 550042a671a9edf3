"""The two answers that the contract asks for, recognised at once.

Nearly all traffic is one of them. Whatever is not beyond doubt is left to the rules: this only saves their
time, and a test holds that both say the same.
"""

from __future__ import annotations

import re
from typing import Any

from taskaudit.contract.body import Body
from taskaudit.contract.other_ids import other_ids
from taskaudit.contract.rules.envelope import names_envelope
from taskaudit.contract.rules.error import is_documented_code
from taskaudit.contract.rules.job_id import is_safe
from taskaudit.contract.verdict import Kind, Verdict

_DETAIL = frozenset({"message", "code"})
_MAY_EMBED = re.compile(r"\s*[{<]").match


def well_formed(body: Body, status: int | None) -> Verdict | None:
    """The verdict on a job or an error with nothing at all to remark, None on anything else.

    `body` holds an Object and has no faults; `status` None is unknown.
    """
    value = body.value or {}
    if "error" in value:
        return _error(value, body.text) if status is None or status >= 400 else None
    job_id = value.get("job_id")
    if type(job_id) is str and is_safe(job_id) and (status is None or status < 400):
        ids = other_ids(value, job_id)
        return Verdict(Kind.JOB, job_id=job_id, ids=ids, names_envelope=True, text=body.text)
    return None


def _error(value: dict[str, Any], text: str | None) -> Verdict | None:
    error = value["error"]
    if "job_id" in value or type(error) is not dict:
        return None
    code, message = error.get("code"), error.get("message")
    if not (_is_text(code) and _is_text(message) and _is_plain(message)):
        return None
    if not _are_details(error["details"]) if "details" in error else "details" in value:
        return None
    is_ours = names_envelope(value)
    return Verdict(Kind.ERROR, error_code=code, error_message=message, names_envelope=is_ours, text=text)


def _is_text(value: object) -> bool:
    return type(value) is str and value != "" and not value.isspace()


def _is_plain(message: Any) -> bool:
    return not _MAY_EMBED(message) and not is_documented_code(message)


def _are_details(details: object) -> bool:
    """Whether they are entries with a code, a message or both, all of them Strings."""
    if type(details) is not list or not details:
        return False
    for detail in details:
        if type(detail) is not dict or _DETAIL.isdisjoint(detail):
            return False
        if type(detail.get("message", "")) is not str or type(detail.get("code", "")) is not str:
            return False
    return True
