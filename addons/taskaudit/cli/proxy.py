"""What starts a proxy with the audit: `web`, `tui`, `demo`, and `addon` for mitmproxy's own programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import PASSES_ON, LangOption, PassesOn, language_of
from taskaudit.cli.printing import complain, fail, new_console
from taskaudit.cli.root import app
from taskaudit.contract.words import Language, Words
from taskaudit.text.language import VARIABLE

if TYPE_CHECKING:
    from taskaudit.proxy.launch import FrontEnd
    from taskaudit.proxy.passed_on import PassedOn

_GO_ON = Words("Press Enter to start the console. ", "按 Enter 键启动控制台。")

LogOption = Annotated[
    Path | None,
    typer.Option("--log", help="File that records are appended to.", show_default="taskaudit.ndjson"),
]
AuditConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Configuration file (YAML); -c is the same.", show_default="the shipped one"
    ),
]
ListenOption = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="[HOST:]PORT",
        help='Serve the status page, /healthz and /metrics there; "" for nowhere. Its address is told at the '
        "start; the command taskaudit.page tells it again.",
        show_default="a free port of 127.0.0.1",
    ),
]
HintOption = Annotated[
    bool, typer.Option("--hint", help="Only print what your client needs: proxy settings, certificate.")
]


@app.command(
    cls=PassesOn,
    context_settings=PASSES_ON,
    epilog="All other options go to mitmweb as they are: [bold]mitmweb --help[/] lists them.\n\n"
    "[bold]taskaudit web --mode reverse:https://ecs.example.com -p 9090[/]\n\n"
    "[bold]taskaudit web -r saved.flows --log saved.ndjson[/]",
)
def web(
    context: typer.Context,
    log: LogOption = None,
    config: AuditConfigOption = None,
    listen: ListenOption = None,
    lang: LangOption = None,
    hint: HintOption = False,
) -> None:
    """Start mitmweb with the audit: the traffic in your browser, with verdicts."""
    from taskaudit.proxy.launch import WEB

    _start(WEB, context, _audit_options(log, config, listen), _language(context, lang), only_hint=hint)


@app.command(
    cls=PassesOn,
    context_settings=PASSES_ON,
    epilog="All other options go to mitmproxy as they are: [bold]mitmproxy --help[/] lists them.\n\n"
    "[bold]taskaudit tui --mode reverse:https://ecs.example.com -p 9090[/]",
)
def tui(
    context: typer.Context,
    log: LogOption = None,
    config: AuditConfigOption = None,
    listen: ListenOption = None,
    lang: LangOption = None,
    hint: HintOption = False,
) -> None:
    """Start mitmproxy's console with the audit: the traffic in this terminal, with verdicts."""
    from taskaudit.proxy.launch import CONSOLE

    _start(CONSOLE, context, _audit_options(log, config, listen), _language(context, lang), only_hint=hint)


@app.command()
def addon() -> None:
    """Print the path of the addon, for mitmdump -s."""
    from taskaudit.paths import addon_script

    typer.echo(addon_script())


@app.command()
def demo() -> None:
    """Show the main job on real traffic: a loopback API, a real mitmdump with the addon, a real client."""
    from taskaudit.demo import run

    raise typer.Exit(run(new_console()))


def _audit_options(log: Path | None, config: Path | None, listen: str | None) -> dict[str, str]:
    """Options of the addon that were given as options of ours."""
    given = {"taskaudit_log": log, "taskaudit_config": config, "taskaudit_listen": listen}
    return {name: str(value) for name, value in given.items() if value is not None}


def _language(context: typer.Context, lang: str | None) -> Language:
    """The language of the hint, and by way of the environment of the audit in the proxy."""
    language = language_of(context, lang)
    os.environ[VARIABLE] = language
    return language


def _start(
    front: FrontEnd, context: typer.Context, audit: dict[str, str], language: Language, *, only_hint: bool
) -> None:
    from taskaudit.proxy.launch import arguments, program, start
    from taskaudit.proxy.passed_on import understand

    meaning = understand(context.args)
    if only_hint:
        _print_hint(front, meaning, language)
        return
    _warn_of_contradictions(audit, meaning)
    _refuse_taken(front, meaning)
    _prepare(front, meaning, language)
    command = [*program(front), *arguments(front, audit, context.args, meaning)]
    try:
        raise typer.Exit(start(command))
    except OSError as error:
        fail(f"cannot start {command[0]}: {error.strerror}")


def _print_hint(front: FrontEnd, meaning: PassedOn | None, language: Language) -> None:
    from taskaudit.proxy.first_run import hint

    if meaning is None:
        fail(f"{front.program} does not take these options: {front.program} --help")
    typer.echo(hint(front, meaning, language))


def _warn_of_contradictions(audit: dict[str, str], meaning: PassedOn | None) -> None:
    """Refuses what is said twice; tells what has no effect."""
    from taskaudit.proxy.launch import overruled

    for option in sorted(meaning.named & set(audit)) if meaning else []:
        fail(f"--{option.removeprefix('taskaudit_')} and --set {option} say the same: give one of them")
    for option in overruled(audit, meaning):
        typer.echo(f"taskaudit: mitmproxy's config.yaml sets {option}, and wins", err=True)


def _refuse_taken(front: FrontEnd, meaning: PassedOn | None) -> None:
    """Before mitmproxy finds it out: the console's screen hides it, and mitmweb ends in a traceback."""
    from taskaudit.proxy.launch import WEB

    if meaning is None or meaning.only_tells:
        return
    for place in meaning.places if front is WEB else meaning.places[:-1]:
        if place.is_taken:
            complain(place.trouble)
            raise typer.Exit(1)


def _prepare(front: FrontEnd, meaning: PassedOn | None, language: Language) -> None:
    """All that is said before the proxy has the terminal, and read before the console takes the screen."""
    from taskaudit.proxy.first_run import hint, is_due
    from taskaudit.proxy.launch import CONSOLE

    is_console = front is CONSOLE and not (meaning and meaning.only_tells)
    if is_console and not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("the console needs a terminal; without one: taskaudit web, or mitmdump -s $(taskaudit addon)")
    if meaning is None or not is_due(meaning):
        return
    typer.echo(hint(front, meaning, language) + "\n", err=True)
    if is_console:
        typer.echo(_GO_ON.of(language), err=True, nl=False)
        sys.stdin.readline()
