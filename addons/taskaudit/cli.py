"""The command line: parse, call, print, exit status.

What takes long to import is imported where it is used.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from taskaudit import __version__
from taskaudit.contract.verdict import Severity
from taskaudit.job_state import JobState

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from taskaudit.check import Check
    from taskaudit.config import Loaded
    from taskaudit.findings import Wanted
    from taskaudit.jobs import Choice
    from taskaudit.lifecycle import Thresholds
    from taskaudit.log import Damaged
    from taskaudit.story import JobStory, Story

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
    typer.Option("--config", "-c", help="Configuration file (YAML).", show_default="the shipped one"),
]


LogsArgument = Annotated[
    list[Path],
    typer.Argument(help="Logs of the addon, of one or several proxies.", show_default=False),
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
    from taskaudit.lifecycle import Lifecycle

    loaded = _load(config)
    settings = loaded.settings
    run = Check(Auditor(loaded.catalogue, settings.inspection_limit), Lifecycle(settings.thresholds))
    _print_check(run, paths, output)
    raise typer.Exit(run.exit_status(fail_on))


@app.command(epilog="Exit status: 0; 2 wrong usage, or a log that cannot be read or is damaged.")
def jobs(
    logs: LogsArgument,
    state: Annotated[
        JobState | None, typer.Option("--state", help="Jobs in this state only.", show_default=False)
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(
            "--route",
            help="Jobs whose route or path holds this text, or matches it as a pattern: ecs:*, cloudvolumes.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Jobs from this time on: 2026-09-21T14:00:00Z, or back from the last record: 15m, 2h, 3d.",
            show_default=False,
        ),
    ] = None,
    job: Annotated[
        str | None, typer.Option("--job", help="The whole story of the job with this id.", show_default=False)
    ] = None,
    output: Annotated[TableFormat, typer.Option("--format", "-f", help="How to print.")] = TableFormat.TABLE,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as the logs grow; stop with Ctrl-C.", show_default=False)
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Follow the jobs in logs to their end. Several logs, of several proxies, are told as one story."""
    from taskaudit.log import LogError

    if job is not None and (follow or state or route or since):
        _fail("--job tells of one job; it goes with --format only")
    thresholds = _load(config).settings.thresholds
    try:
        if follow:
            _follow_jobs(logs, thresholds, _choice(state, route, since), output)
        elif job is not None:
            _print_job(_tell(logs, thresholds), job, output)
        else:
            _print_jobs(_tell(logs, thresholds), state, route, since, output)
    except LogError as error:
        _fail(str(error))


