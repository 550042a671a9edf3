"""What starts a proxy with the audit: `taskaudit addon` and `taskaudit demo`."""

from __future__ import annotations

import typer

from taskaudit.cli.printing import new_console
from taskaudit.cli.root import app


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
