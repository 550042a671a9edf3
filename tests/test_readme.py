"""What the READMEs name is there, and both tell the same."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from mitmproxy.test import taddons
from pydantic import BaseModel

from taskaudit.config import Settings
from taskaudit.contract.words import Language
from taskaudit.proxy.addon import TaskAudit
from taskaudit.records import Record
from tests.generate import READMES, ROOT
from tests.pages import CODE, HEADING, LINK, audits, blocks, broken_links, prose, table, text_of, unknown

TEXTS = {language: text_of(name) for language, name in READMES.items()}
LARGEST = 150_000
"""Bytes of a picture."""
KEYS = {Language.EN: "key | default", Language.ZH: "键 | 默认值"}
"""How the table of the configuration begins."""

both = pytest.mark.parametrize("language", Language)


@both
def test_links_and_pictures_lead_somewhere(language: Language) -> None:
    assert broken_links(TEXTS[language], ROOT) == []


@both
def test_pictures_are_small_and_of_one_size(language: Language) -> None:
    for link in LINK.findall(prose(TEXTS[language])):
        if link.endswith(".png"):
            picture = (ROOT / link).read_bytes()
            assert len(picture) < LARGEST, link
            assert struct.unpack(">4x4sII", picture[8:24]) == (b"IHDR", 1280, 800), link


@both
def test_each_command_is_there_with_its_options(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TASKAUDIT_LANG", "en")  # `web` and `tui` set it.
    named = list(audits(TEXTS[language]))
    assert len(named) > 20
    for words in named:
        assert unknown(words) == [], words


@both
def test_each_option_and_command_of_the_addon_is_there(language: Language) -> None:
    with taddons.context(TaskAudit()) as context:
        options, known = set(context.options.keys()), set(context.master.commands.commands)
    assert set(re.findall(r"\btaskaudit_(?!report)\w+", TEXTS[language])) - options <= {"taskaudit_"}
    named = re.findall(r"^\| `(taskaudit\.\w+)", TEXTS[language], re.MULTILINE)
    assert named
    assert set(named) == {command for command in known if command.startswith("taskaudit.")}


@both
def test_each_configuration_key_is_in_the_table_with_its_default(language: Language) -> None:
    told = {row[0].strip("`"): row[1] for row in table(TEXTS[language], KEYS[language])}
    known = dict(settings(Settings))
    assert set(told) == set(known)
    for key, cell in told.items():
        if cell.startswith("`"):
            assert cell.strip("`") == as_yaml(known[key]), key


def settings(model: type[BaseModel], within: str = "") -> Iterator[tuple[str, Any]]:
    """Each key, nested ones as `log.fsync`, with its default."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, f"{within}{name}.")
        else:
            yield within + name, field.default


def as_yaml(value: object) -> str:
    return "null" if value is None else f"{value:.15g}" if isinstance(value, int | float) else str(value)


@both
def test_each_member_of_the_records_is_there(language: Language) -> None:
    bodies = {
        kind: record.model_fields[kind].annotation
        for record in get_args(Record)
        for kind in [record.model_fields["event_type"].default]
    }
    rows = {row[0].strip("`"): CODE.findall(row[-1]) for row in table(TEXTS[language], "`event_type`")}
    assert set(rows) == set(bodies)
    for kind, named in rows.items():
        assert named
        values = {
            value for field in bodies[kind].model_fields.values() for value in get_args(field.annotation)
        }
        assert set(named) <= {*bodies[kind].model_fields, *values}, kind


def test_both_have_the_same_parts_commands_and_pictures() -> None:
    levels = {
        language: [marks for marks, _ in HEADING.findall(prose(text))] for language, text in TEXTS.items()
    }
    pictures = {
        language: [link.replace(f".{language}.", ".") for link in LINK.findall(text) if "docs/" in link]
        for language, text in TEXTS.items()
    }
    assert levels[Language.EN] == levels[Language.ZH]
    assert blocks(TEXTS[Language.EN]) == blocks(TEXTS[Language.ZH])
    assert pictures[Language.EN] == pictures[Language.ZH]


def test_both_have_the_same_tables() -> None:
    """By the first cell, as far as that is code."""
    rows = {
        language: re.findall(r"^\| (`.+?`|[^\w ]+|\d) \|", prose(text), re.MULTILINE)
        for language, text in TEXTS.items()
    }
    assert [row.replace("、", ", ") for row in rows[Language.ZH]] == rows[Language.EN]