@app.command(epilog="Exit status: 0; 2 wrong usage, or a log that cannot be read or is damaged.")
def findings(
    logs: LogsArgument,
    rule: Annotated[
        str | None, typer.Option("--rule", help="Findings of this rule: code or name.", show_default=False)
    ] = None,
    severity: Annotated[
        Severity, typer.Option("--severity", help="Findings of this severity or worse.")
    ] = Severity.INFO,
    output: Annotated[TableFormat, typer.Option("--format", "-f", help="How to print.")] = TableFormat.TABLE,
    config: ConfigOption = None,
) -> None:
    """List what was found in logs: equal findings together, the worst first, each with an example."""
    from taskaudit.explain import find_rule
    from taskaudit.findings import Wanted
    from taskaudit.log import LogError

    thresholds = _load(config).settings.thresholds
    try:
        wanted = Wanted(find_rule(rule).code if rule is not None else None, severity)
        _print_findings(_tell(logs, thresholds), wanted, output)
    except LookupError as error:
        _fail(str(error.args[0]))
    except LogError as error:
        _fail(str(error))


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
    typer.echo(f"{file}: ok; {routes} routes, unlisted: {loaded.settings.unlisted}")


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
    """The entry point of the `taskaudit` command.

    What the terminal's encoding lacks is written as escapes.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
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
        out.print(*summary_text(run.totals, run.lifecycle.evicted), sep="\n")


@contextmanager
def _progress(paths: list[Path], console: Console) -> Iterator[Callable[[int], None] | None]:
    """A bar over the bytes read, for work that takes long, on a terminal; elsewhere nothing."""
    from taskaudit.sources.reading import expand

    size = sum(path.stat().st_size for path in expand(paths) if path.is_file())
    if not console.is_terminal or size < LONG_WORK:
        yield None
        return
    from rich.progress import Progress

    # Not redirected: what goes to standard output may go into a pipe.
    with Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("reading", total=size)

        def advance(count: int) -> None:
            progress.advance(task, count)
            if progress.finished:
                progress.stop()

        yield advance


def _tell(logs: list[Path], thresholds: Thresholds) -> Story:
    """The story of the logs; lines that are no records are told on standard error. Raises LogError."""
    from taskaudit.story import tell

    story = tell(logs, thresholds)
    _print_damage(story.damaged)
    return story


def _print_damage(damaged: Iterable[Damaged]) -> None:
    for path, line, reason in damaged:
        typer.echo(f"taskaudit: {path}, line {line}: {reason}", err=True)


def _choice(
    state: JobState | None, route: str | None, since: str | None, last: float | None = None
) -> Choice:
    """Which jobs are wanted; a duration is meant back from `last`, or else from now."""
    from taskaudit.jobs import Choice
    from taskaudit.jobs import since as parsed

    try:
        return Choice(state, route, parsed(since, last or time.time()) if since is not None else None)
    except ValueError as error:
        _fail(str(error))


def _print_jobs(
    story: Story, state: JobState | None, route: str | None, since: str | None, output: TableFormat
) -> None:
    from taskaudit.tables import jobs_table, story_lines

    chosen = list(_choice(state, route, since, story.last).of(story.jobs))
    if output is not TableFormat.TABLE:
        _print_lines(chosen, output)
        _warn_of_gaps(story)
    else:
        console = _console()
        if chosen:
            _show(console, jobs_table(chosen, console.width))
        _show(console, *story_lines(story, chosen))
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _print_job(story: Story, job_id: str, output: TableFormat) -> None:
    from taskaudit.jobs import job_named, whole_as_json
    from taskaudit.tables import coverage_lines, timeline

    try:
        job = job_named(story, job_id)
    except LookupError as error:
        _fail(str(error.args[0]))
    if output is TableFormat.TABLE:
        console = _console()
        _show(console, *timeline(job), "", *coverage_lines(story))
    elif output is TableFormat.JSON:
        _write(whole_as_json(job) + "\n")
    else:
        _print_lines([job], output)
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _print_lines(chosen: Iterable[JobStory], output: TableFormat, *, heading: bool = True) -> None:
    """Jobs for machines; with TABLE, one line of text each."""
    from taskaudit.jobs import COLUMNS, as_json, cells, one_line
    from taskaudit.spreadsheet import as_csv

    if output is TableFormat.CSV:
        _write(as_csv([*([COLUMNS] if heading else ()), *map(cells, chosen)]))
        return
    put = as_json if output is TableFormat.JSON else one_line
    _write("".join(put(job) + "\n" for job in chosen))


def _follow_jobs(logs: list[Path], thresholds: Thresholds, choice: Choice, output: TableFormat) -> None:
    """Until Ctrl-C. On a terminal a table that changes; else a line for each change of a job."""
    from taskaudit.watching import watch

    console = _console()
    stories = _telling_damage(watch(logs, thresholds))
    with suppress(KeyboardInterrupt):
        if output is TableFormat.TABLE and console.is_terminal:
            _follow_on_terminal(stories, choice, console)
        else:
            _follow_in_lines(stories, choice, output)


def _telling_damage(stories: Iterable[Story]) -> Iterator[Story]:
    told = 0
    for story in stories:
        _print_damage(story.damaged[told:])
        told = len(story.damaged)
        yield story


def _follow_on_terminal(stories: Iterable[Story], choice: Choice, console: Console) -> None:
    from rich.live import Live

    from taskaudit.tables import live_view

    console.soft_wrap = (
        False  # What is longer than the terminal is wide would spoil the lines that are drawn anew.
    )
    with Live(console=console, auto_refresh=False) as live:
        for story in stories:
            chosen = list(choice.of(story.jobs))
            live.update(live_view(story, chosen, console.width, console.height), refresh=True)


def _follow_in_lines(stories: Iterable[Story], choice: Choice, output: TableFormat) -> None:
    from taskaudit.watching import News

    news = News(choice)
    for number, story in enumerate(stories):
        _print_lines(news.of(story), output, heading=number == 0)


def _print_findings(story: Story, wanted: Wanted, output: TableFormat) -> None:
    from taskaudit.findings import COLUMNS, as_json, cells
    from taskaudit.spreadsheet import as_csv
    from taskaudit.tables import findings_lines, findings_table

    chosen = list(wanted.of(story.findings))
    if output is TableFormat.TABLE:
        _show(_console(), findings_table(chosen), *findings_lines(story, chosen))
    elif output is TableFormat.JSON:
        _write("".join(as_json(found) + "\n" for found in chosen))
    else:
        _write(as_csv([COLUMNS, *map(cells, chosen)]))
    if output is not TableFormat.TABLE:
        _warn_of_gaps(story)
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _warn_of_gaps(story: Story) -> None:
    """No result without saying what it lacks: on standard error where standard output is for a machine."""
    if not story.coverage.is_whole or story.evicted:
        from taskaudit.tables import coverage_lines

        _show(_console(stderr=True), *coverage_lines(story))


def _show(console: Console, *parts: RenderableType) -> None:
    """Wrapped at words on a terminal; as it is in a pipe."""
    for part in parts:
        console.print(part, soft_wrap=not console.is_terminal)


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
