"""`taskaudit findings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import (
    ConfigOption,
    FromOption,
    LangOption,
    MaybeLogsArgument,
    TableFormat,
    language_of,
    load_config,
    tell_logs,
    warn_of_gaps,
)
from taskaudit.cli.printing import WRONG_USAGE, fail, new_console, show, write
from taskaudit.cli.root import app
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
    config: ConfigOption = None,
    lang: LangOption = None,
    store: FromOption = None,
) -> None:
    """List what was found in logs: equal findings together, the worst first, each with an example."""
    from taskaudit.log import LogError
    from taskaudit.story.findings import Wanted
    from taskaudit.text.explain import find_rule

    language = language_of(context, lang)
    settings = load_config(config).settings
    try:
        wanted = Wanted(find_rule(rule).code if rule is not None else None, severity)
        _print_findings(tell_logs(logs, store, settings), wanted, output, language)
    except LookupError as error:
        fail(str(error.args[0]))
    except LogError as error:
        fail(str(error))


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
