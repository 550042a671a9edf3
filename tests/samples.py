"""What tests are made of: answers, exchanges and outcomes as a capture would give them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

from msgspec import structs

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Catalogue
from taskaudit.config.loading import load
from taskaudit.contract.answer import DEFAULT_LIMIT, Answer
from taskaudit.contract.verdict import Waiver
from taskaudit.exchange import Exchange, stable_id
from taskaudit.policy.policy import EMPTY, Policy

CREATE = "/v1/{project_id}/cloudservers"
"""A path that the shipped catalogue lists for POST, as ecs:CreateServers."""
OWN_HOST = "ecs.cn-north-4.myhuaweicloud.com"
"""A host of which the name tells the service: ecs."""
JOB_ID = "70a599e0-31e7-49b7-b260-868f441e862b"
JOB = f'{{"job_id": "{JOB_ID}"}}'
ERROR = '{"error": {"message": "Insufficient ECS quota.", "code": "Ecs.0001"}}'
BAD_ERROR = '{"error": {"message": "bad", "code": 400}}'
AT = 1_790_000_000.25
"""When samples ended, in seconds since the epoch."""


def answer(body: str | bytes = JOB, status: int | None = 200, **facts: Any) -> Answer:
    """An answer with known headers and a JSON media type, unless `facts` say otherwise."""
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(raw, status, **{"headers_known": True, "content_type": "application/json", **facts})


def exchange(body: str | bytes | None = JOB, status: int | None = 200, **facts: Any) -> Exchange:
    """A POST to a catalogued route; `body` None is an exchange that was aborted."""
    known = Exchange(
        exchange_id=stable_id(body, status, json.dumps(facts, default=str)),
        answer=None if body is None else answer(body, status),
        method="POST",
        host="ecs.example.com",
        path=CREATE.format(project_id="0123"),
        flow_id="flow-1",
        request_id="req-1",
        client="192.0.2.7",
        started=AT - 1,
        ended=AT,
        scheme="https",
        port=443,
    )
    return structs.replace(known, **facts)


@cache
def auditor(
    unlisted: Literal["detect", "ignore"] = "detect", limit: int = DEFAULT_LIMIT, policy: Policy = EMPTY
) -> Auditor:
    """An auditor with the shipped catalogue."""
    return Auditor(Catalogue(load().services, unlisted), limit, policy)


def outcome(body: str | bytes | None = JOB, status: int | None = 200, **facts: Any) -> Outcome:
    """What the audit makes of `exchange(...)`."""
    return auditor().look(exchange(body, status, **facts))


def waiver(rule: str = "TA306", until: str = "2099-12-31", **limits: str | None) -> Waiver:
    """A known fault; `limits` are its `route` and `pointer`."""
    return Waiver(rule, "backend ticket 1234", "team-ecs", until, **limits)
