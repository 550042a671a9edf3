"""Options and arguments that several commands share, and what is done with them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.printing import complain, fail, new_console, show
from taskaudit.contract.words import Language
from taskaudit.language import chosen

if TYPE_CHECKING:
    from taskaudit.config import Loaded
    from taskaudit.lifecycle import Thresholds
    from taskaudit.log import Damaged
    from taskaudit.story import Story

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file (YAML).", show_default="the shipped one"),
]

LogsArgument = Annotated[
    list[Path],
    typer.Argument(help="Logs of the addon, of one or several proxies.", show_default=False),
]


LangOption = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="[en|zh]",
        help="Language of what people read.",
        show_default="TASKAUDIT_LANG, or the locale",
    ),
]
_LANG = "taskaudit.lang"
"""Where `--lang` before the command is kept, in what the contexts of click have in common."""


class TableFormat(StrEnum):
    """How tables print."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def keep_language(context: typer.Context, lang: str | None) -> None:
    """Notes a `--lang` that stands before the command."""
    context.meta[_LANG] = lang


def language_of(context: typer.Context, lang: str | None = None) -> Language:
    """The language asked for: after the command's name, else before it, else in the environment."""
    try:
        return chosen(lang if lang is not None else context.meta.get(_LANG), os.environ)
    except ValueError as error:
        fail(str(error))


def load_config(path: Path | None) -> Loaded:
    from taskaudit.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        fail(str(error))


def tell_logs(logs: list[Path], thresholds: Thresholds) -> Story:
    """The story of the logs; lines that are no records are told on standard error. Raises LogError."""
    from taskaudit.story import tell

    story = tell(logs, thresholds)
    print_damage(story.damaged)
    return story


def print_damage(damaged: Iterable[Damaged]) -> None:
    for path, line, reason in damaged:
        complain(f"{path}, line {line}: {reason}")


def warn_of_gaps(story: Story, language: Language = Language.EN) -> None:
    """No result without saying what it lacks: on standard error where standard output is for a machine."""
    if not story.coverage.is_whole or story.evicted:
        from taskaudit.tables import coverage_lines

        show(new_console(stderr=True), *coverage_lines(story, language))
