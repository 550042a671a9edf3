"""Type and presence findings: what pydantic's validation errors are called here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from taskaudit.contract.envelope import Envelope
from taskaudit.contract.rules.details import TA401, TA402, TA404, TA405, TA406
from taskaudit.contract.rules.error import TA301, TA302, TA303, TA305, TA306
from taskaudit.contract.rules.job_id import TA201
from taskaudit.contract.rules.rule import Fault, Rule


class _Broken(NamedTuple):
    """What a validation error at one place of the envelope means."""

    expected: str
    wrong_type: Rule
    missing: Rule | None = None
    null: Rule | None = None


# By the error's `loc`, array indexes as "*".
_TABLE: dict[tuple[str | int, ...], _Broken] = {
    ("job_id",): _Broken("String", TA201),
    ("error",): _Broken("Object", TA301),
    ("error", "message"): _Broken("String", TA303, missing=TA302),
    ("error", "code"): _Broken("String", TA306, missing=TA305),
    ("error", "details"): _Broken("Array of Object", TA401, null=TA402),
    ("error", "details", "*"): _Broken("Object", TA404),
    ("error", "details", "*", "message"): _Broken("String", TA405),
    ("error", "details", "*", "code"): _Broken("String", TA406),
}


def type_faults(value: dict[str, Any]) -> Iterator[Fault]:
    """TA201, TA301 to TA303, TA305, TA306, TA401, TA402 and TA404 to TA406, all at once."""
    try:
        Envelope.model_validate(value)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            yield _fault(each["loc"], each["type"], each["input"])


def _fault(loc: tuple[int | str, ...], error_type: str, found: object) -> Fault:
    broken = _TABLE[loc if len(loc) < 3 else (*loc[:2], "*", *loc[3:])]
    pointer = "/" + "/".join(map(str, loc))
    if error_type == "missing" and broken.missing:
        return broken.missing.at(pointer, broken.expected, "nothing")
    if found is None and broken.null:
        return broken.null.at(pointer, f"{broken.expected}, or absent")
    return broken.wrong_type.at(pointer, broken.expected)
