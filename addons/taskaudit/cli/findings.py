"""`taskaudit findings`."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from taskaudit.cli.options import (
    BaselineOption,
    ConfigOption,
    FromOption,
    LangOption,
    MaybeLogsArgument,
    SinceOption,
    TableFormat,
    language_of,
    load_config,
    tell_logs,
    warn_of_gaps,
)
from taskaudit.cli.output import file_of, write_document
from taskaudit.cli.printing import LONGEST_MESSAGE, WRONG_USAGE, fail, new_console, show, write
from taskaudit.cli.root import app
from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Severity

if TYPE_CHECKING:
    from taskaudit.contract.words import Language
    from taskaudit.story.findings import Wanted
    from taskaudit.story.story import Story


@app.command(epilog="Exit status: 0; 2 wrong usage, or a log that cannot be read or is damaged.")
def findings(
    context: typer.Context,
    logs: MaybeLogsArgument = None,
    rule: Annotated[
        str | None, typer.Option("--rule", help="Findings of this rule: code or name.", show_default=False)
    ] = None,
    severity: Annotated[
        Severity, typer.Option("--severity", help="Findings of this severity or worse.")
    ] = Severity.INFO,
    output: Annotated[TableFormat, typer.Option("--format", "-f", help="How to print.")] = TableFormat.TABLE,
    since: SinceOption = None,
    baseline: BaselineOption = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option(
            "--write-baseline",
            help="Write these findings to a file for --baseline, instead of listing them.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    lang: LangOption = None,
    store: FromOption = None,
) -> None:
    """List what was found in logs: equal findings together, the worst first, each with an example."""
    from taskaudit.log import LogError
    from taskaudit.story.findings import Wanted
    from taskaudit.text.explain import find_rule

    language = language_of(context, lang)
    loaded = load_config(config, baseline)
    try:
        wanted = Wanted(find_rule(rule).code if rule is not None else None, severity)
        story = tell_logs(logs, store, loaded, since=since)
        if write_baseline is not None:
            _write_baseline(story, wanted, write_baseline, logs or [])
        _print_findings(story, wanted, output, language)
    except LookupError as error:
        fail(str(error.args[0]))
    except LogError as error:
        fail(str(error))


def _write_baseline(story: Story, wanted: Wanted, path: Path, logs: list[Path]) -> NoReturn:
    """Those that count now: what a waiver of the configuration accepts has its own last day."""
    from taskaudit.config.baseline import Before, baseline_text, load_baseline
    from taskaudit.config.document import ConfigError
    from taskaudit.policy.policy import where_of

    if (file := file_of(path, logs)) is not None and file.exists():
        try:
            load_baseline(file)
        except ConfigError as error:
            fail(f"{error}; --write-baseline replaces baselines only: name another file")
    before = []
    for found in filter(attrgetter("is_new_to_baseline"), wanted.of(story.findings)):
        on = found.example
        route = where_of(on.method, on.path, on.route, 0.0).names[0]
        before.append(Before(found.rule, route, on.pointer, found.fingerprint))
    write_document(file, baseline_text(before))
    if file is not None:
        typer.echo(f"{escape(str(file), LONGEST_MESSAGE)}: {len(before)} findings")
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _print_findings(story: Story, wanted: Wanted, output: TableFormat, language: Language) -> None:
    from taskaudit.story.findings import COLUMNS, as_json, cells
    from taskaudit.story.tables import findings_lines, findings_table
    from taskaudit.text.spreadsheet import as_csv

    chosen = list(wanted.of(story.findings))
    if output is TableFormat.TABLE:
        show(new_console(), findings_table(chosen, language), *findings_lines(story, chosen, language))
    elif output is TableFormat.JSON:
        write("".join(as_json(found) + "\n" for found in chosen))
    else:
        write(as_csv([COLUMNS, *map(cells, chosen)]))
    if output is not TableFormat.TABLE:
        warn_of_gaps(story, language)
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)
