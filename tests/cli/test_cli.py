"""The program as a whole: version, help, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskaudit import __version__
from tests.cli.running import COMMANDS, run


def test_the_version() -> None:
    assert run("--version").output == f"taskaudit {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_names_every_command(arguments: list[str]) -> None:
    text = run(*arguments).output
    assert all(f" {command} " in text for command in COMMANDS)
    assert "taskaudit demo" in text


@pytest.mark.parametrize("command", [*COMMANDS, "config check", "config schema", "waivers test"])
def test_every_command_has_help(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def completion(**environment: str) -> str:
    """What the installed command prints to a shell that completes."""
    command = Path(sys.executable).with_name("taskaudit")
    return subprocess.run(
        [command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown(shell: str) -> None:
    assert "_TASKAUDIT_COMPLETE=complete_" in completion(_TASKAUDIT_COMPLETE=f"source_{shell}")


def test_commands_are_completed() -> None:
    facts = {"_TASKAUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "taskaudit che", "COMP_CWORD": "1"}
    assert completion(**facts).split() == ["check"]


def test_help_comes_without_what_takes_long_to_import() -> None:
    program = (
        "import sys, taskaudit.cli; sys.exit(any(m in sys.modules for m in ('mitmproxy', 'ruamel.yaml')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
