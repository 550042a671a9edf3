"""Which language is spoken: the option, then the variable, then the locale."""

from __future__ import annotations

import pytest

from taskaudit.contract.words import Language
from taskaudit.text.language import chosen


@pytest.mark.parametrize(
    ("option", "environ", "language"),
    [
        (None, {}, "en"),
        ("zh", {}, "zh"),
        ("en", {"TASKAUDIT_LANG": "zh", "LANG": "zh_CN.UTF-8"}, "en"),
        (" ZH ", {"TASKAUDIT_LANG": "en"}, "zh"),
        ("zh", {"TASKAUDIT_LANG": "nope"}, "zh"),
        (None, {"TASKAUDIT_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        (None, {"TASKAUDIT_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        (None, {"TASKAUDIT_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_TW.Big5"}, "zh"),
        (None, {"LANG": "ZH"}, "zh"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {"LANG": "C.UTF-8"}, "en"),
        (None, {"LC_ALL": "C", "LC_MESSAGES": "zh_CN", "LANG": "zh_CN"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "en_US"}, "zh"),
        (None, {"LC_MESSAGES": "en_US", "LANG": "zh_CN"}, "en"),
        (None, {"LC_CTYPE": "zh_CN", "LANGUAGE": "zh"}, "en"),
    ],
)
def test_the_first_that_is_named_wins(option: str | None, environ: dict[str, str], language: str) -> None:
    assert chosen(option, environ) is Language(language)


@pytest.mark.parametrize(
    ("option", "environ", "message"),
    [
        ("fr", {}, '--lang is "fr"; expected en or zh'),
        ("", {}, '--lang is ""; expected en or zh'),
        ("zh_CN", {"TASKAUDIT_LANG": "zh"}, '--lang is "zh_CN"; expected en or zh'),
        (None, {"TASKAUDIT_LANG": "Chinese"}, 'TASKAUDIT_LANG is "Chinese"; expected en or zh'),
        (None, {"TASKAUDIT_LANG": "\x1b[31m"}, r'TASKAUDIT_LANG is "\u001b[31m"; expected en or zh'),
    ],
)
def test_a_wrong_name_is_refused(option: str | None, environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        chosen(option, environ)
    assert str(caught.value) == message


def test_a_long_wrong_name_is_cut() -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        chosen("x" * 100_000, {})
    assert len(str(caught.value)) < 100
