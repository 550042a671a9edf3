"""What the READMEs name is there, and both tell the same."""

from __future__ import annotations

import re
import shlex
import struct
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

import pytest
from mitmproxy.test import taddons
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.contract.words import Language
from taskaudit.proxy.addon import TaskAudit
from tests.generate import READMES, ROOT

TEXTS = {language: (ROOT / name).read_text(encoding="utf-8") for language, name in READMES.items()}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LARGEST = 150_000
"""Bytes of a picture."""

both = pytest.mark.parametrize("language", Language)


class Block(NamedTuple):
    """A code block: what it is written in, and its commands without the remarks behind them."""

    language: str
    commands: tuple[str, ...]


def prose(language: Language) -> str:
    """The text without its code blocks."""
    return BLOCK.sub("", TEXTS[language])


def blocks(language: Language) -> list[Block]:
    return [
        Block(kind, tuple(without_remark(each) for each in typed(text)))
        for kind, text in BLOCK.findall(TEXTS[language])
    ]


def typed(block: str) -> list[str]:
    """What is typed after `$`, each with its further lines."""
    return re.findall(r"^\$ (.*(?:\n {4}.*)*)", block, re.MULTILINE)


def without_remark(command: str) -> str:
    return re.sub(r" +# .*$", "", command)


def audits(language: Language) -> Iterator[list[str]]:
    """The words of each `taskaudit ...`, in blocks and within lines, and the options in its remark."""
    named = [command for _, text in BLOCK.findall(TEXTS[language]) for command in typed(text)]
    for command in [*named, *re.findall(r"`([^`\n]+)`", prose(language))]:
        words = without_remark(command)
        remarked = re.findall(r"--[a-z-]+", command.removeprefix(words))
        for part in re.split(r"\$\(|\)|\|", words):
            if part.strip(' "').startswith("taskaudit "):
                yield [*shlex.split(part.strip(' "'))[1:], *remarked]


def anchors(language: Language) -> set[str]:
    """What links within the page lead to, as GitHub names it."""
    titles = (title for _, title in HEADING.findall(prose(language)))
    return {f"#{re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-')}" for title in titles}


@both
def test_links_and_pictures_lead_somewhere(language: Language) -> None:
    inside = anchors(language)
    broken = [
        link
        for link in LINK.findall(prose(language))
        if not link.startswith("https://") and link not in inside and not (ROOT / link).is_file()
    ]
    assert broken == []


@both
def test_pictures_are_small_and_of_one_size(language: Language) -> None:
    for link in LINK.findall(prose(language)):
        if link.endswith(".png"):
            picture = (ROOT / link).read_bytes()
            assert len(picture) < LARGEST, link
            assert struct.unpack(">4x4sII", picture[8:24]) == (b"IHDR", 1280, 800), link


@both
def test_each_command_is_there_with_its_options(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TASKAUDIT_LANG", "en")  # `web` and `tui` set it.
    named = list(audits(language))
    assert len(named) > 20
    for words in named:
        assert unknown(words) == [], words


def unknown(words: list[str]) -> list[str]:
    """The options that the command does not take; `--hint` takes mitmproxy's, too, and starts nothing."""
    path = list(takewhile(lambda word: not word.startswith("-"), words))
    if path and path[0] in ("web", "tui"):
        told = CliRunner().invoke(app, [*words, "--hint"])
        return [] if told.exit_code == 0 else words
    told = CliRunner().invoke(app, [*path[: 2 if path[:1] == ["config"] else 1], "--help"])
    assert told.exit_code == 0, words
    return [word for word in words if word.startswith("--") and word not in told.output]


@both
def test_each_option_and_command_of_the_addon_is_there(language: Language) -> None:
    with taddons.context(TaskAudit()) as context:
        options, known = set(context.options.keys()), set(context.master.commands.commands)
    assert set(re.findall(r"\btaskaudit_(?!report)\w+", TEXTS[language])) - options <= {"taskaudit_"}
    named = re.findall(r"^\| `(taskaudit\.\w+)", TEXTS[language], re.MULTILINE)
    assert named
    assert set(named) == {command for command in known if command.startswith("taskaudit.")}


def test_both_have_the_same_parts_commands_and_pictures() -> None:
    levels = {language: [marks for marks, _ in HEADING.findall(prose(language))] for language in Language}
    pictures = {
        language: [
            link.replace(f".{language}.", ".") for link in LINK.findall(TEXTS[language]) if "docs/" in link
        ]
        for language in Language
    }
    assert levels[Language.EN] == levels[Language.ZH]
    assert blocks(Language.EN) == blocks(Language.ZH)
    assert pictures[Language.EN] == pictures[Language.ZH]


def test_both_have_the_same_tables() -> None:
    """By the first cell, as far as that is code."""
    rows = {
        language: re.findall(r"^\| (`.+?`|[^\w ]+|\d) \|", prose(language), re.MULTILINE)
        for language in Language
    }
    assert [row.replace("、", ", ") for row in rows[Language.ZH]] == rows[Language.EN]
