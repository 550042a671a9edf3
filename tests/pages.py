"""Markdown pages taken apart: prose, code blocks, links, headings, tables, and what they tell to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from taskaudit.cli import app
from tests.generate import ROOT

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
_ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
_GROUPS = frozenset({"config", "waivers"})


class Block(NamedTuple):
    """A code block: what it is written in, and its commands without the remarks behind them."""

    language: str
    commands: tuple[str, ...]


def text_of(name: str) -> str:
    """A page of the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without its code blocks."""
    return BLOCK.sub("", text)


def blocks(text: str) -> list[Block]:
    """The code blocks, in order."""
    return [Block(kind, tuple(map(without_remark, typed(block)))) for kind, block in BLOCK.findall(text)]


def written_in(kind: str, text: str) -> list[str]:
    """The code blocks of one language."""
    return [block for language, block in BLOCK.findall(text) if language == kind]


def typed(block: str) -> list[str]:
    """What is typed after `$`, each with its further lines."""
    return re.findall(r"^\$ (.*(?:\n {4}.*)*)", block, re.MULTILINE)


def without_remark(command: str) -> str:
    """What is typed, without what `#` says of it."""
    return re.sub(r" +# .*$", "", command)


def audits(text: str) -> Iterator[list[str]]:
    """The words of each `taskaudit ...`, in blocks and within lines, and the options in its remark."""
    named = [command for _, block in BLOCK.findall(text) for command in typed(block)]
    for command in [*named, *CODE.findall(prose(text))]:
        words = without_remark(command)
        remarked = re.findall(r"--[a-z-]+", command.removeprefix(words))
        for part in re.split(r"\$\(|\)|\|", words):
            if part.strip(' "').startswith("taskaudit "):
                yield [*shlex.split(part.strip(' "'))[1:], *remarked]


def anchors(text: str) -> set[str]:
    """What links within the page lead to, as GitHub names it."""
    titles = (title for _, title in HEADING.findall(prose(text)))
    return {f"#{re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-')}" for title in titles}


def broken_links(text: str, folder: Path) -> list[str]:
    """Links of a page in `folder` that lead nowhere; other sites are not asked."""
    links = [link for link in LINK.findall(prose(text)) if not link.startswith("https://")]
    return [link for link in links if not _leads_somewhere(link, text, folder)]


def _leads_somewhere(link: str, text: str, folder: Path) -> bool:
    name, mark, anchor = link.partition("#")
    if name and not (folder / name).is_file():
        return False
    return not mark or mark + anchor in anchors((folder / name).read_text(encoding="utf-8") if name else text)


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of each row below a table's heading, which is given as far as it is needed to know it."""
    _, found, rest = text.partition(f"\n| {heading} |")
    assert found, heading
    rows = _ROW.findall(rest.partition("\n\n")[0])
    return [[cell.strip() for cell in row.split("|")] for row in rows if row.strip("|-")]


def unknown(words: list[str]) -> list[str]:
    """The options that the command does not take; `--hint` takes mitmproxy's, too, and starts nothing."""
    path = list(takewhile(lambda word: not word.startswith("-"), words))
    if path and path[0] in ("web", "tui"):
        told = CliRunner().invoke(app, [*words, "--hint"])
        return [] if told.exit_code == 0 else words
    known = help_of(*path[: 2 if path[:1] and path[0] in _GROUPS else 1])
    return [word for word in words if re.match(r"--?[a-z]", word) and not names(known, word)]


def names(known: str, option: str) -> bool:
    """Whether a help text has that option."""
    return re.search(rf"(?<![\w-]){re.escape(option.partition('=')[0])}(?![\w-])", known) is not None


@cache
def help_of(*path: str) -> str:
    """The help text of a command."""
    told = CliRunner().invoke(app, [*path, "--help"])
    assert told.exit_code == 0, path
    return told.output


def every_help() -> str:
    """The help texts of all commands."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return "\n".join([help_of(), *map(help_of, group.commands)])
