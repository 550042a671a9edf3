from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from taskaudit.contract.words import Words
from taskaudit.reports.html import STATIC
from taskaudit.reports.page_words import LIVE, LOOKS, PAGE
from taskaudit.reports.timeline import Look

TEMPLATES = STATIC.parent / "templates"
TEXT = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir())
ALL = [*PAGE.items(), *LIVE.items(), *LOOKS.items()]


@pytest.mark.parametrize(("key", "words"), ALL, ids=[str(key) for key, _ in ALL])
def test_both_languages_say_the_same(key: str, words: Words) -> None:
    assert words.en
    assert words.zh
    assert sorted(re.findall(r"\{\w+\}", words.en)) == sorted(re.findall(r"\{\w+\}", words.zh))


@pytest.mark.parametrize(("name", "words"), [("say", PAGE), ("live", LIVE)])
def test_templates_use_every_word_and_no_other(name: str, words: Mapping[str, Words]) -> None:
    used = set(re.findall(rf"(?<![/\w]){name}\.(\w+)", TEXT))
    by_name = {"findings", "timeline", "jobs", "operations", "rules", "bad", "good"}
    by_name |= {key for key in PAGE if key.startswith("role_")} | {"no_rule", "over_time_alt"}
    assert used <= words.keys()
    assert words.keys() - used - by_name == set()


def test_every_mark_has_words() -> None:
    assert set(LOOKS) == {look.value for look in Look} | {"finding"}
