"""`taskaudit check`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from taskaudit.cli.options import BaselineOption, ConfigOption, LangOption, language_of, load_config
from taskaudit.cli.output import OutputOption, file_of, write_document, written
from taskaudit.cli.printing import complain, fail, new_console, progress, show
from taskaudit.cli.root import app
from taskaudit.contract.verdict import Severity
from taskaudit.reports.formats import Format, format_for

if TYPE_CHECKING:
    from rich.text import Text

    from taskaudit.config.loading import Loaded
    from taskaudit.contract.words import Language
    from taskaudit.offline.check import Check, Checked


class CheckFormat(StrEnum):
    """How `check` prints: as it goes, or as a report."""

    TEXT = "text"
    JSON = "json"
    JUNIT = Format.JUNIT
    SARIF = Format.SARIF
    GITHUB = Format.GITHUB
    MARKDOWN = Format.MARKDOWN
    HTML = Format.HTML


@app.command(
    epilog="Exit status: 0 no finding of severity error (or --fail-on); 1 some; 2 wrong usage, or an input "
    "that cannot be read or is damaged; 3 nothing was audited.\n\n"
    "[bold]taskaudit check captures/ --format junit -o audit.xml[/]"
)
def check(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Captures: files, folders, or - for standard input.", show_default=False),
    ],
    config: ConfigOption = None,
    form: Annotated[
        CheckFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="How to print; json is one line an exchange.",
            show_default="by --output, else text",
        ),
    ] = None,
    output: OutputOption = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Only the findings that count, one line each.", show_default=False
        ),
    ] = False,
    fail_on: Annotated[
        Severity,
        typer.Option("--fail-on", help="The least severity that makes the exit status 1; waived ones aside."),
    ] = Severity.ERROR,
    baseline: BaselineOption = None,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="List the files in folders that are no captures.", show_default=False
        ),
    ] = False,
    lang: LangOption = None,
) -> None:
    """Audit captures: flow files, HAR, curl -i, curl -v, http -v, Terraform's logs, bare JSON; or packed."""
    language, output = language_of(context, lang), file_of(output, paths)
    chosen = form or _by_name(output)
    if quiet and chosen is not CheckFormat.TEXT:
        fail(f"--quiet goes with --format text, not {chosen}")
    loaded = load_config(config, baseline)
    if chosen in (CheckFormat.TEXT, CheckFormat.JSON):
        raise typer.Exit(_print_outcomes(paths, loaded, chosen, output, quiet, verbose, fail_on, language))
    raise typer.Exit(_print_report(paths, loaded, Format(chosen), output, fail_on, language))


def _by_name(output: Path | None) -> CheckFormat:
    with suppress(ValueError):
        return CheckFormat(format_for(output)) if output is not None else CheckFormat.TEXT
    return CheckFormat.TEXT


def _print_report(
    paths: list[Path],
    loaded: Loaded,
    form: Format,
    output: Path | None,
    fail_on: Severity,
    language: Language,
) -> int:
    """Gives the exit status."""
    from taskaudit.offline.check import exit_status
    from taskaudit.reports.formats import render
    from taskaudit.reports.gather import gather
    from taskaudit.reports.standing import audited

    with progress(paths, new_console(stderr=True)) as advance:
        report = gather(paths, loaded, advance=advance, takes_logs=False)
    write_document(output, render(report, form, language))
    for message in report.damaged:
        complain(message)
    return exit_status(len(report.damaged), report.has(fail_on), audited(report))


def _print_outcomes(
    paths: list[Path],
    loaded: Loaded,
    form: CheckFormat,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    fail_on: Severity,
    language: Language,
) -> int:
    """Gives the exit status."""
    from taskaudit.auditor import Auditor
    from taskaudit.lifecycle import Lifecycle
    from taskaudit.offline.check import Check

    run = Check(Auditor.under(loaded, time.time()), Lifecycle(loaded.settings.thresholds))
    checked = _checked(run, paths, verbose=verbose)
    with written(output) as file:
        if form is CheckFormat.JSON:
            _print_json(run, checked, file, language)
        elif quiet:
            _print_lines(run, checked, file, language)
        else:
            _print_text(run, checked, file, language)
    return run.exit_status(fail_on)


def _checked(run: Check, paths: list[Path], *, verbose: bool) -> Iterator[Checked]:
    """Each exchange in scope; damage, and with `verbose` what is no capture, goes to standard error."""
    from taskaudit.offline.check import Checked, Damaged
    from taskaudit.text.terminal import damage_text, passed_text

    err = new_console(stderr=True)
    with progress(paths, err) as advance:
        for item in run.over(paths, advance):
            if isinstance(item, Damaged):
                err.print(damage_text(item.source, item.damage))
            elif isinstance(item, Checked):
                yield item
            elif verbose:
                err.print(passed_text(item.source, item.what))


def _print_json(run: Check, checked: Iterable[Checked], file: TextIO, language: Language) -> None:
    from taskaudit.offline.check import as_json

    for item in checked:
        file.write(as_json(item) + "\n")
    show(new_console(stderr=True), *_beside(run, language))


def _print_lines(run: Check, checked: Iterable[Checked], file: TextIO, language: Language) -> None:
    """The findings alone; what was not seen is told on standard error."""
    from taskaudit.text.terminal import finding_line, summary_text

    out = new_console(file=file)
    for item in checked:
        for finding in item.outcome.findings:
            if not finding.waived:
                out.print(finding_line(item.source, item.index, finding, language))
    *_, coverage = summary_text(run.totals, run.lifecycle.evicted, language)
    gaps = [coverage] if run.totals.unaudited else []
    show(new_console(stderr=True), *_beside(run, language), *gaps)


def _print_text(run: Check, checked: Iterable[Checked], file: TextIO, language: Language) -> None:
    from taskaudit.text.terminal import outcome_text, summary_text, why_text

    out, rules = new_console(file=file), Counter[str]()
    for item in checked:
        out.print(*outcome_text(item.source, item.index, item.outcome, language), sep="\n")
        rules.update(finding.rule for finding in item.outcome.findings)
    out.print(
        *why_text(rules, language),
        *_beside(run, language),
        *summary_text(run.totals, run.lifecycle.evicted, language),
        sep="\n",
    )


def _beside(run: Check, language: Language) -> Iterator[Text]:
    """What waivers did, and how many files are no captures."""
    from taskaudit.text.terminal import passed_count
    from taskaudit.text.waiver_words import policy_lines

    yield from policy_lines(run.auditor.policy, run.totals, language)
    yield from passed_count(run.passed, language)
