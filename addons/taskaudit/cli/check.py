"""`taskaudit check`."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import ConfigOption, LangOption, language_of, load_config
from taskaudit.cli.printing import new_console, progress, show
from taskaudit.cli.root import app
from taskaudit.contract.verdict import Severity

if TYPE_CHECKING:
    from taskaudit.contract.words import Language
    from taskaudit.offline.check import Check


class CheckFormat(StrEnum):
    """How `check` prints."""

    TEXT = "text"
    JSON = "json"


@app.command(
    epilog="Exit status: 0 no finding of severity error (or --fail-on); 1 some; 2 wrong usage, or an input "
    "that cannot be read or is damaged; 3 nothing was audited."
)
def check(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Captures: files, folders, or - for standard input.", show_default=False),
    ],
    config: ConfigOption = None,
    output: Annotated[CheckFormat, typer.Option("--format", "-f", help="How to print.")] = CheckFormat.TEXT,
    fail_on: Annotated[
        Severity,
        typer.Option("--fail-on", help="The least severity that makes the exit status 1; waived ones aside."),
    ] = Severity.ERROR,
    lang: LangOption = None,
) -> None:
    """Audit captures: mitmproxy flow files, HAR, what curl -i printed, bare JSON bodies. Told by content."""
    from taskaudit.auditor import Auditor
    from taskaudit.lifecycle import Lifecycle
    from taskaudit.offline.check import Check

    language = language_of(context, lang)
    loaded = load_config(config)
    run = Check(Auditor.under(loaded, time.time()), Lifecycle(loaded.settings.thresholds))
    _print_check(run, paths, output, language)
    raise typer.Exit(run.exit_status(fail_on))


def _print_check(run: Check, paths: list[Path], output: CheckFormat, language: Language) -> None:
    from taskaudit.offline.check import Damaged, as_json
    from taskaudit.text.terminal import damage_text, outcome_text, summary_text
    from taskaudit.text.waiver_words import policy_lines

    out, err = new_console(), new_console(stderr=True)
    with progress(paths, err) as advance:
        for item in run.over(paths, advance):
            if isinstance(item, Damaged):
                err.print(damage_text(item.source, item.damage))
            elif output is CheckFormat.JSON:
                # All lines come at the end: nobody waits for one.
                sys.stdout.write(as_json(item) + "\n")
            else:
                out.print(*outcome_text(item.source, item.index, item.outcome, language), sep="\n")
    sys.stdout.flush()
    waivers = policy_lines(run.auditor.policy, run.totals, language)
    if output is CheckFormat.TEXT:
        out.print(*waivers, *summary_text(run.totals, run.lifecycle.evicted, language), sep="\n")
    else:
        show(err, *waivers)
