"""`taskaudit waivers`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from taskaudit.cli.options import (
    LangOption,
    LogsArgument,
    language_of,
    load_config,
    policy_today,
    tell_logs,
    warn_of_gaps,
)
from taskaudit.cli.printing import WRONG_USAGE, fail, new_console, show, write
from taskaudit.cli.root import app


class WaiversFormat(StrEnum):
    """How `waivers test` prints."""

    TABLE = "table"
    JSON = "json"


waivers_app = typer.Typer(no_args_is_help=True, help="Try out the waivers of a configuration.")
app.add_typer(waivers_app, name="waivers")


@waivers_app.callback()
def waivers() -> None:
    """Try out the waivers of a configuration."""
    # Without it, typer would take the only command for the group itself.


@waivers_app.command(
    "test",
    epilog="Exit status: 0; 2 wrong usage, or a log that cannot be read or is damaged.",
)
def waivers_test(
    context: typer.Context,
    logs: LogsArgument,
    config: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file (YAML).", show_default=False)
    ],
    output: Annotated[
        WaiversFormat, typer.Option("--format", "-f", help="How to print.")
    ] = WaiversFormat.TABLE,
    lang: LangOption = None,
) -> None:
    """Count what each waiver would catch of the findings in logs; say which have expired or catch nothing."""
    from taskaudit.log import LogError
    from taskaudit.story.tables import coverage_lines
    from taskaudit.story.waiver_table import waiver_lines
    from taskaudit.story.waivers import as_json, caught

    language = language_of(context, lang)
    loaded = load_config(config)
    try:
        story = tell_logs(logs, None, loaded)
    except LogError as error:
        fail(str(error))
    tests = caught(story.findings, policy_today(loaded))
    if output is WaiversFormat.TABLE:
        show(new_console(), *waiver_lines(tests, language), *coverage_lines(story, language))
    else:
        write("".join(as_json(test) + "\n" for test in tests))
        warn_of_gaps(story, language)
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)
