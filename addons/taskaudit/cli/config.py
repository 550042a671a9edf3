"""`taskaudit config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taskaudit.cli.printing import LONGEST_MESSAGE, WRONG_USAGE, complain, fail
from taskaudit.cli.root import app
from taskaudit.contract.excerpt import escape

config_app = typer.Typer(
    no_args_is_help=True, help="Write a configuration file, check one, or print its JSON Schema."
)
app.add_typer(config_app, name="config")


@config_app.command("init")
def config_init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("taskaudit.yaml"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where it is there.", show_default=False)
    ] = False,
) -> None:
    """Write a configuration file with every setting at its default, and what each one does."""
    from taskaudit.config.loading import default_file

    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(default_file().read_text(encoding="utf-8"))
    except FileExistsError:
        fail(f"{file} is there already; --force replaces it")
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror or error}")
    typer.echo(f"{escape(str(file), LONGEST_MESSAGE)}: written; keep what you change, delete the rest")


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="Configuration or service file (YAML).", show_default=False)],
) -> None:
    """Say whether a configuration or service file is right, or all that is wrong with it and where."""
    from taskaudit.config.document import ConfigError, read
    from taskaudit.config.loading import load, load_service

    name = escape(str(file), LONGEST_MESSAGE)
    try:
        if "service" in read(file).data:
            found = load_service(file)
            count = len(found.submissions) + len(found.job_queries)
            typer.echo(f"{name}: ok; the service {found.service}, {count} routes")
            return
        loaded = load(file)
    except ConfigError as error:
        for message in error.all:
            complain(message)
        raise typer.Exit(WRONG_USAGE) from None
    routes = len(loaded.catalogue.routes)
    typer.echo(f"{name}: ok; {routes} routes, unlisted: {loaded.settings.unlisted}")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    import json

    from taskaudit.config.settings import settings_schema

    typer.echo(json.dumps(settings_schema(), indent=2))
