"""Options and arguments that several commands share, and what is done with them."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.printing import complain, fail, new_console, show
from taskaudit.contract.words import Language
from taskaudit.text.language import chosen

if TYPE_CHECKING:
    from taskaudit.config.loading import Loaded
    from taskaudit.config.settings import Settings
    from taskaudit.log import Damaged
    from taskaudit.policy.policy import Policy
    from taskaudit.story.story import Story

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file (YAML).", show_default="the shipped one"),
]

_LOGS = typer.Argument(help="Logs of the addon, of one or several proxies.", show_default=False)
LogsArgument = Annotated[list[Path], _LOGS]
MaybeLogsArgument = Annotated[list[Path] | None, _LOGS]

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="A store, in place of logs: postgresql://..., sqlite:///..., or a path.",
        metavar="URL",
        show_default=False,
    ),
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
    """The configuration; where it is wrong, the command ends with status 2 and the message."""
    from taskaudit.config.document import ConfigError
    from taskaudit.config.loading import load

    try:
        return load(path)
    except ConfigError as error:
        fail(str(error))


def policy_today(settings: Settings) -> Policy:
    """What is done with findings as of today: without the waivers that have expired."""
    from taskaudit.times import day_of

    return settings.policy.on(day_of(time.time()))


def tell_logs(
    logs: list[Path] | None, store: str | None, settings: Settings, whole: Collection[str] = ()
) -> Story:
    """The story of the logs or the store; lines that are no records are told on standard error.

    `whole`: of which jobs every query is told.

    Raises LogError.
    """
    check_source(logs, store)
    story = _of_store(store, settings, whole) if store is not None else _of_logs(logs or [], settings, whole)
    print_damage(story.damaged)
    return story


def check_source(logs: list[Path] | None, store: str | None) -> None:
    """Either logs or a store."""
    if bool(logs) == (store is not None):
        fail("give logs, or a store with --from; one of the two")


def _of_logs(logs: list[Path], settings: Settings, whole: Collection[str]) -> Story:
    from taskaudit.story.story import tell

    return tell(logs, settings.thresholds, settings.policy, whole)


def _of_store(store: str, settings: Settings, whole: Collection[str]) -> Story:
    from taskaudit.store.address import StoreError
    from taskaudit.store.reading import tell_store

    try:
        return tell_store(store, settings.thresholds, settings.policy, whole)
    except StoreError as error:
        fail(str(error))


def print_damage(damaged: Iterable[Damaged]) -> None:
    """The lines of logs that are no record, on standard error."""
    for path, line, reason in damaged:
        complain(f"{path}, line {line}: {reason}")


def warn_of_gaps(story: Story, language: Language = Language.EN) -> None:
    """No result without saying what it lacks: on standard error where standard output is for a machine."""
    if not story.coverage.is_whole or story.evicted:
        from taskaudit.story.tables import coverage_lines

        show(new_console(stderr=True), *coverage_lines(story, language))
