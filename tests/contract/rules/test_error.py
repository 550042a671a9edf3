"""TA3xx: rules that look at the text of message and code."""

from __future__ import annotations

import pytest

from taskaudit.contract.rules import error


@pytest.mark.parametrize(
    ("text", "documented"),
    [
        ("Ecs.0005", True),
        ("EVS.2024", True),
        ("APIGW.0301", True),
        ("IMG.000123", True),
        ("VPC.01234567", True),
        ("Common.0001", True),
        (" Ecs.0005\n", True),
        ("BSS-X_1.0001", True),
        ("Ecs.005", False),
        ("Ecs.00055", False),
        ("Ecs.0000055", False),
        ("Ecs.000000055", False),
        ("Ecs.0005.", False),
        ("Ecs.0005 quota", False),
        (".0005", False),
        ("0005", False),
        ("1cs.0005", False),
        ("Ecs0005", False),
        ("Ecs.abcd", False),
        ("Ecs.٠٠٠٥", False),
        ("", False),
    ],
)
def test_documented_codes(text: str, documented: bool) -> None:
    assert error.is_documented_code(text) is documented


@pytest.mark.parametrize(
    ("message", "code", "swapped"),
    [
        ("Ecs.0005", "request body is illegal.", True),
        ("Ecs.0005", "", True),
        ("Ecs.0005", "Ecs.0005", False),
        ("request body is illegal.", "Ecs.0005", False),
        ("bad", "worse", False),
    ],
)
def test_swapped(message: str, code: str, swapped: bool) -> None:
    assert [f.pointer for f in error.error_members_swapped(message, code)] == ["/error/message"] * swapped


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ('{"a": 1}', "a JSON object"),
        (' \n{"badRequest": {"message": "m", "code": 400}}', "a JSON object"),
        ("{}", "a JSON object"),
        ('{"a": 1, "a": 2}', "a JSON object"),
        ("<html><body>502</body></html>", "an HTML page"),
        ("<!DOCTYPE html>", "an HTML page"),
        ("\r\n <HTML lang='en'>", "an HTML page"),
        ("<head><title>502</title>", "an HTML page"),
        ("{0} is not valid", None),
        ('{"a": 1', None),
        ("[1]", None),
        ("<htmlish>", None),
        ("value <html> is not allowed", None),
        ("bad request", None),
        ("", None),
    ],
)
def test_an_embedded_body(message: str, found: str | None) -> None:
    told = [fault.found for fault in error.error_message_embeds_body(message)]
    assert told == ([f"String that holds {found}"] if found else [])


@pytest.mark.parametrize(("text", "empty"), [("", True), (" \t", True), ("\u3000", True), (".", False)])
def test_empty(text: str, empty: bool) -> None:
    assert [f.rule.code for f in error.error_message_empty(text)] == ["TA304"] * empty
    assert [f.rule.code for f in error.error_code_empty(text)] == ["TA307"] * empty
