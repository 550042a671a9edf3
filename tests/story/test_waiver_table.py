"""What `taskaudit waivers test` shows."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.verdict import Waiver
from taskaudit.contract.words import Language
from taskaudit.story.waiver_table import waiver_lines
from taskaudit.story.waivers import Caught
from tests.samples import waiver

FIRST, LAST = "2026-09-21T14:13:21.000000Z", "2026-09-22T08:00:00.250000Z"
TESTS = [
    Caught(waiver(), False, 3, FIRST, LAST),
    Caught(waiver("TA406", route="ecs:*", pointer="/error/details/*/code"), False, 1, FIRST, FIRST),
    Caught(waiver("TA009", pointer=""), False),
    Caught(waiver("TA501", until="2020-01-01"), True, 2, FIRST, LAST),
    Caught(waiver("TA502", until="2020-01-01"), True),
]


def shown(tests: list[Caught], language: Language = Language.EN) -> str:
    return "\n".join(line.plain for line in waiver_lines(tests, language))


@pytest.mark.parametrize("language", Language)
def test_as_it_is_shown(language: Language, snapshot: SnapshotAssertion) -> None:
    assert shown(TESTS, language) == snapshot


@pytest.mark.parametrize(("language", "told"), [(Language.EN, "no waivers"), (Language.ZH, "没有豁免")])
def test_none(language: Language, told: str) -> None:
    assert shown([], language) == told


def test_hostile_text_is_harmless() -> None:
    hostile = "\x1b[31m\u202e{x}\n"
    test = Caught(Waiver("TA306", hostile, hostile, "2099-12-31", hostile, hostile), False)
    assert shown([test]).replace("\n", "").isprintable()
