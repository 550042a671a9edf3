"""The registry: every rule, by code."""

from __future__ import annotations

from types import MappingProxyType

from taskaudit.contract.rules import audit, body, details, envelope, error, job_id, lifecycle
from taskaudit.contract.rules.rule import Rule

_FAMILIES = (body, envelope, job_id, error, details, lifecycle, audit)

RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {rule.code: rule for family in _FAMILIES for rule in vars(family).values() if isinstance(rule, Rule)}
)
"""All rules in force, by code; each family declares its own in order."""
