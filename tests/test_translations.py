"""What is there in both languages tells the same in both."""

from __future__ import annotations

import re

import pytest

from tests.generate import READMES, ROOT
from tests.pages import HEADING, LINK, blocks, prose, text_of

PAIRS = [
    tuple(READMES.values()),
    *((f"docs/{path.name}", f"docs/zh/{path.name}") for path in sorted((ROOT / "docs/zh").glob("*.md"))),
]

pairs = pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda page: page)


def _pictures(page: str) -> list[str]:
    links = [link for link in LINK.findall(prose(text_of(page))) if link.endswith(".png")]
    return [re.sub(r"^(\.\./)?|\.(en|zh)(?=\.)", "", link) for link in links]


def _rows(page: str) -> list[str]:
    """The first cells, as far as they are code."""
    rows = re.findall(r"^\| (`.+?`|[^\w ]+|\d) \|", prose(text_of(page)), re.MULTILINE)
    return [row.replace("、", ", ") for row in rows]


@pairs
def test_the_same_parts(english: str, chinese: str) -> None:
    levels = [[marks for marks, _ in HEADING.findall(prose(text_of(page)))] for page in (english, chinese)]
    assert levels[0] == levels[1]


@pairs
def test_the_same_commands(english: str, chinese: str) -> None:
    assert blocks(text_of(english)) == blocks(text_of(chinese))


@pairs
def test_the_same_pictures(english: str, chinese: str) -> None:
    assert _pictures(english) == _pictures(chinese)


@pairs
def test_the_same_tables(english: str, chinese: str) -> None:
    assert _rows(english) == _rows(chinese)
