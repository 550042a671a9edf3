"""One verdict: the whole of `audit_submission`, against the parsers it stands on.

Method. CPU time in one process, the two sides in turn. The envelopes are also validated by pydantic with
models as anybody would write them, strict; a verdict also looks at the status and the Content-Type, and tells
repeated members. The foreign body is a list of servers of 1 MiB, held to a catalogued route, against jiter
with the same demands: no NaN, repeated members told; the latter costs it nearly as much again. The malformed
bodies are the bad examples of all rules on `error` and `details`, against the well-formed error with details;
what counts is the worst of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from jiter import from_json
from pydantic import BaseModel, ConfigDict

from taskaudit.contract.answer import Answer
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example
from tests.benchmarks.measure import Goal, Row, Spread, cpu, in_turn, spread

TITLE = "One verdict"
ROUNDS = 31
MEBIBYTE = 2**20
JOB = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
ERROR = (
    b'{"error": {"message": "The flavor is sold out.", "code": "Ecs.0001",'
    b' "details": [{"code": "Ecs.0002", "message": "No stock in this zone."}]}}'
)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Detail(_Strict):
    message: str | None = None
    code: str | None = None


class _Error(_Strict):
    message: str
    code: str
    details: list[_Detail] | None = None


class _JobAnswer(_Strict):
    job_id: str


class _ErrorAnswer(_Strict):
    error: _Error


def rows() -> Iterator[Row]:
    """The goals of the audit itself."""
    yield _against_pydantic("a job", JOB, 200, _JobAnswer)
    yield _against_pydantic("an error with details", ERROR, 403, _ErrorAnswer)
    yield _foreign()
    yield _malformed()


def _foreign() -> Row:
    body = _servers()
    strict = partial(from_json, body, allow_inf_nan=False, catch_duplicate_keys=True)
    ratio, ours, other = in_turn(_verdict(body, 200, 1), lambda: cpu(strict), ROUNDS)
    lax = spread([cpu(partial(from_json, body)) for _ in range(ROUNDS)])
    ours_ms, other_ms, lax_ms = (each.middle * 1e3 for each in (ours, other, lax))
    detail = f"{ours_ms:.2f} ms, {other_ms:.2f} ms; without these demands {lax_ms:.2f} ms"
    return Row("a foreign body of 1 MiB", "jiter with the same demands", ratio, Goal(1.5), detail)


def _against_pydantic(what: str, body: bytes, status: int, model: type[BaseModel]) -> Row:
    validate = partial(model.model_validate_json, body)
    ratio, ours, other = in_turn(_verdict(body, status), lambda: cpu(validate, 2000), ROUNDS)
    return Row(what, "pydantic's model_validate_json", ratio, Goal(3), _microseconds(ours, other))


def _verdict(body: bytes, status: int, times: int = 2000) -> partial[float]:
    answer = Answer(body, status, True, "application/json")
    return partial(cpu, partial(audit_submission, answer, limit=2 * MEBIBYTE), times)


def _malformed() -> Row:
    """The worst of the bad examples."""
    bad = {code: rule.bad for code, rule in RULES.items() if isinstance(rule.bad, Example) and code > "TA300"}
    good = _verdict(ERROR, 403, 500)
    measured = {code: in_turn(_verdict(each.sent, each.status, 500), good, 11) for code, each in bad.items()}
    worst, (ratio, ours, other) = max(measured.items(), key=lambda item: item[1][0].middle)
    what = f"a malformed error: {worst}, the worst of {len(bad)}"
    return Row(what, "a well-formed one", ratio, Goal(10), _microseconds(ours, other))


def _microseconds(ours: Spread, other: Spread) -> str:
    return f"{ours.middle * 1e6:.2f} µs, {other.middle * 1e6:.2f} µs"


def _servers() -> bytes:
    """Servers as the API lists them."""
    servers = []
    while len(text := json.dumps({"servers": servers})) < MEBIBYTE:
        servers += [
            {
                "id": f"{number:08x}-31e7-49b7-b260-868f441e862b",
                "name": f"server-of-the-web-tier-{number:06}",
                "status": "ACTIVE",
                "created": "2026-11-01T12:00:00Z",
                "metadata": {"charging_mode": "0", "vpc_id": "0dae26c9-9a70-4392-93f3-87d53115d171"},
                "addresses": [{"addr": "192.0.2.7", "version": 4, "OS-EXT-IPS:type": "fixed"}],
            }
            for number in range(len(servers), len(servers) + 100)
        ]
    return text.encode()
