"""`taskaudit bug`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import ConfigOption, load_config
from taskaudit.cli.printing import WRONG_USAGE, fail, new_console, progress, write
from taskaudit.cli.root import app

if TYPE_CHECKING:
    from taskaudit.bug.choice import Choice
    from taskaudit.contract.words import Language
    from taskaudit.offline.check import Check, Checked

NOT_FOUND = 1


@app.command(
    epilog="Exit status: 0 the report was written; 1 there is no such finding; 2 wrong usage, or an input "
    "that cannot be read or is damaged; 3 nothing was audited."
)
def bug(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Captures: files, folders, or - for standard input.", show_default=False),
    ],
    rule: Annotated[
        str | None, typer.Option("--rule", help="A finding of this rule: code or name.", show_default=False)
    ] = None,
    index: Annotated[
        int | None,
        typer.Option("--index", help="A finding on the exchange at this place, from 0.", show_default=False),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", help="The report's language: en or zh.", show_default="the locale's"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file.", show_default="standard output"),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write a bug report on the worst finding in captures: Markdown, to be pasted into a tracker."""
    from taskaudit.auditor import Auditor
    from taskaudit.bug.choice import Choice
    from taskaudit.lifecycle import Lifecycle
    from taskaudit.offline.check import Check

    _refuse_logs(paths)
    choice, language = Choice(_code_of(rule), index), _language(lang)
    loaded = load_config(config)
    run = Check(Auditor.under(loaded, time.time()), Lifecycle(loaded.settings.thresholds))
    choice.look(_checked(run, paths))
    _write_report(choice, language, output)
    if run.damaged:
        raise typer.Exit(WRONG_USAGE)
    if choice.chosen is None:
        raise typer.Exit(_tell_why_none(choice))


def _refuse_logs(paths: list[Path]) -> None:
    from taskaudit.sources.reading import is_log

    # A pipe could not be read again.
    for path in paths:
        if path.is_file() and is_log(path):
            fail(f"{path} is a log, which holds no answers: give a capture (flow file, HAR, curl -i)")


def _code_of(rule: str | None) -> str | None:
    from taskaudit.text.explain import find_rule

    try:
        return find_rule(rule).code if rule is not None else None
    except LookupError as error:
        fail(str(error.args[0]))


def _language(option: str | None) -> Language:
    from taskaudit.text.language import chosen

    try:
        return chosen(option, os.environ)
    except ValueError as error:
        fail(str(error))


def _checked(run: Check, paths: list[Path]) -> Iterator[Checked]:
    from taskaudit.offline.check import Damaged
    from taskaudit.text.terminal import damage_text

    err = new_console(stderr=True)
    with progress(paths, err) as advance:
        for item in run.over(paths, advance):
            if isinstance(item, Damaged):
                err.print(damage_text(item.source, item.damage))
            else:
                yield item


def _write_report(choice: Choice, language: Language, output: Path | None) -> None:
    from taskaudit.bug.text import bug_text

    if choice.chosen is None:
        return
    text = bug_text(choice.chosen.outcome, choice.chosen.finding, choice.seen, language)
    if output is None:
        write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror or error}")


def _tell_why_none(choice: Choice) -> int:
    """Says why there is no report; the exit status."""
    from taskaudit.offline.check import NOTHING_AUDITED

    status = NOT_FOUND
    if choice.index is not None and not choice.indexed:
        message, status = f"no exchange {choice.index} that submits a task or asks for a job", WRONG_USAGE
    elif not choice.audited:
        message, status = "nothing was audited", NOTHING_AUDITED
    else:
        message = " ".join(filter(None, ["no finding", choice.rule and f"of {choice.rule}", _on(choice)]))
    typer.echo(f"taskaudit: {message}; taskaudit check lists what there is", err=True)
    return status


def _on(choice: Choice) -> str | None:
    return None if choice.index is None else f"on exchange {choice.index}"
