"""`taskaudit load`."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import LogsArgument, load_config, print_damage
from taskaudit.cli.printing import WRONG_USAGE, fail
from taskaudit.cli.root import app

if TYPE_CHECKING:
    from taskaudit.lifecycle import Thresholds
    from taskaudit.store.load import Loader

_STORE = "postgresql://user@host/database, sqlite:///file, or the path of a SQLite file."


@app.command(
    epilog="Exit status: 0; 2 wrong usage, a log that cannot be read or is damaged, or a store that cannot "
    "be used."
)
def load(
    logs: LogsArgument,
    to: Annotated[str, typer.Option("--to", help=f"The store: {_STORE}", metavar="URL", show_default=False)],
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as the logs grow; stop with Ctrl-C.", show_default=False)
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Configuration file (YAML): the store's views judge by its query_within and min_interval "
            "from then on. Its severities and waivers are for the commands: give it to them.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Load logs into a central store, SQLite or PostgreSQL: each record once, however often it is loaded.

    Rotated and compressed files are loaded, too.
    """
    stop = _until_stopped() if follow else None

    from taskaudit.log import LogError
    from taskaudit.store.address import StoreError

    thresholds = load_config(config).settings.thresholds if config is not None else None
    try:
        with closing(_loader(logs, to, thresholds)) as loader:
            if stop is None:
                loader.load()
            else:
                loader.follow(stop)
    except (LogError, StoreError) as error:
        fail(str(error))
    typer.echo(loader.tally.words())
    raise typer.Exit(WRONG_USAGE if loader.tally.damaged else 0)


def _loader(logs: list[Path], to: str, thresholds: Thresholds | None) -> Loader:
    from taskaudit.store.database import Database
    from taskaudit.store.load import Loader

    return Loader(
        Database(to),
        logs,
        thresholds=thresholds,
        tell=lambda words: typer.echo(f"taskaudit: {words}", err=True),
        damage=lambda damaged: print_damage([damaged]),
    )


def _until_stopped() -> Event:
    """Set by Ctrl-C or a polite kill; the second one ends the program at once."""
    stop = Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop
