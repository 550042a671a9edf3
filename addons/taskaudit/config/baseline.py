"""A baseline: findings that were there before, by fingerprint. They are counted, and fail nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from taskaudit.config.document import read
from taskaudit.config.validation import validated
from taskaudit.contract.excerpt import escape
from taskaudit.policy.entries import LONGEST, RuleName
from taskaudit.policy.policy import Known, in_baseline

_HEAD = """\
# Findings that were there before. Given with --baseline, each is counted as waived, and fails nothing.
# A line that is deleted counts again. Written by: taskaudit findings LOG --write-baseline FILE
findings:
"""


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rule: RuleName
    route: str
    pointer: str
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class _Baseline(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    findings: list[_Entry]


@dataclass(frozen=True, slots=True)
class Before:
    """What a line says of a finding: `route` is its name, or else method and path template."""

    rule: str
    route: str
    pointer: str
    fingerprint: str


def load_baseline(path: Path) -> Known:
    """The baseline in a file. Raises ConfigError."""
    entries = validated(_Baseline, read(path)).findings
    name = escape(path.name, LONGEST // 2)
    return Known(in_baseline(name), frozenset(entry.fingerprint for entry in entries))


def baseline_text(findings: Iterable[Before]) -> str:
    """The file of these findings, a line each, in an order that does not depend on theirs."""
    lines = {(each.rule, each.route, each.pointer, each.fingerprint) for each in findings}
    names = ("rule", "route", "pointer", "fingerprint")
    if not lines:
        return _HEAD.replace("findings:", "findings: []")
    return _HEAD + "".join(f"  - {_line(dict(zip(names, line, strict=True)))}\n" for line in sorted(lines))


def _line(members: Mapping[str, str]) -> str:
    return json.dumps(members, ensure_ascii=False)
