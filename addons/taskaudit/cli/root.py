"""The `taskaudit` command itself, which the others hang on; each of them is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from taskaudit import __version__
from taskaudit.cli.options import LangOption, keep_language


class Listed(NamedTuple):
    """A command as the list of commands has it: the module it is in, and the first line of its help."""

    module: str
    help: str


COMMANDS = {
    "check": Listed(
        "check",
        "Audit captures: flow files, HAR, curl -i, curl -v, http -v, Terraform's logs, bare JSON; or packed.",
    ),
    "jobs": Listed(
        "jobs",
        "Follow the jobs in logs to their end. Several logs, of several proxies, are told as one story.",
    ),
    "findings": Listed(
        "findings",
        "List what was found in logs: equal findings together, the worst first, each with an example.",
    ),
    "report": Listed(
        "report",
        "Make a report of logs and captures: HTML, Markdown, JUnit, SARIF, JSON, GitHub annotations.",
    ),
    "bug": Listed(
        "bug",
        "Write a bug report on the worst finding in captures or logs: Markdown, to be pasted into a tracker.",
    ),
    "load": Listed(
        "load",
        "Load logs into a central store, SQLite or PostgreSQL: each record once, however often it is loaded.",
    ),
    "explain": Listed(
        "explain", "Explain rules: what, why it matters, a bad and a good example, the source."
    ),
    "web": Listed("proxy", "Start mitmweb with the audit: the traffic in your browser, with verdicts."),
    "tui": Listed(
        "proxy", "Start mitmproxy's console with the audit: the traffic in this terminal, with verdicts."
    ),
    "addon": Listed("proxy", "Print the path of the addon, for mitmdump -s."),
    "demo": Listed(
        "proxy",
        "Show the main job on real traffic: a loopback API, a real mitmdump with the addon, a real client.",
    ),
    "serve": Listed(
        "serve", "Audit without anybody looking on: a lean proxy for staging, for weeks. On Linux and macOS."
    ),
    "waivers": Listed("waivers", "Try out the waivers of a configuration."),
    "learn": Listed(
        "learn",
        "Write a service file for an API that the audit does not know: from captures, logs, or OpenAPI.",
    ),
    "config": Listed("config", "Write a configuration file, check one, or print its JSON Schema."),
}
"""All commands, in the order in which the help lists them."""


class _Commands(TyperGroup):
    """Lists the commands without importing them, which takes longer than the help."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.imported = self.commands
        self.commands = {name: TyperCommand(name, help=each.help) for name, each in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for, whole."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and _imported(str(name)), rest


def _imported(name: str) -> Any:
    import_module(f"taskaudit.cli.{COMMANDS[name].module}")
    group: Any = typer.main.get_command(app)
    return group.imported[name]


app = typer.Typer(
    name="taskaudit",
    cls=_Commands,
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
