"""Options and arguments that several commands share, and what is done with them."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from taskaudit.cli.printing import complain, fail, new_console, show
from taskaudit.contract.words import Language
from taskaudit.text.language import chosen

if TYPE_CHECKING:
    from taskaudit.config.loading import Loaded
    from taskaudit.log import Damaged
    from taskaudit.policy.policy import Policy
    from taskaudit.story.story import Since, Story

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file (YAML).", show_default="the shipped one"),
]

_LOGS = typer.Argument(help="Logs of the addon, of one or several proxies.", show_default=False)
LogsArgument = Annotated[list[Path], _LOGS]
MaybeLogsArgument = Annotated[list[Path] | None, _LOGS]

BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Findings that were there before, as findings --write-baseline wrote them: counted as waived.",
        show_default=False,
    ),
]

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="What happened from this time on: 2026-09-21T14:00:00Z, or back from the last record: 15m, 2h, "
        "3d.",
        show_default=False,
    ),
]

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


class PassesOn(TyperCommand):
    """A command that hands options on to mitmproxy: of short ones only -c and -h are ours, as everywhere.

    Declared, click would find them in a word such as -rcapture, too, which is mitmproxy's.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With the long forms in the place of the short ones."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*map(_long, args[:end]), *args[end:]])


def _long(word: str) -> str:
    if word == "-h":
        return "--help"
    return f"--config{word[2:] and '='}{word[2:]}" if word.startswith("-c") else word


PASSES_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}


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


def load_config(path: Path | None, baseline: Path | None = None) -> Loaded:
    """The configuration; where it is wrong, the command ends with status 2 and the message."""
    from taskaudit.config.document import ConfigError
    from taskaudit.config.loading import load

    try:
        return load(path, baseline)
    except ConfigError as error:
        fail(str(error))


def policy_today(loaded: Loaded) -> Policy:
    """What is done with findings as of today: without the waivers that have expired."""
    from taskaudit.times import day_of

    return loaded.policy.on(day_of(time.time()))


def tell_logs(
    logs: list[Path] | None,
    store: str | None,
    loaded: Loaded,
    whole: Collection[str] = (),
    since: str | None = None,
) -> Story:
    """The story of the logs or the store; lines that are no records are told on standard error.

    `whole`: of which jobs every query is told. `since`: from when on findings are told.

    Raises LogError.
    """
    check_source(logs, store)
    if store is not None:
        story = _of_store(store, loaded, whole, start(since))
    else:
        story = _of_logs(logs or [], loaded, whole, start(since))
    print_damage(story.damaged)
    return story


def check_source(logs: list[Path] | None, store: str | None) -> None:
    """Either logs or a store."""
    if bool(logs) == (store is not None):
        fail("give logs, or a store with --from; one of the two")


def start(since: str | None) -> Since:
    """From when on is told, by what `--since` says."""
    from taskaudit.story.jobs import since as parsed
    from taskaudit.story.story import of_all

    if since is None:
        return of_all
    try:
        parsed(since, 0.0)
    except ValueError as error:
        fail(str(error))
    return partial(parsed, since)


def _of_logs(logs: list[Path], loaded: Loaded, whole: Collection[str], since: Since) -> Story:
    from taskaudit.story.story import tell

    return tell(logs, loaded.settings.thresholds, loaded.policy, whole, since)


def _of_store(store: str, loaded: Loaded, whole: Collection[str], since: Since) -> Story:
    from taskaudit.store.address import StoreError
    from taskaudit.store.reading import tell_store

    try:
        return tell_store(store, loaded.settings.thresholds, loaded.policy, whole, since)
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
