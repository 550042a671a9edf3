"""The command line: parse, call, print, exit status.

What takes long to import is imported where it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from taskaudit import __version__
from taskaudit.contract.verdict import Severity

if TYPE_CHECKING:
    from rich.console import Console

    from taskaudit.check import Check
    from taskaudit.config import Loaded

app = typer.Typer(
    name="taskaudit",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Audits how a cloud API answers the submission of asynchronous tasks: is there a job id or an "
    "error, and is it well-formed? Live as a mitmproxy addon, or offline over captures.",
    epilog="First steps:  [bold]taskaudit demo[/]  shows it all on real traffic.  "
    "[bold]mitmdump -s $(taskaudit addon)[/]  audits live.  [bold]taskaudit check capture.har[/]  offline.",
)
config_app = typer.Typer(no_args_is_help=True, help="Check a configuration file, or print its JSON Schema.")
app.add_typer(config_app, name="config")

WRONG_USAGE = 2
LONG_WORK = 5_000_000
"""From how many bytes on a progress bar is shown."""
PIPED_WIDTH = 200
"""Columns of a table that goes into a pipe or a file, where nobody says how wide it may be."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file (YAML).", show_default="the defaults"),
]


class CheckFormat(StrEnum):
    """How `check` prints."""

    TEXT = "text"
    JSON = "json"


class TableFormat(StrEnum):
    """How tables print."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"taskaudit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


@app.command(
    epilog="Exit status: 0 no finding of severity error (or --fail-on); 1 some; 2 wrong usage, or an input "
    "that cannot be read or is damaged; 3 nothing was audited."
)
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Captures: files, folders, or - for standard input.", show_default=False),
    ],
    config: ConfigOption = None,
    output: Annotated[CheckFormat, typer.Option("--format", "-f", help="How to print.")] = CheckFormat.TEXT,
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="The least severity that makes the exit status 1.")
    ] = Severity.ERROR,
) -> None:
    """Audit captures: mitmproxy flow files, HAR, what curl -i printed, bare JSON bodies. Told by content."""
    from taskaudit.auditor import Auditor
    from taskaudit.check import Check

    loaded = _load(config)
    run = Check(Auditor(loaded.catalogue, loaded.settings.inspection_limit))
    _print_check(run, paths, output)
    raise typer.Exit(run.exit_status(fail_on))


@app.command()
def jobs(
    logs: Annotated[list[Path], typer.Argument(help="Logs that the addon wrote.", show_default=False)],
    output: Annotated[TableFormat, typer.Option("--format", "-f", help="How to print.")] = TableFormat.TABLE,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as the log grows; stop with Ctrl-C.", show_default=False)
    ] = False,
) -> None:
    """List the job ids in a log."""
    from taskaudit.log import LogError

    if follow and len(logs) > 1:
        _fail("--follow takes one log")
    try:
        damaged = _print_jobs(logs, output, follow)
    except LogError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        damaged = False
    raise typer.Exit(WRONG_USAGE if damaged else 0)


@app.command()
def explain(
    rules: Annotated[
        list[str] | None, typer.Argument(help="Rule codes or names, such as TA306.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Explain every rule.", show_default=False)] = False,
) -> None:
    """Explain rules: what, why it matters, a bad and a good example, the source."""
    from taskaudit.contract.rules import RULES
    from taskaudit.explain import explanation, find_rule

    if not rules and not every:
        _fail("name a rule, such as TA306, or --all")
    console = _console()
    try:
        chosen = list(RULES.values()) if every else [find_rule(name) for name in rules or ()]
    except LookupError as error:
        _fail(str(error.args[0]))
    for number, rule in enumerate(chosen):
        if number:
            console.print()
        for line in explanation(rule):
            console.print(line)


@app.command()
def addon() -> None:
    """Print the path of the addon, for mitmdump -s."""
    from taskaudit.paths import addon_script

    typer.echo(addon_script())


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="Configuration file (YAML).", show_default=False)],
) -> None:
    """Say whether a configuration file is right, or what is wrong with it and where."""
    loaded = _load(file)
    routes = len(loaded.catalogue.routes)
    typer.echo(f"{file}: right; {routes} routes, unlisted: {loaded.settings.unlisted}")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    import json

    from taskaudit.config import settings_schema

    typer.echo(json.dumps(settings_schema(), indent=2))


@app.command()
def demo() -> None:
    """Show the main job on real traffic: a loopback API, a real mitmdump with the addon, a real client."""
    from taskaudit.demo import run

    raise typer.Exit(run(_console()))


def main() -> None:
    """The entry point of the `taskaudit` command."""
    app()


def _load(path: Path | None) -> Loaded:
    from taskaudit.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        _fail(str(error))


def _print_check(run: Check, paths: list[Path], output: CheckFormat) -> None:
    from taskaudit.check import Damaged, as_json
    from taskaudit.terminal import damage_text, outcome_text, summary_text

    out, err = _console(), _console(stderr=True)
    with _progress(paths, err) as advance:
        for item in run.over(paths, advance):
            if isinstance(item, Damaged):
                err.print(damage_text(item.source, item.damage))
            elif output is CheckFormat.JSON:
                _write(as_json(item) + "\n")
            else:
                out.print(*outcome_text(item.source, item.index, item.outcome), sep="\n")
    if output is CheckFormat.TEXT:
        out.print(*summary_text(run.totals), sep="\n")


@contextmanager
def _progress(paths: list[Path], console: Console) -> Iterator[Callable[[int], None] | None]:
    """A bar over the bytes read, for work that takes long, on a terminal; elsewhere nothing."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    if not console.is_terminal or size < LONG_WORK:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("reading", total=size)
        yield lambda count: progress.advance(task, count)


def _print_jobs(logs: list[Path], output: TableFormat, follow: bool) -> bool:
    """Prints the jobs as they are read, but for the table, which is drawn whole unless it follows."""
    from taskaudit.jobs import COLUMNS, Job, as_csv, as_json, jobs_in

    damaged = False
    rows: list[Job] = []
    if output is TableFormat.CSV:
        _write(as_csv([COLUMNS]))
    for item in (item for log in logs for item in jobs_in(log, follow=follow)):
        if not isinstance(item, Job):
            damaged = True
            typer.echo(f"taskaudit: {item.path}, line {item.line}: {item.reason}", err=True)
        elif output is TableFormat.JSON:
            _write(as_json(item) + "\n")
        elif output is TableFormat.CSV:
            _write(as_csv([item.cells()]))
        elif follow:
            _write(item.one_line() + "\n")
        else:
            rows.append(item)
    if output is TableFormat.TABLE and not follow:
        from taskaudit.terminal import jobs_table

        _console().print(jobs_table(rows) if rows else "no jobs in the log")
    return damaged


def _write(text: str) -> None:
    """Flushed, since --follow is read by people and pipes as it goes."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _console(*, stderr: bool = False) -> Console:
    """Markup and highlighting off: what is printed comes from traffic. Colour only on a terminal."""
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def _fail(message: str) -> NoReturn:
    typer.echo(f"taskaudit: {message}", err=True)
    raise typer.Exit(WRONG_USAGE)
