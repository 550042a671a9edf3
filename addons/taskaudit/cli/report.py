"""`taskaudit report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import (
    BaselineOption,
    ConfigOption,
    FromOption,
    LangOption,
    SinceOption,
    check_source,
    language_of,
    load_config,
    start,
)
from taskaudit.cli.output import OutputOption, file_of, write_document
from taskaudit.cli.printing import WRONG_USAGE, complain, fail, new_console, progress
from taskaudit.cli.root import app
from taskaudit.contract.verdict import Severity
from taskaudit.reports.formats import Format, format_for

if TYPE_CHECKING:
    from taskaudit.config.loading import Loaded
    from taskaudit.reports.model import Report
    from taskaudit.story.story import Since


@app.command(
    epilog="Exit status: 0; with --fail-on that of taskaudit check; 2 wrong usage, or an input that cannot "
    "be read or is damaged: the report is made "
    "of the rest, and says so.\n\n"
    "[bold]taskaudit report today.ndjson -o report.html[/]\n\n"
    "[bold]taskaudit report captures/ --format junit -o audit.xml[/]"
)
def report(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Logs of the addon, captures, folders of them, or - for a capture on standard input.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="How it is written.", show_default="by --output, else markdown"),
    ] = None,
    output: OutputOption = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option(
            "--fail-on",
            help="Exit as taskaudit check does: 1 where there is a finding of this severity or worse, waived "
            "ones aside, 3 where nothing was audited.",
            show_default=False,
        ),
    ] = None,
    since: SinceOption = None,
    baseline: BaselineOption = None,
    config: ConfigOption = None,
    lang: LangOption = None,
    store: FromOption = None,
) -> None:
    """Make a report of logs and captures: HTML, Markdown, JUnit, SARIF, JSON, GitHub annotations."""
    from taskaudit.offline.check import exit_status
    from taskaudit.reports.formats import render
    from taskaudit.reports.standing import audited

    check_source(paths, store)
    output = file_of(output, paths or [])
    language, chosen = language_of(context, lang), _format(form, output)
    loaded = load_config(config, baseline)
    if store is not None:
        told = _of_store(store, loaded, start(since))
    else:
        told = _gathered(paths or [], loaded, start(since))
    write_document(output, render(told, chosen, language))
    for message in told.damaged:
        complain(message)
    if fail_on is not None:
        raise typer.Exit(exit_status(len(told.damaged), told.has(fail_on), audited(told)))
    raise typer.Exit(WRONG_USAGE if told.damaged else 0)


def _format(form: Format | None, output: Path | None) -> Format:
    if form is not None or output is None:
        return form or Format.MARKDOWN
    try:
        return format_for(output)
    except ValueError as error:
        fail(f"{error}; give --format")


def _of_store(store: str, loaded: Loaded, since: Since) -> Report:
    from taskaudit.reports.gather import of_store
    from taskaudit.store.address import StoreError

    try:
        return of_store(store, loaded, since=since)
    except StoreError as error:
        fail(str(error))


def _gathered(paths: list[Path], loaded: Loaded, since: Since) -> Report:
    from taskaudit.reports.gather import gather

    with progress(paths, new_console(stderr=True)) as advance:
        return gather(paths, loaded, advance=advance, since=since)
