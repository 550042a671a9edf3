"""`taskaudit config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taskaudit.cli.options import load_config
from taskaudit.cli.printing import LONGEST_MESSAGE
from taskaudit.cli.root import app
from taskaudit.contract.excerpt import escape

config_app = typer.Typer(no_args_is_help=True, help="Check a configuration file, or print its JSON Schema.")
app.add_typer(config_app, name="config")


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="Configuration file (YAML).", show_default=False)],
) -> None:
    """Say whether a configuration file is right, or what is wrong with it and where."""
    loaded = load_config(file)
    routes = len(loaded.catalogue.routes)
    name = escape(str(file), LONGEST_MESSAGE)
    typer.echo(f"{name}: ok; {routes} routes, unlisted: {loaded.settings.unlisted}")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    import json

    from taskaudit.config.settings import settings_schema

    typer.echo(json.dumps(settings_schema(), indent=2))
