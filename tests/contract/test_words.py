"""A text in each language."""

from __future__ import annotations

from taskaudit.contract.words import Language, Words


def test_a_text_is_given_in_the_language_asked_for() -> None:
    words = Words("job", "任务")
    assert [words.of(language) for language in Language] == ["job", "任务"]
