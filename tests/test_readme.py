"""The READMEs: short, what they name is there, and they lead to every page."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language
from tests.generate import READMES, ROOT
from tests.pages import LINK, audits, broken_links, prose, text_of, unknown

TEXTS = {language: text_of(name) for language, name in READMES.items()}
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md"))
LARGEST = 150_000
"""Bytes of a picture."""
FIVE_MINUTES = 1100
"""Words, at 220 a minute; a Chinese character counts for half a word."""

both = pytest.mark.parametrize("language", Language)


@both
def test_it_reads_in_five_minutes(language: Language) -> None:
    text = TEXTS[language]
    assert len(text.split("\n")) <= 150
    assert (
        len(re.findall(r"[\w./-]+", text, re.ASCII)) + len(re.findall(r"[一-鿿]", text)) / 2 <= FIVE_MINUTES
    )


@both
def test_links_and_pictures_lead_somewhere(language: Language) -> None:
    assert broken_links(TEXTS[language], ROOT) == []


@both
def test_each_page_is_linked_in_the_language_of_the_reader_where_it_is_there(language: Language) -> None:
    own = {Language.EN: Path("docs"), Language.ZH: Path("docs/zh")}[language]
    wanted = [own / page.name if (ROOT / own / page.name).is_file() else page for page in PAGES]
    links = LINK.findall(TEXTS[language])
    assert [page for page in [*wanted, own / "rules/README.md"] if page.as_posix() not in links] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_pictures_are_small_and_of_one_size(page: Path) -> None:
    for link in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if link.endswith(".png"):
            picture = (page.parent / link).read_bytes()
            assert len(picture) < LARGEST, link
            assert struct.unpack(">4x4sII", picture[8:24]) == (b"IHDR", 1280, 800), link


@both
def test_each_command_is_there_with_its_options(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TASKAUDIT_LANG", "en")  # `web` and `tui` set it.
    named = list(audits(TEXTS[language]))
    assert len(named) > 12
    for words in named:
        assert unknown(words) == [], words


@both
def test_how_many_rules_there_are(language: Language) -> None:
    assert f"{len(RULES)} " in next(line for line in TEXTS[language].split("\n") if "rules/README.md" in line)
