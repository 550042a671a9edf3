"""`taskaudit report`."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import ConfigOption, FromOption, check_source, load_config
from taskaudit.cli.printing import WRONG_USAGE, complain, fail, new_console, progress, write
from taskaudit.cli.root import app
from taskaudit.reports.formats import Format, format_for

if TYPE_CHECKING:
    from taskaudit.config.loading import Loaded
    from taskaudit.contract.words import Language
    from taskaudit.reports.model import Report


@app.command(
    epilog="Exit status: 0; 2 wrong usage, or an input that cannot be read or is damaged: the report is made "
    "of the rest, and says so.\n\n"
    "[bold]taskaudit report today.ndjson -o report.html[/]\n\n"
    "[bold]taskaudit report captures/ --format junit -o audit.xml[/]"
)
def report(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Logs of the addon, captures, folders of them, or - for a capture on standard input.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="How it is written.", show_default="by --output, else markdown"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file it goes to; replaced when it is there.", show_default="-"
        ),
    ] = None,
    config: ConfigOption = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", help="Language: en or zh.", show_default="TASKAUDIT_LANG, or the locale's"),
    ] = None,
    store: FromOption = None,
) -> None:
    """Make a report of logs and captures: HTML, Markdown, JUnit, SARIF, CSV, JSON, GitHub annotations."""
    from taskaudit.reports.formats import render

    output = None if output == Path("-") else output
    language, chosen = _language(lang), _format(form, output)
    check_source(paths, store)
    if output is not None:
        _spare(paths or [], output)
    loaded = load_config(config)
    told = _of_store(store, loaded) if store is not None else _gathered(paths or [], loaded)
    text = render(told, chosen, language)
    if output is None:
        write(text)
    else:
        _write_file(output, text)
    for message in told.damaged:
        complain(message)
    raise typer.Exit(WRONG_USAGE if told.damaged else 0)


def _language(option: str | None) -> Language:
    from taskaudit.text.language import chosen

    try:
        return chosen(option, os.environ)
    except ValueError as error:
        fail(str(error))


def _format(form: Format | None, output: Path | None) -> Format:
    if form is not None or output is None:
        return form or Format.MARKDOWN
    try:
        return format_for(output)
    except ValueError as error:
        fail(f"{error}; give --format")


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


def _of_store(store: str, loaded: Loaded) -> Report:
    from taskaudit.reports.gather import of_store
    from taskaudit.store.address import StoreError

    try:
        return of_store(store, loaded)
    except StoreError as error:
        fail(str(error))


def _gathered(paths: list[Path], loaded: Loaded) -> Report:
    from taskaudit.reports.gather import gather

    with progress(paths, new_console(stderr=True)) as advance:
        return gather(paths, loaded, advance=advance)


def _write_file(output: Path, text: str) -> None:
    """All of it or nothing: whoever reads the file meanwhile has the old one."""
    target = Path(os.path.realpath(output))
    if target.exists() and not target.is_file():
        _write_through(target, text)
        return
    try:
        with NamedTemporaryFile("wb", dir=target.parent, prefix=".taskaudit-", delete=False) as file:
            made = Path(file.name)
            try:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.close()
                made.chmod(_mode(target))
                made.replace(target)
            except OSError:
                made.unlink(missing_ok=True)
                raise
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror or error}")


def _write_through(target: Path, text: str) -> None:
    """Into a pipe or a device, which cannot be replaced."""
    try:
        target.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror or error}")


def _mode(target: Path) -> int:
    """That of the file which is replaced, or what a new one gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
