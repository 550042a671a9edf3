"""`explain`: each rule in full, found by code or name."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.words import Language
from taskaudit.text.explain import explanation, find_rule


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


def told(rule: Rule, language: Language) -> str:
    return "\n".join(line.plain for line in explanation(rule, language))


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_what_is_told_is_all_there_is(rule: Rule) -> None:
    text = told(rule, Language.EN)
    assert text == "\n".join(line.plain for line in explanation(rule))
    for part in (rule.code, rule.name, rule.severity, rule.when.en, rule.why.en, rule.source):
        assert part in text
    assert ("  Bad " in text, "  Good " in text) == (rule.bad is not None, rule.good is not None)
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("code", ["TA001", "TA003", "TA004", "TA306", "TA505", "TA901"])
def test_as_it_is_shown(code: str, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(line.plain for line in explanation(RULES[code])) == snapshot


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_it_is_told_in_chinese(rule: Rule) -> None:
    text = told(rule, Language.ZH)
    assert text.startswith(f"{rule.code} {rule.name}（")
    for part in (rule.when.zh, rule.why.zh, rule.source):
        assert part in text
    assert not re.search(r"\b(When|Why|Bad|Good|Source)\b|no body|error）", text)
    assert (" 反例 " in text, " 正例 " in text) == (rule.bad is not None, rule.good is not None)
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
@pytest.mark.parametrize("language", Language)
def test_texts_start_in_the_same_column(rule: Rule, language: Language) -> None:
    labelled = [line for line in told(rule, language).split("\n")[1:] if line[2] != " "]
    starts = [re.match(r"  \S+ +", line) for line in labelled]
    assert {cell_len(start[0]) for start in starts if start and " s  " not in start.string} == {10}


@pytest.mark.parametrize("code", ["TA001", "TA003", "TA306", "TA505", "TA901"])
def test_as_it_is_shown_in_chinese(code: str, snapshot: SnapshotAssertion) -> None:
    assert told(RULES[code], Language.ZH) == snapshot
