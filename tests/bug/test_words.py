"""The words of a bug report in both languages."""

from __future__ import annotations

from string import Formatter

import pytest

from taskaudit.bug import words as bug_words
from taskaudit.contract.words import Words

ALL = {name: each for name, each in vars(bug_words).items() if isinstance(each, Words)}


def filled_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", ALL)
def test_both_languages_say_it(name: str) -> None:
    words = ALL[name]
    assert words.en
    assert words.zh
    assert filled_in(words.en) == filled_in(words.zh)
