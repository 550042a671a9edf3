"""The `taskaudit` command itself, which the others hang on."""

from __future__ import annotations

from typing import Annotated

import typer

from taskaudit import __version__
from taskaudit.cli.options import LangOption, keep_language

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


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"taskaudit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    lang: LangOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    keep_language(context, lang)
