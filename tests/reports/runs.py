"""Runs to report on: of each severity and role, hostile ones, and logs and captures of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema_rs

from taskaudit.auditor import Outcome
from taskaudit.config.loading import load
from taskaudit.contract.answer import Missing
from taskaudit.reports.gather import gather
from taskaudit.reports.model import Report
from tests.samples import BAD_ERROR, JOB_ID, answer, outcome
from tests.stories import START, ask, submit, write_log

MADE = START + 5000

_SARIF = Path(__file__).resolve().parent.parent / "data" / "sarif-schema-2.1.0.json"
# Its pattern for a language has a bracket that nothing opens, which ECMA-262 does not allow.
SARIF = jsonschema_rs.Draft7Validator(
    json.loads(_SARIF.read_text(encoding="utf-8").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$"))
)
"""The schema of SARIF 2.1.0."""

HOSTILE = (
    "=cmd|'/c'!A1 <img src=x onerror=alert(1)> `@octocat` [x](http://evil.example) ](y) {0} \\| %0A::error::x"
)
"""What does harm in one format or another."""
WILD = "a\x1b[2J\r\n::error::b\u2028\u202e\x85\x00c"
"""What does harm in a terminal, or ends a line."""


def aborted(at: float) -> Outcome:
    """A submission without a whole answer."""
    return submit(at, None)


def streamed(at: float) -> Outcome:
    """A submission whose answer went past the audit: TA003."""
    missing = answer(b"", missing=Missing.STREAMED)
    return outcome(answer=missing, started=START + at - 1, ended=START + at, exchange_id=f"streamed-{at}")


def refused(at: float, body: str = BAD_ERROR, **facts: Any) -> Outcome:
    """A submission that was answered with an error."""
    times = {"started": START + at - 1, "ended": START + at, "exchange_id": f"refused-{at}"}
    return outcome(body, 400, **{**times, **facts})


RUN = [
    submit(1),
    ask(5),
    ask(9, "FAIL", error_code="Ecs.0219", fail_reason="no flavor"),
    submit(10, "8ab1"),
    refused(12),
    refused(12.5),
    refused(13, '{"error": {"message": "", "code": "Ecs.0001"}}', request_id="req-13"),
    refused(14, path="/v9/things"),
    ask(15, None, "None"),
    aborted(16),
    streamed(17),
    outcome(method="GET", path="/v1/0123/flavors", started=START + 17, ended=START + 18),
]
"""Findings of each severity, both roles, routes listed and not, a job that ended and one nobody asked for."""


def hostile() -> list[Outcome]:
    """A run in which all that a server and a client can choose is hostile."""
    body = json.dumps({"error": {"message": HOSTILE, "code": HOSTILE, "details": HOSTILE}})
    return [
        refused(1, body, path=f"/v9/{HOSTILE}", host=HOSTILE, request_id=HOSTILE, client=HOSTILE),
        refused(2, f'{{"job_id": {json.dumps(HOSTILE)}}}', path="/v9/jobs"),
        submit(3, HOSTILE),
        ask(4, HOSTILE, JOB_ID, fail_reason=HOSTILE),
        submit(5, WILD),
        refused(6, host=WILD, path=f"/v8/{WILD}", request_id=WILD),
    ]


def reported(folder: Path, outcomes: Iterable[Outcome], **facts: Any) -> Report:
    """The report of a log of these exchanges."""
    log = folder / "audit.ndjson"
    return report_on(write_log(log, outcomes, **facts))


def report_on(*paths: Path) -> Report:
    """The report of these files, made at `MADE`."""
    return gather(paths, load(), clock=lambda: MADE)
