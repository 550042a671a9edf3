"""`taskaudit jobs`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import (
    ConfigOption,
    FromOption,
    LangOption,
    MaybeLogsArgument,
    TableFormat,
    check_source,
    language_of,
    load_config,
    print_damage,
    tell_logs,
    warn_of_gaps,
)
from taskaudit.cli.printing import WRONG_USAGE, fail, new_console, show, write
from taskaudit.cli.root import app
from taskaudit.job_state import JobState

if TYPE_CHECKING:
    from rich.console import Console

    from taskaudit.config.loading import Loaded
    from taskaudit.contract.words import Language
    from taskaudit.story.job_story import JobStory
    from taskaudit.story.jobs import Choice
    from taskaudit.story.story import Story


AT_ONCE = 2000
"""How many lines are written at once."""
ROWS = 500
"""How many jobs are in one table: its columns are as wide as what is in it, which is to be known first."""


@app.command(epilog="Exit status: 0; 2 wrong usage, or a log that cannot be read or is damaged.")
def jobs(
    context: typer.Context,
    logs: MaybeLogsArgument = None,
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
    lang: LangOption = None,
    store: FromOption = None,
) -> None:
    """Follow the jobs in logs to their end. Several logs, of several proxies, are told as one story."""
    from taskaudit.log import LogError

    if job is not None and (follow or state or route or since):
        fail("--job tells of one job; it goes with --format only")
    if follow and store is not None:
        fail("--follow goes with logs; a store is told as it stands")
    language = language_of(context, lang)
    loaded = load_config(config)
    try:
        if follow:
            check_source(logs, store)
            stories = _watch_logs(logs or [], loaded)
            _follow_jobs(stories, choice_of(state, route, since), output, language)
        elif job is not None:
            _print_job(tell_logs(logs, store, loaded, whole=(job,)), job, output, language)
        else:
            story = tell_logs(logs, store, loaded)
            _print_jobs(story, choice_of(state, route, since, story.last), output, language)
    except LogError as error:
        fail(str(error))


def choice_of(
    state: JobState | None, route: str | None, since: str | None, last: float | None = None
) -> Choice:
    """Which jobs are wanted; a duration is meant back from `last`, or else from now."""
    from taskaudit.story.jobs import Choice
    from taskaudit.story.jobs import since as parsed
    from taskaudit.times import rfc3339

    try:
        at = rfc3339(parsed(since, last or time.time())) if since is not None else None
        return Choice(state, route, at)
    except ValueError as error:
        fail(str(error))


def _print_jobs(story: Story, choice: Choice, output: TableFormat, language: Language) -> None:
    from taskaudit.story.tables import jobs_table, story_lines

    chosen = choice.of(story.jobs)
    if output is not TableFormat.TABLE:
        _print_lines(chosen, output, language)
        warn_of_gaps(story, language)
    else:
        console, states = new_console(), Counter[JobState]()
        for jobs in batched(chosen, ROWS):
            states.update(job.state for job in jobs)
            show(console, jobs_table(jobs, console.width, language))
        show(console, *story_lines(story, states.elements(), language))
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _print_job(story: Story, job_id: str, output: TableFormat, language: Language) -> None:
    from taskaudit.story.jobs import job_named, whole
    from taskaudit.story.tables import coverage_lines, timeline
    from taskaudit.text.json_line import json_line

    try:
        job = job_named(story, job_id)
    except LookupError as error:
        fail(str(error.args[0]))
    if output is TableFormat.TABLE:
        console = new_console()
        show(console, *timeline(job, language), "", *coverage_lines(story, language))
    elif output is TableFormat.JSON:
        write(json_line(whole(job)) + "\n")
    else:
        _print_lines([job], output, language)
    raise typer.Exit(WRONG_USAGE if story.damaged else 0)


def _print_lines(
    chosen: Iterable[JobStory], output: TableFormat, language: Language, *, heading: bool = True
) -> None:
    """Jobs for machines; with TABLE, one line of text each."""
    from taskaudit.story.jobs import COLUMNS, as_json, cells, one_line
    from taskaudit.text.spreadsheet import as_csv

    if output is TableFormat.CSV and heading:
        write(as_csv([COLUMNS]))
    for jobs in batched(chosen, AT_ONCE):
        if output is TableFormat.CSV:
            write(as_csv(map(cells, jobs)))
        else:
            lines = (as_json(job) if output is TableFormat.JSON else one_line(job, language) for job in jobs)
            write("".join(line + "\n" for line in lines))


def _follow_jobs(stories: Iterable[Story], choice: Choice, output: TableFormat, language: Language) -> None:
    """Until Ctrl-C. On a terminal a table that changes; else a line for each change of a job."""
    console = new_console()
    with suppress(KeyboardInterrupt):
        if output is TableFormat.TABLE and console.is_terminal:
            _follow_on_terminal(stories, choice, console, language)
        else:
            _follow_in_lines(stories, choice, output, language)


def _watch_logs(logs: list[Path], loaded: Loaded) -> Iterator[Story]:
    """The story anew whenever the logs have grown; lines that are no records are told as they come."""
    from taskaudit.story.watching import watch

    told = 0
    for story in watch(logs, loaded.settings.thresholds, loaded.policy):
        print_damage(story.damaged[told:])
        told = len(story.damaged)
        yield story


def _follow_on_terminal(
    stories: Iterable[Story], choice: Choice, console: Console, language: Language
) -> None:
    from rich.live import Live

    from taskaudit.story.tables import live_view

    console.soft_wrap = (
        False  # What is longer than the terminal is wide would spoil the lines that are drawn anew.
    )
    with Live(console=console, auto_refresh=False) as live:
        for story in stories:
            chosen = list(choice.of(story.jobs))
            view = live_view(story, chosen, console.width, console.height, language)
            live.update(view, refresh=True)


def _follow_in_lines(
    stories: Iterable[Story], choice: Choice, output: TableFormat, language: Language
) -> None:
    from taskaudit.story.watching import News

    news = News(choice)
    for number, story in enumerate(stories):
        _print_lines(news.of(story), output, language, heading=number == 0)
