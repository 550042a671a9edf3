"""What else than `job_id` an answer names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taskaudit.contract.answer import Answer
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.other_ids import MOST_IDS

ID, OTHER = "0123456789", "abcdefghij"


@pytest.mark.parametrize(
    ("members", "ids"),
    [
        ({}, ()),
        ({"order_id": ID}, (ID,)),
        ({"server_id": ID, "volumeId": OTHER}, (ID, OTHER)),
        ({"volume_ids": [ID, OTHER], "serverIds": [ID]}, (ID, OTHER)),
        ({"serverIds": ["short"], "vm_id": "1234567", "ip_id": "12345678"}, ("12345678",)),
        ({"x_id": None, "y_id": 12345678, "z_ids": [1, None, [ID]], "u_id": {"id": ID}}, ()),
        ({"id": ID, "ids": [ID], "name": ID, "valid": ID, "order_ids_": ID}, ()),
        ({"data": {"order_id": ID}}, ()),
        ({"project_id": ID, "tenant_id": ID, "domain_id": ID, "user_id": ID, "request_id": ID}, ()),
        ({"enterprise_project_id": ID, "enterpriseProjectId": ID, "requestId": ID}, ()),
        ({"task_id": "the-job-id"}, ()),
        ({"server_ids": [f"server-{n:03}" for n in range(99)]}, tuple(f"server-{n:03}" for n in range(8))),
    ],
)
@pytest.mark.parametrize("more", [{}, {"error": {"code": "c", "message": "m"}}], ids=["job", "ambiguous"])
def test_other_ids(members: dict[str, Any], ids: tuple[str, ...], more: dict[str, Any]) -> None:
    body = json.dumps({"job_id": "the-job-id", **members, **more}).encode()
    assert audit_submission(Answer(body, 200, content_type="application/json")).ids == ids
    assert len(ids) <= MOST_IDS


def test_what_got_no_job_has_none() -> None:
    body = json.dumps({"order_id": ID, "error": {"code": "c", "message": "m"}}).encode()
    assert audit_submission(Answer(body, 400)).ids == ()
