"""What all commands print with: consoles, errors, a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WRONG_USAGE = 2
LONG_WORK = 5_000_000
"""From how many bytes on a progress bar is shown."""
LONGEST_MESSAGE = 2000
PIPED_WIDTH = 200
"""Columns of a table that goes into a pipe or a file, where nobody says how wide it may be."""


def new_console(*, stderr: bool = False, file: TextIO | None = None) -> Console:
    """Markup and highlighting off: what is printed comes from traffic. Colour only on a terminal."""
    from rich.console import Console

    console = Console(file=file, stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def show(console: Console, *parts: RenderableType) -> None:
    """Wrapped at words on a terminal; as it is in a pipe."""
    for part in parts:
        console.print(part, soft_wrap=not console.is_terminal)


def write(text: str) -> None:
    """A document, or data: in UTF-8, with its own ends of lines, unless it is a terminal that it goes to.

    Flushed, since --follow is read by people and pipes as it goes.
    """
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(message: str) -> None:
    """One line on standard error. Names of files may hold anything, and so may what stands in them."""
    from taskaudit.contract.excerpt import escape

    typer.echo(f"taskaudit: {escape(message, LONGEST_MESSAGE)}", err=True)


def fail(message: str) -> NoReturn:
    """Ends the command: the message on standard error, status 2."""
    complain(message)
    raise typer.Exit(WRONG_USAGE)


@contextmanager
def progress(paths: list[Path], console: Console) -> Iterator[Callable[[int], None] | None]:
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
