"""How a policy is written down in the configuration: `severities` and `waivers`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.policy.policy import EMPTY, Known, Override, Policy

LONGEST = 200
"""How many characters a reason or an owner may have: they stand in every record of such a finding."""

_OF_THE_AUDIT = "TA9"
_KNOWN = {key.lower(): rule.code for rule in RULES.values() for key in (rule.code, rule.name)}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _rule_code(name: str) -> str:
    """The code of the rule with that code or name."""
    code = _KNOWN.get(name.lower())
    if code is None:
        nearest = get_close_matches(name.lower(), _KNOWN, 1)
        shown = _KNOWN[nearest[0]] if nearest and nearest[0].startswith("ta") else "".join(nearest)
        hint = f'; did you mean "{shown}"?' if shown else "; taskaudit explain --all lists them all"
        raise _unexpected(f"the code or name of a rule{hint}")
    if code.startswith(_OF_THE_AUDIT):
        raise _unexpected(
            "a rule about answers or jobs: this one is about the audit itself, and always counts"
        )
    return code


def _day(value: object) -> object:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            date.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise _unexpected("a date such as 2026-12-31")


def _pointer(value: str) -> str:
    if value and not value.startswith("/"):
        raise _unexpected('a JSON Pointer such as /error/code, or "" for the whole body')
    return value


def _said(value: str) -> str:
    if not value.strip():
        raise _unexpected("text that is not blank")
    return value


def _unexpected(expected: str) -> PydanticCustomError:
    return PydanticCustomError("unexpected", "expected {what}", {"what": expected})


RuleName = Annotated[str, AfterValidator(_rule_code)]
RoutePattern = Annotated[str, Field(min_length=1)]
Day = Annotated[str, BeforeValidator(_day), Field(json_schema_extra={"format": "date"})]
Said = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_said)]

_ROUTE = (
    "The routes: a name such as ecs:CreateServers, or a pattern such as ecs:*; of requests that no service "
    'file lists, method and path, such as "POST /v1/{project_id}/things". Absent: all.'
)


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rule: RuleName = Field(description="Code or name of the rule, such as TA306.")
    route: RoutePattern | None = Field(default=None, description=_ROUTE)


class SeverityEntry(_Entry):
    """The severity of a rule, on some routes or all."""

    severity: Literal["error", "warning", "info", "off"] = Field(
        description="What findings of the rule count as; off: they are not reported."
    )

    @property
    def override(self) -> Override:
        """What the policy makes of it."""
        severity = None if self.severity == "off" else Severity(self.severity)
        return Override(self.rule, severity, self.route)


class WaiverEntry(_Entry):
    """A known fault that is accepted for a time: still recorded and counted, but it fails no check."""

    reason: Said = Field(description="Why it is accepted.")
    owner: Said = Field(description="Who sees to it that it goes away.")
    until: Day = Field(description="The last day on which it is accepted (UTC), such as 2026-12-31.")
    pointer: Annotated[str, AfterValidator(_pointer)] | None = Field(
        default=None,
        description="JSON Pointer to the value at fault, such as /error/details/*/code, where * is any one "
        'step; "" is the whole body. Absent: all.',
    )

    @property
    def waiver(self) -> Waiver:
        """What the policy makes of it."""
        return Waiver(self.rule, self.reason, self.owner, self.until, self.route, self.pointer)


def _each_reached(entries: list[SeverityEntry]) -> list[SeverityEntry]:
    """Refuses an entry that never counts, as an earlier one takes all that it fits."""
    for index, entry in enumerate(entries):
        for earlier, other in enumerate(entries[:index]):
            if other.rule == entry.rule and other.route in (None, entry.route):
                raise PydanticCustomError(
                    "never_reached",
                    "severities[{index}] never counts: the first entry that fits is taken, and "
                    "severities[{earlier}] fits {rule} there already",
                    {"index": index, "earlier": earlier, "rule": entry.rule, "at": (index,)},
                )
    return entries


Severities = Annotated[list[SeverityEntry], AfterValidator(_each_reached)]


def policy_of(
    severities: Sequence[SeverityEntry], waivers: Sequence[WaiverEntry], known: Known | None = None
) -> Policy:
    """The policy that these entries and a baseline make."""
    if not severities and not waivers and known is None:
        return EMPTY
    waived = (entry.waiver for entry in waivers)
    return Policy((entry.override for entry in severities), waived, known=known)
