"""`taskaudit bug`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import ConfigOption, LangOption, language_of, load_config, print_damage
from taskaudit.cli.output import OutputOption, file_of, write_document
from taskaudit.cli.printing import WRONG_USAGE, complain, fail, new_console, progress
from taskaudit.cli.root import app

if TYPE_CHECKING:
    from taskaudit.bug.choice import Choice
    from taskaudit.config.loading import Loaded
    from taskaudit.contract.words import Language
    from taskaudit.offline.check import Check, Checked
    from taskaudit.story.told import Found, Told

NOT_FOUND = 1


@app.command(
    epilog="Exit status: 0 the report was written; 1 there is no such finding; 2 wrong usage, or an input "
    "that cannot be read or is damaged; 3 nothing was audited."
)
def bug(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Captures: files, folders, or - for standard input. Or logs of the addon.",
            show_default=False,
        ),
    ],
    rule: Annotated[
        str | None, typer.Option("--rule", help="A finding of this rule: code or name.", show_default=False)
    ] = None,
    index: Annotated[
        int | None,
        typer.Option("--index", help="A finding on the exchange at this place, from 0.", show_default=False),
    ] = None,
    job: Annotated[
        str | None, typer.Option("--job", help="A finding about the job with this id.", show_default=False)
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(
            "--request-id", help="A finding on the request with this X-Request-Id.", show_default=False
        ),
    ] = None,
    lang: LangOption = None,
    output: OutputOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a bug report on the worst finding in captures or logs: Markdown, to be pasted into a tracker."""
    from taskaudit.bug.choice import Choice, Wanted

    language, output = language_of(context, lang), file_of(output, paths)
    choice = Choice(Wanted(_code_of(rule), index, job, request_id))
    loaded = load_config(config)
    look = _look_at_logs if _are_logs(paths, index) else _look_at_captures
    is_damaged = look(choice, paths, loaded)
    _write_report(choice, language, output)
    if is_damaged:
        raise typer.Exit(WRONG_USAGE)
    if choice.chosen is None:
        raise typer.Exit(_tell_why_none(choice))


def _are_logs(paths: list[Path], index: int | None) -> bool:
    from taskaudit.sources.reading import is_log

    # A pipe could not be read again.
    logs = [path for path in paths if path.is_file() and is_log(path)]
    if logs and len(logs) < len(paths):
        fail(f"{logs[0]} is a log, and not all are: give logs, or captures")
    if logs and index is not None:
        fail("--index goes with captures; in a log choose by --job, --request-id or --rule")
    return bool(logs)


def _look_at_captures(choice: Choice, paths: list[Path], loaded: Loaded) -> bool:
    """Whether any of them is damaged, or the audit has failed."""
    from taskaudit.auditor import Auditor
    from taskaudit.lifecycle import Lifecycle
    from taskaudit.offline.check import Check

    run = Check(Auditor.under(loaded, time.time()), Lifecycle(loaded.settings.thresholds))
    choice.look(_checked(run, paths))
    if run.failed:
        complain(f"the audit failed at {run.failed} exchanges (TA901): taskaudit check lists them")
    return bool(run.damaged + run.failed)


def _look_at_logs(choice: Choice, paths: list[Path], loaded: Loaded) -> bool:
    """Whether any of them is damaged."""
    from taskaudit.log import LogError
    from taskaudit.story.story import tell

    def take(on: Told, found: Found) -> None:
        choice.take(on, found, loaded.catalogue)

    try:
        story = tell(paths, loaded.settings.thresholds, loaded.policy, (), each=take)
    except LogError as error:
        fail(str(error))
    print_damage(story.damaged)
    choice.audited = story.coverage.totals.audited
    return bool(story.damaged)


def _code_of(rule: str | None) -> str | None:
    from taskaudit.text.explain import find_rule

    try:
        return find_rule(rule).code if rule is not None else None
    except LookupError as error:
        fail(str(error.args[0]))


def _checked(run: Check, paths: list[Path]) -> Iterator[Checked]:
    from taskaudit.offline.check import Checked, Damaged
    from taskaudit.text.terminal import damage_text

    err = new_console(stderr=True)
    with progress(paths, err) as advance:
        for item in run.over(paths, advance):
            if isinstance(item, Damaged):
                err.print(damage_text(item.source, item.damage))
            elif isinstance(item, Checked):
                yield item


def _write_report(choice: Choice, language: Language, output: Path | None) -> None:
    from taskaudit.bug.text import bug_text

    if choice.chosen is None:
        return
    write_document(output, bug_text(choice.chosen.outcome, choice.chosen.finding, choice.seen, language))


def _tell_why_none(choice: Choice) -> int:
    """Says why there is no report; the exit status."""
    from taskaudit.offline.check import NOTHING_AUDITED

    status, wanted = NOT_FOUND, choice.wanted
    if wanted.index is not None and not choice.indexed:
        message, status = f"no exchange {wanted.index} that submits a task or asks for a job", WRONG_USAGE
    elif not choice.audited:
        message, status = "nothing was audited", NOTHING_AUDITED
    else:
        told = {
            "of": wanted.rule,
            "on exchange": wanted.index,
            "about job": wanted.job_id,
            "on request": wanted.request_id,
        }
        message = " ".join(["no finding", *(f"{on} {it}" for on, it in told.items() if it is not None)])
    complain(f"{message}; taskaudit check, of logs taskaudit findings, lists what there is")
    return status
