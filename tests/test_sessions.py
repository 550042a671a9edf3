"""Whole sessions of programs that people use: nothing is found that their users would call wrong.

The shapes are those that the programs' own recorded tests and the APIs' references show; names and ids are
made up. Terraform's log has its tests with its reader, the vendor's SDK runs in `tests/live/test_sdk.py`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from taskaudit.lifecycle import Lifecycle
from taskaudit.offline.check import Check, Checked
from tests.samples import auditor

PROJECT = "0123456789abcdef0123456789abcdef"
SERVER = "c1b6b0d4-6d0d-4f4b-9b6f-1f0f3b0e7a11"
JOB = "ff808081-8f2a-4c11-0190-4c6d8e7b1a2c"
ORDER = "CS2603021203ABCDE"


class Call(NamedTuple):
    """A request and its answer, `after` seconds after the one before."""

    method: str
    url: str
    status: int
    answer: Any = None
    after: float = 1.0


IAM = "https://iam.eu-de.otc.t-systems.com/v3/auth/tokens"
NOVA = f"https://ecs.eu-de.otc.t-systems.com/v2.1/{PROJECT}"
CINDER = f"https://evs.eu-de.otc.t-systems.com/v2/{PROJECT}"
HEAT = f"https://rts.eu-de.otc.t-systems.com/v1/{PROJECT}/stacks"
NEUTRON = "https://vpc.eu-de.otc.t-systems.com/v2.0"
ECS = f"https://ecs.cn-north-4.myhuaweicloud.com/v1.1/{PROJECT}"
ECS_JOB = f"https://ecs.cn-north-4.myhuaweicloud.com/v1/{PROJECT}/jobs/{JOB}"
BUILDING = {"server": {"id": SERVER, "status": "BUILD", "progress": 0}}
ACTIVE = {"server": {"id": SERVER, "status": "ACTIVE", "fault": None}}

OPENSTACKSDK = [
    Call("POST", IAM, 401, {"error": {"code": 401, "message": "Not authorized.", "title": "Unauthorized"}}),
    Call("POST", IAM, 201, {"token": {"methods": ["password"], "project": {"id": PROJECT}}}),
    Call("GET", f"{NOVA}/flavors/detail", 200, {"flavors": []}),
    Call("POST", f"{NOVA}/servers", 400, {"badRequest": {"message": "Invalid flavorRef.", "code": 400}}),
    Call("POST", f"{NOVA}/servers", 202, {"server": {"id": SERVER, "links": [], "adminPass": "secret"}}),
    *(Call("GET", f"{NOVA}/servers/{SERVER}", 200, BUILDING) for _ in range(4)),
    Call("GET", f"{NOVA}/servers/{SERVER}", 200, ACTIVE),
    Call("POST", f"{NOVA}/servers/{SERVER}/action", 202),
    Call("POST", f"{NOVA}/servers/{SERVER}/os-volume_attachments", 200, {"volumeAttachment": {"id": SERVER}}),
    Call("POST", f"{CINDER}/volumes", 202, {"volume": {"id": SERVER, "status": "creating"}}),
    Call("GET", f"{CINDER}/volumes/{SERVER}", 200, {"volume": {"id": SERVER, "status": "error"}}),
    Call("POST", f"{NEUTRON}/ports", 409, {"NeutronError": {"message": "m", "type": "InUse", "detail": ""}}),
    Call("POST", HEAT, 201, {"stack": {"id": SERVER, "links": []}}),
    Call(
        "POST",
        HEAT,
        400,
        {
            "explanation": "The server could not comply with the request.",
            "code": 400,
            "error": {"message": "unknown parameter", "traceback": None, "type": "StackValidationFailed"},
            "title": "Bad Request",
        },
    ),
    Call("DELETE", f"{NOVA}/servers/{SERVER}", 204),
    Call("DELETE", f"{NOVA}/servers/{SERVER}", 404, {"itemNotFound": {"message": "gone", "code": 404}}),
]

SDK = [
    Call("POST", f"{ECS}/cloudservers", 403, {"error": {"message": "Quota exceeded.", "code": "Ecs.0010"}}),
    Call("POST", f"{ECS}/cloudservers", 200, {"order_id": ORDER, "serverIds": [SERVER]}, after=2),
    Call("POST", f"{ECS}/cloudservers", 200, {"job_id": JOB, "serverIds": [SERVER]}, after=2),
    Call("GET", ECS_JOB, 200, {"job_id": JOB, "status": "INIT", "job_type": "createServer"}),
    *(Call("GET", ECS_JOB, 200, {"job_id": JOB, "status": "RUNNING"}, after=0.999) for _ in range(6)),
    Call("GET", ECS_JOB, 200, {"job_id": JOB, "status": "SUCCESS", "entities": {"sub_jobs": []}}),
    Call("GET", ECS_JOB, 200, {"job_id": JOB, "status": "SUCCESS", "entities": {"sub_jobs": []}}),
    *(Call("GET", f"{ECS}/cloudservers/{SERVER}", 200, ACTIVE, after=0.1) for _ in range(6)),
]

CONSOLE = "https://console.example.com"
BROWSER = [
    Call("GET", f"{CONSOLE}/ecm/?region=cn-north-4", 200, "<!doctype html><title>Console</title>"),
    Call("GET", f"{CONSOLE}/static/app.0123456789abcdef.js", 200, "window.job_id = undefined;"),
    Call("OPTIONS", f"{CONSOLE}/ecm/rest/v1/{PROJECT}/cloudservers", 204),
    Call("POST", "https://telemetry.example.com/collect", 204),
    Call("POST", "https://telemetry.example.com/rpc", 200, {"jsonrpc": "2.0", "id": 1, "error": None}),
    Call("POST", "https://telemetry.example.com/graphql", 200, {"data": None, "errors": [{"message": "m"}]}),
    Call("POST", "https://login.example.com/token", 400, {"error": "invalid_grant", "error_uri": "u"}),
    Call(
        "POST",
        "https://maps.example.com/v1/geolocate",
        403,
        {"error": {"code": 403, "message": "quota", "status": "PERMISSION_DENIED", "errors": []}},
    ),
    Call(
        "POST", f"{CONSOLE}/ecm/rest/v1/{PROJECT}/cloudservers", 200, {"job_id": JOB, "serverIds": [SERVER]}
    ),
    *(
        Call("GET", f"{CONSOLE}/ecm/rest/jobs?ids={JOB}&_={n}", 200, {"data": {"status": "RUNNING"}}, after=5)
        for n in range(3)
    ),
    Call("GET", f"{CONSOLE}/ecm/rest/jobs?ids={JOB}", 200, {"data": {"status": "SUCCESS"}}, after=5),
    Call("GET", f"{CONSOLE}/ecm/rest/servers/{SERVER}", 200, ACTIVE),
]


def har(calls: list[Call]) -> dict[str, Any]:
    """A capture of these."""
    entries, at = [], datetime(2026, 3, 2, 9, tzinfo=UTC)
    for number, call in enumerate(calls):
        at += timedelta(seconds=call.after)
        text = call.answer if isinstance(call.answer, str) else json.dumps(call.answer)
        text = "" if call.answer is None else text
        kind = "text/html" if isinstance(call.answer, str) else "application/json"
        entries.append(
            {
                "startedDateTime": at.isoformat(),
                "time": 20,
                "request": {
                    "method": call.method,
                    "url": call.url,
                    "headers": [],
                    "postData": {"mimeType": "application/json", "text": json.dumps({"call": number})},
                },
                "response": {
                    "status": call.status,
                    "headers": [{"name": "Content-Type", "value": kind}],
                    "content": {"size": len(text), "mimeType": kind, "text": text},
                },
            }
        )
    return {"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}}


@pytest.mark.parametrize(
    ("calls", "audited"),
    [(OPENSTACKSDK, 0), (SDK, 18), (BROWSER, 6)],
    ids=["openstacksdk", "the vendor's SDK", "a browser's console"],
)
def test_nothing_is_found_that_is_not_wrong(calls: list[Call], audited: int, tmp_path: Path) -> None:
    capture = tmp_path / "session.har"
    capture.write_text(json.dumps(har(calls)), encoding="utf-8")
    check = Check(auditor(), Lifecycle())
    found = [
        (item.index, finding.rule)
        for item in check.over([capture])
        for finding in (item.outcome.findings if isinstance(item, Checked) else [])
    ]
    assert found == []
    totals = check.totals
    assert (totals.seen, totals.audited, totals.unaudited.total()) == (len(calls), audited, 0)


def test_equal_requests_of_two_captures_with_other_answers_are_two_exchanges(tmp_path: Path) -> None:
    """Captures may have times in whole seconds, or made-up ones."""
    captures = []
    for job_id in (JOB, SERVER):
        calls = [
            Call("POST", f"{ECS}/cloudservers", 200, {"job_id": job_id}),
            Call("GET", ECS_JOB.replace(JOB, job_id), 200, {"job_id": job_id, "status": "SUCCESS"}),
        ]
        captures.append(tmp_path / f"{job_id}.har")
        captures[-1].write_text(json.dumps(har(calls)), encoding="utf-8")
    check = Check(auditor(), Lifecycle())
    found = [item.outcome for item in check.over(captures) if isinstance(item, Checked)]
    assert len(found) == 4
    rules = {finding.rule for outcome in found for finding in outcome.findings}
    assert rules == {"TA507"}, "the request was sent twice; both jobs are known"
