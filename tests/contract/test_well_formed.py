"""What is recognised at once is what the rules would have said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskaudit.contract.answer import STRICT, Answer
from taskaudit.contract.audit import audit_submission, by_rules
from taskaudit.contract.body import Body, read_body
from taskaudit.contract.verdict import Kind
from taskaudit.contract.well_formed import well_formed

LIMIT = 2**20
CODES = ["Ecs.0001", " Ecs.0001 ", "a/b", "x" * 256]
MESSAGES = ["sold out", "", " ", "\u3000", "{}", ' {"a": 1}', "<html>", " <b>"]
TEXTS = st.sampled_from(CODES + MESSAGES) | st.text(max_size=5)
ODD = st.none() | st.integers() | st.booleans() | st.just([]) | st.just({}) | st.just([{}])
DETAIL = st.dictionaries(st.sampled_from(["code", "message", "reason"]), TEXTS | ODD, max_size=3)
DETAILS = st.lists(DETAIL | ODD, max_size=3) | ODD
ERROR = st.fixed_dictionaries({}, optional={"code": TEXTS | ODD, "message": TEXTS | ODD, "details": DETAILS})
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={"job_id": TEXTS | ODD, "error": ERROR | ODD | TEXTS, "details": DETAILS, "order_id": TEXTS},
)
STATUSES = st.sampled_from([None, 200, 202, 399, 400, 503])


@given(ENVELOPES, STATUSES)
@example({"error": {"code": "Ecs.0001", "message": "m", "details": [{"code": "a"}]}}, 400)
@example({"job_id": "a"}, None)
def test_the_rules_say_the_same(value: dict[str, Any], status: int | None) -> None:
    body = read_body(Answer(json.dumps(value).encode()), STRICT, LIMIT)
    ruled = by_rules(body, status)
    assert well_formed(body, status) in (None, ruled)
    assert audit_submission(Answer(json.dumps(value).encode(), status)) == ruled


@pytest.mark.parametrize(
    ("value", "status", "kind"),
    [
        ({"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}, 200, Kind.JOB),
        ({"job_id": "8ab1", "serverIds": [1], "details": []}, None, Kind.JOB),
        ({"error": {"code": "Ecs.0001", "message": "sold out"}}, 400, Kind.ERROR),
        (
            {"error": {"code": "400", "message": "no", "details": [{"code": ""}]}, "details": 1},
            None,
            Kind.ERROR,
        ),
        ({"job_id": "8ab1"}, 400, None),
        ({"job_id": "8ab1/"}, 200, None),
        ({"job_id": None}, 200, None),
        ({"job_id": "8ab1", "error": None}, 200, None),
        ({"error": {"code": "Ecs.0001", "message": "sold out"}}, 200, None),
        ({"error": {"code": "Ecs.0001", "message": "sold out", "details": []}}, 400, None),
        ({"order_id": "CS1"}, 200, None),
    ],
)
def test_what_is_recognised(value: dict[str, Any], status: int | None, kind: Kind | None) -> None:
    """Else the rules would be asked each time, and nothing would be saved."""
    verdict = well_formed(Body((), "", value), status)
    assert (verdict.kind if verdict else None) == kind
