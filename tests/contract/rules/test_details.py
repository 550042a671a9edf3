"""TA4xx: rules on details that no type tells."""

from __future__ import annotations

from typing import Any

import pytest

from taskaudit.contract.rules import details


@pytest.mark.parametrize(
    ("error", "empty"),
    [({"details": []}, True), ({"details": [{}]}, False), ({"details": None}, False), ({}, False)],
)
def test_an_empty_array(error: dict[str, Any], empty: bool) -> None:
    assert [f.pointer for f in details.details_empty(error)] == ["/error/details"] * empty


@pytest.mark.parametrize(
    ("entries", "empty"),
    [
        ([{}], [0]),
        ([{"code": "a"}, {"reason": "b"}, {"message": None}, {}], [1, 3]),
        ([None, "a", []], []),
        ({"0": {}}, []),
        (None, []),
    ],
)
def test_entries_that_say_nothing(entries: object, empty: list[int]) -> None:
    pointers = [f.pointer for f in details.detail_empty({"details": entries})]
    assert pointers == [f"/error/details/{index}" for index in empty]


@pytest.mark.parametrize(
    ("value", "misplaced"),
    [
        ({"error": {}, "details": []}, True),
        ({"error": {"message": "m"}, "details": None}, True),
        ({"error": "e", "details": [1]}, True),
        ({"error": {"details": []}, "details": []}, False),
        ({"error": None, "details": []}, False),
        ({"job_id": "a", "details": []}, False),
        ({"error": {}}, False),
    ],
)
def test_details_beside_the_error(value: dict[str, Any], misplaced: bool) -> None:
    assert [f.pointer for f in details.details_misplaced(value)] == ["/details"] * misplaced
