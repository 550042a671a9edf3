"""What the tests of the commands share: one call in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from taskaudit.cli import app

COMMANDS = [
    *("check", "jobs", "findings", "report", "bug", "waivers", "load", "explain"),
    *("web", "tui", "serve", "addon", "learn", "config", "demo"),
]
WAIVERS = (
    "waivers: [{rule: TA306, pointer: /error/code, reason: known, owner: team-ecs, until: 2099-12-31}]\n"
)
# In English, whatever the locale of who tests.
ENVIRONMENT = {"COLUMNS": "100", "TASKAUDIT_LANG": "en"}


def run(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    """One call in this process; a traceback of it fails the test."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env=ENVIRONMENT)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
