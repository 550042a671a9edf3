"""`taskaudit serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from taskaudit.cli.options import PASSES_ON, BaselineOption, PassesOn
from taskaudit.cli.printing import fail
from taskaudit.cli.root import app
from taskaudit.contract.verdict import Severity

_NOT_HERE = (
    "serve is for Linux and macOS: it is run by signals that Windows does not have. "
    "Here, use: taskaudit web, or mitmdump -s with the path that taskaudit addon prints"
)


@app.command(
    cls=PassesOn,
    context_settings=PASSES_ON,
    epilog="All other options are mitmproxy's, as far as they are about proxying: --mode, --listen-host, -p, "
    "--certs, --proxyauth, --upstream-auth, --ssl-insecure, -w FILE, --set NAME=VALUE ...; mitmproxy's "
    "config.yaml is not read.\n\n"
    "Bodies over inspection_limit, of requests and answers, pass on as they come and are not kept in memory; "
    "--set stream_large_bodies=SIZE sets another limit for that.\n\n"
    "[bold]taskaudit serve --mode reverse:https://ecs.example.com -p 8080 --listen 9101[/]\n\n"
    "SIGTERM and SIGINT stop it in good order, SIGHUP opens the log anew and reads the configuration. "
    "Exit status: 0; 1 it could not start, or a finding with --fail-on; 2 wrong usage.",
)
def serve(
    context: typer.Context,
    log: Annotated[Path, typer.Option("--log", help="File that records are appended to.")] = Path(
        "taskaudit.ndjson"
    ),
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Configuration file (YAML); -c is the same.", show_default="the shipped one"
        ),
    ] = None,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="[HOST:]PORT",
            help="Serve the status page, /healthz and /metrics there.",
            show_default="nowhere",
        ),
    ] = "",
    baseline: BaselineOption = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option(
            "--fail-on",
            help="Exit with status 1 where there was a finding of this severity or worse.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell of each connection, and every line each time.")
    ] = False,
) -> None:
    """Audit without anybody looking on: a lean proxy for staging, for weeks. On Linux and macOS."""
    options = [
        f"taskaudit_log={log}",
        f"taskaudit_config={config or ''}",
        f"taskaudit_listen={listen}",
        f"taskaudit_baseline={baseline or ''}",
    ]
    if sys.platform == "win32":
        fail(_NOT_HERE)
    else:
        from taskaudit.proxy.lean import Refused
        from taskaudit.proxy.serve import leave
        from taskaudit.proxy.serve import serve as run

        try:
            status = run(context.args, options, fail_on, verbose)
        except Refused as error:
            fail(str(error))
        leave(status)
