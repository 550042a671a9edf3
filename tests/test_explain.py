"""`explain`: each rule in full, found by code or name."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Rule
from taskaudit.explain import explanation, find_rule


@pytest.mark.parametrize(
    "name", ["TA306", "ta306", " TA306 ", "error-code-not-string", "Error-Code-Not-String"]
)
def test_a_rule_is_found(name: str) -> None:
    assert find_rule(name) is RULES["TA306"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TA3066", "did you mean TA306?"),
        ("error-code-no-string", "did you mean error-code-not-string?"),
        ("envelope-mising", "did you mean envelope-missing?"),
    ],
)
def test_the_nearest_rule_is_named(name: str, hint: str) -> None:
    with pytest.raises(LookupError, match=r"no rule") as caught:
        find_rule(name)
    told = str(caught.value.args[0])
    assert hint in told
    assert told.endswith("taskaudit explain --all lists them all")


@pytest.mark.parametrize("name", ["", "nope", "\x1b[31m", "x" * 100_000])
def test_hostile_names_are_harmless(name: str) -> None:
    with pytest.raises(LookupError) as caught:
        find_rule(name)
    told = str(caught.value.args[0])
    assert told.isprintable()
    assert len(told) < 200


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_what_is_told_is_all_there_is(rule: Rule) -> None:
    text = "\n".join(line.plain for line in explanation(rule))
    for part in (rule.code, rule.name, rule.severity, rule.when.en, rule.why.en, rule.source):
        assert part in text
    assert ("  Bad " in text, "  Good " in text) == (rule.bad is not None, rule.good is not None)
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("code", ["TA001", "TA003", "TA004", "TA306", "TA505", "TA901"])
def test_as_it_is_shown(code: str, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(line.plain for line in explanation(RULES[code])) == snapshot
