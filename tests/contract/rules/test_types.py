"""Type and presence findings, by one table."""

from __future__ import annotations

from typing import Any

import pytest

from taskaudit.contract.rules.types import type_faults

OTHER_THAN_STRING = [None, 400, 4.5, True, [], {}, ["a"]]
OTHER_THAN_OBJECT = [None, 1, "a", False, [], [{}]]


def told(value: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(fault.rule.code, fault.pointer, fault.expected) for fault in type_faults(value)]


def error(**members: Any) -> dict[str, Any]:
    return {"error": {"message": "m", "code": "c", **members}}


@pytest.mark.parametrize("wrong", OTHER_THAN_STRING)
def test_what_is_no_string(wrong: object) -> None:
    assert told({"job_id": wrong}) == [("TA201", "/job_id", "String")]
    assert told(error(message=wrong)) == [("TA303", "/error/message", "String")]
    assert told(error(code=wrong)) == [("TA306", "/error/code", "String")]
    assert told(error(details=[{"message": wrong}])) == [("TA405", "/error/details/0/message", "String")]
    assert told(error(details=[{}, {"code": wrong}])) == [("TA406", "/error/details/1/code", "String")]


@pytest.mark.parametrize("wrong", OTHER_THAN_OBJECT)
def test_what_is_no_object(wrong: object) -> None:
    assert told({"error": wrong}) == [("TA301", "/error", "Object")]
    assert told(error(details=[wrong])) == [("TA404", "/error/details/0", "Object")]


@pytest.mark.parametrize("wrong", [1, "a", True, {}, {"0": {}}])
def test_what_is_no_array(wrong: object) -> None:
    assert told(error(details=wrong)) == [("TA401", "/error/details", "Array of Object")]


def test_null_details_are_not_so_bad() -> None:
    assert told(error(details=None)) == [("TA402", "/error/details", "Array of Object, or absent")]


def test_what_is_missing() -> None:
    assert told({"error": {}}) == [
        ("TA302", "/error/message", "String"),
        ("TA305", "/error/code", "String"),
    ]


@pytest.mark.parametrize("right", [{}, {"job_id": ""}, error(), error(details=[]), error(details=[{}])])
def test_what_is_right(right: dict[str, Any]) -> None:
    assert told(right) == []
