"""Every kind, severity, state and reason has a name in each language."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from taskaudit.contract.verdict import Kind, Severity
from taskaudit.contract.words import Language
from taskaudit.exchange import Unaudited
from taskaudit.job_state import JobState
from taskaudit.text.terms import (
    KINDS,
    SEVERITIES,
    STATES,
    UNAUDITED,
    Names,
    count_of,
    counts_of,
    in_brackets,
    name_of,
)

EN, ZH = Language


@pytest.mark.parametrize(
    ("values", "names"), [(Kind, KINDS), (Severity, SEVERITIES), (Unaudited, UNAUDITED), (JobState, STATES)]
)
def test_each_has_its_name(values: type[StrEnum], names: Names) -> None:
    assert list(names) == list(values)
    for value in values:
        assert name_of(value.value, names, EN).replace(" ", "-") == value.value
        assert re.fullmatch(r"[\u4e00-\u9fff]+", name_of(value, names, ZH))
    assert len({words.zh for words in names.values()}) == len(values)


def test_what_has_no_name_is_told_as_it_is() -> None:
    assert name_of("abandoned", UNAUDITED, ZH) == "abandoned"


def test_counts() -> None:
    assert [count_of(2, "error", SEVERITIES, each) for each in Language] == ["2 error", "错误 2"]
    counts = [("error", 2), ("warning", 0), ("info", 1)]
    assert [counts_of(counts, SEVERITIES, each) for each in Language] == ["2 error, 1 info", "错误 2、提示 1"]
    assert counts_of([], SEVERITIES, ZH) == ""


def test_brackets() -> None:
    assert [in_brackets("x", each) for each in Language] == [" (x)", "（x）"]
    assert in_brackets("", ZH) == ""
