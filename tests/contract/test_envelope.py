"""The envelopes as models: strict, open to members that are not declared."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from taskaudit.contract.envelope import Envelope, JobStatus


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"job_id": "a"},
        {"job_id": "a", "serverIds": [1]},
        {"error": {"message": "", "code": ""}},
        {"error": {"message": "m", "code": "c", "details": []}},
        {"error": {"message": "m", "code": "c", "details": [{}, {"code": "d", "more": 1}], "more": None}},
    ],
)
def test_right(value: object) -> None:
    Envelope.model_validate(value)


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        ({"job_id": 7}, {("job_id",)}),
        ({"job_id": None}, {("job_id",)}),
        ({"error": []}, {("error",)}),
        ({"error": {"code": 400}}, {("error", "message"), ("error", "code")}),
        ({"error": {"message": "m", "code": True}}, {("error", "code")}),
        ({"error": {"message": "m", "code": "c", "details": ()}}, {("error", "details")}),
        ({"error": {"message": "m", "code": "c", "details": [1]}}, {("error", "details", 0)}),
        (
            {"job_id": [], "error": {"message": "m", "code": "c", "details": [{"message": 1}]}},
            {("job_id",), ("error", "details", 0, "message")},
        ),
    ],
)
def test_wrong_all_at_once(value: object, broken: set[tuple[str | int, ...]]) -> None:
    with pytest.raises(ValidationError) as caught:
        Envelope.model_validate(value)
    assert {error["loc"] for error in caught.value.errors()} == broken


def test_a_job_status() -> None:
    assert JobStatus.model_validate({"status": "SUCCESS", "entities": {}}).status == "SUCCESS"
    with pytest.raises(ValidationError):
        JobStatus.model_validate({"status": 1})
