"""Where what a command makes goes: standard output, or a file that is written as a whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, TextIO, cast

import typer

from taskaudit.cli.printing import fail, write

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="The file it goes to, replaced when it is there; - is standard output.",
        show_default="-",
    ),
]


def file_of(output: Path | None, paths: list[Path]) -> Path | None:
    """The file, None for standard output. Ends the command where it would replace a log or one of `paths`."""
    if output is None or output == Path("-"):
        return None
    _spare(paths, output)
    return output


@contextmanager
def written(output: Path | None) -> Iterator[TextIO]:
    """Text goes into the file, with the mode of a log (0600) where it is new, or to standard output.

    All of it or nothing: whoever reads the file meanwhile has the old one.
    """
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    target = Path(os.path.realpath(output))
    try:
        if target.exists() and not target.is_file():  # A pipe or a device, which cannot be replaced.
            with target.open("w", encoding="utf-8", errors="backslashreplace", newline="") as device:
                yield device
            return
        file = NamedTemporaryFile(  # noqa: SIM115 - closed before it is renamed or deleted, as Windows wants it
            "w",
            encoding="utf-8",
            errors="backslashreplace",
            newline="",
            dir=target.parent,
            prefix=".taskaudit-",
            delete=False,
        )
        made = Path(file.name)
        try:
            with file:
                yield cast("TextIO", file)
            if target.exists():
                made.chmod(target.stat().st_mode & 0o777)
            made.replace(target)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror or error}")


def write_document(output: Path | None, text: str) -> None:
    """The same bytes into the file or, unless it is a terminal, to standard output."""
    if output is None:
        write(text)
        return
    with written(output) as file:
        file.write(text)


def _spare(paths: list[Path], output: Path) -> None:
    """No log or capture is written over, by whatever name."""
    from taskaudit.sources.reading import STDIN, expand, is_log

    if output.is_dir():
        fail(f"{output} is a folder; name a file")
    given = (path for path in expand(paths) if path != STDIN)
    if any(os.path.realpath(path) == os.path.realpath(output) or _same(path, output) for path in given):
        fail(f"{output} is among what is reported on; name another file")
    if output.is_file() and is_log(output):
        fail(f"{output} is a log of taskaudit; name another file")


def _same(path: Path, output: Path) -> bool:
    """Also by a hard link."""
    try:
        return path.samefile(output)
    except OSError:
        return False
