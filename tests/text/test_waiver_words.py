"""What people are told of waivers, in both languages and harmlessly."""

from __future__ import annotations

import string

import pytest

from taskaudit.contract.verdict import Waiver
from taskaudit.contract.words import Language, Words
from taskaudit.policy.policy import Policy
from taskaudit.text import waiver_words
from taskaudit.text.waiver_words import (
    EXPIRED,
    UNUSED,
    WAIVED,
    policy_lines,
    waived_text,
    waiver_text,
    with_waived,
)
from taskaudit.totals import Totals
from tests.samples import waiver

ALL = {name: value for name, value in vars(waiver_words).items() if isinstance(value, Words)}
HOSTILE = "\x1b[31m\u202e{owner}\n"


def members(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", ALL)
def test_both_languages_tell_the_same(name: str) -> None:
    assert members(ALL[name].en) == members(ALL[name].zh)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (WAIVED, "waived until 2099-12-31 by team-ecs: backend ticket 1234"),
        (
            EXPIRED,
            "the waiver for TA306 ecs:* /error/code expired after 2099-12-31 and is not applied "
            "(owner team-ecs: backend ticket 1234)",
        ),
        (
            UNUSED,
            "the waiver for TA306 ecs:* /error/code waived nothing "
            "(until 2099-12-31, owner team-ecs: backend ticket 1234)",
        ),
    ],
)
def test_a_waiver(words: Words, told: str) -> None:
    known = waiver(route="ecs:*", pointer="/error/code")
    assert waiver_text(words, known) == told
    assert "team-ecs" in waiver_text(words, known, Language.ZH)
    assert waiver_text(words, known, Language.ZH) != told


def test_waived_ones_are_counted_apart() -> None:
    assert waived_text("2099-12-31", "me", "why") == "waived until 2099-12-31 by me: why"
    assert waived_text(None, None, None) == ""
    assert with_waived("3 errors", 2) == "3 errors (2 more waived)"
    assert with_waived("3 errors", 0) == "3 errors"
    assert with_waived("3 个错误", 2, Language.ZH) == "3 个错误（另有 2 项已豁免）"


@pytest.mark.parametrize("name", [name for name in ALL if "owner" in members(ALL[name].en)])
def test_hostile_text_is_harmless(name: str) -> None:
    hostile = Waiver("TA306", HOSTILE, HOSTILE, "2099-12-31", HOSTILE, HOSTILE)
    assert waiver_text(ALL[name], hostile).isprintable()


def test_the_end_of_a_run() -> None:
    used, unused, expired = waiver(), waiver("TA402"), waiver("TA501", until="2020-01-01")
    policy = Policy(waivers=[used, unused, expired]).on("2026-01-01")
    totals = Totals()
    totals.waivers[used] += 1
    lines = [line.plain for line in policy_lines(policy, totals)]
    assert lines == [waiver_text(EXPIRED, expired), waiver_text(UNUSED, unused)]
