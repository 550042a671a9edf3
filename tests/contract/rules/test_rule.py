"""Rules, their examples, and faults made from them."""

from __future__ import annotations

import dataclasses

import pytest

from taskaudit.contract.rules.rule import Example, Fault, Rule
from taskaudit.contract.verdict import Severity

RULE = Rule("TA000", "a-name", Severity.INFO, when="it is", why="It matters.", source="RFC 1")


@pytest.mark.parametrize(("body", "sent"), [("配", b"\xe9\x85\x8d"), (b"\xff", b"\xff"), ("", b"")])
def test_an_example_is_sent_in_utf_8_unless_it_is_bytes(body: str | bytes, sent: bytes) -> None:
    assert Example(body).sent == sent


def test_a_fault_names_its_rule_and_place() -> None:
    assert RULE.at("/a", "this") == Fault(RULE, "/a", "this", None, None)
    assert RULE.at("", "this", "that", offset=3) == Fault(RULE, "", "this", "that", 3)


def test_a_rule_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RULE.severity = Severity.ERROR  # type: ignore[misc]
