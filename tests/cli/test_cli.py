"""The program as a whole: version, help, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from taskaudit import __version__
from taskaudit.cli import app, proxy
from taskaudit.proxy import serve as serving
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


def leaves(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command there is, by the words that call it."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.resolve_command(context, [name])[1]
            if isinstance(command, click.Group):
                yield from leaves(command, (*path, name))
            else:
                yield (*path, name), command


LEAVES = dict(leaves(typer.main.get_command(app)))


def test_the_walk_sees_all() -> None:
    assert {path[0] for path in LEAVES} == set(COMMANDS)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_short_options_mean_the_same_everywhere(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-h` is `--help`, and `-c FILE` is `--config FILE` wherever there is one; neither is anything else."""
    monkeypatch.chdir(tmp_path)
    assert run(*path, "-h").stdout == run(*path, "--help").stdout != ""
    options = [option for each in LEAVES[path].params for option in each.opts]
    assert [each.name for each in LEAVES[path].params if "-c" in each.opts] in ([], ["config"])
    if "--config" not in options or path[0] in ("web", "tui", "serve"):
        return
    needed = ["--to", "store.db"] if path == ("load",) else []
    told = [run(*path, "log", *needed, form, "missing.yaml") for form in ("-c", "--config")]
    assert told[0].stderr == told[1].stderr == "taskaudit: missing.yaml: no such file\n"
    assert [each.exit_code for each in told] == [2, 2]


@pytest.mark.parametrize("words", ["-c own.yaml", "-cown.yaml", "--config own.yaml", "--config=own.yaml"])
@pytest.mark.parametrize("command", ["web", "tui", "serve"])
def test_a_proxy_takes_the_same_options(command: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Besides those of mitmproxy: `-rcapture` is none of them."""
    started: list[Any] = []
    monkeypatch.setattr(proxy, "_start", lambda *given, **_: started.append((given[2], given[1].args)))
    monkeypatch.setattr(serving, "serve", lambda *given: started.append(given) or 0)
    monkeypatch.setattr(serving, "leave", lambda _: None)
    assert run(command, "-rcapture", *words.split(), "-p", "9").exit_code == 0
    (told,) = started
    assert "own.yaml" in str(told)
    assert ["-rcapture", "-p", "9"] in list(told)
