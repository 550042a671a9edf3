"""A text in each language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import taskaudit
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example
from taskaudit.contract.words import Language, Words

_CHINESE = re.compile("[\u4e00-\u9fff，。：；、（）]")


def test_a_text_is_given_in_the_language_asked_for() -> None:
    words = Words("job", "任务")
    assert [words.of(language) for language in Language] == ["job", "任务"]


def every_text() -> Iterator[Words]:
    """All texts for people: those of rules and their examples, and those that modules hold by name."""
    for rule in RULES.values():
        yield from (rule.when, rule.why)
        yield from (each.note for each in (rule.bad, rule.good) if isinstance(each, Example) and each.note)
    for found in walk_packages(taskaudit.__path__, "taskaudit."):
        if not found.name.endswith("__main__"):
            for value in vars(import_module(found.name)).values():
                yield from words_in(value)


def words_in(value: object) -> Iterator[Words]:
    match value:
        case Words():
            yield value
        case Mapping():
            for each in value.values():
                yield from words_in(each)
        case list() | tuple():
            for each in value:
                yield from words_in(each)


def fields(text: str) -> set[str]:
    """What is filled in, by name."""
    return set(re.findall(r"\{(\w*)\}", text))


TEXTS = frozenset(every_text())
# In Chinese too, numbers, names and terms alone.
ALIKE = frozenset(
    {"1", "{count}", "{name} {count}", " {name}", "JSON Pointer {pointer}", "taskaudit {version}"}
)


@pytest.mark.parametrize("words", sorted(TEXTS), ids=lambda words: words.en[:40])
def test_no_chinese_is_missing(words: Words) -> None:
    assert words.en.strip()
    assert fields(words.en) == fields(words.zh)
    assert not _CHINESE.search(words.en)
    assert bool(_CHINESE.search(words.zh)) is (words.zh not in ALIKE)


def written() -> Iterator[list[ast.expr]]:
    """The two texts of each `Words(...)` in the source, also of those that are made within functions."""
    for path in Path(taskaudit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Words":
                yield node.args


def test_no_text_stands_where_the_above_does_not_see_it() -> None:
    texts = list(written())
    fixed = {Words(*map(ast.literal_eval, pair)) for pair in texts if is_fixed(pair)}
    assert len(fixed) > 400
    assert fixed - TEXTS == set()


def test_no_chinese_is_missing_where_a_text_is_made_of_numbers() -> None:
    made = [pair for pair in written() if not is_fixed(pair)]
    assert made
    assert all(_CHINESE.search(ast.unparse(chinese)) for _, chinese in made)


def is_fixed(pair: list[ast.expr]) -> bool:
    return all(isinstance(text, ast.Constant) for text in pair)
