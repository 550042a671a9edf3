"""The commands are imported one by one: with the help as if all were, and without what takes long."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer

from taskaudit.cli.root import COMMANDS, app

OTHERS = ("mitmproxy", "tornado", "sqlalchemy", "psycopg", "jinja2", "prometheus_client", "ruamel")
"""What takes long to import, and neither a help nor a small file needs."""
SLOW = (*OTHERS, "rich.markdown")
FOR_TABLES = ("rich.table", "rich.live", "rich.progress")
FOR_MODELS = ("pydantic", "msgspec", "jiter", "rich.console")


def imported(*arguments: str | Path) -> set[str]:
    """The modules that are there once the command has run."""
    program = (
        "import sys, taskaudit.cli\n"
        "sys.argv[0] = 'taskaudit'\n"
        "try: taskaudit.cli.main()\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def those_of(names: Iterable[str], modules: set[str]) -> list[str]:
    """Which of the names are there, as a module or a package."""
    return [name for name in names if any(each == name or each.startswith(name + ".") for each in modules)]


def test_the_version_comes_without_anything_that_takes_long() -> None:
    modules = imported("--version")
    assert not those_of((*SLOW, *FOR_TABLES, *FOR_MODELS), modules)


def test_the_help_imports_no_command() -> None:
    modules = imported("--help")
    ours = {name for name in modules if name.startswith("taskaudit.")}
    assert those_of(("pydantic", "msgspec", "jiter"), modules) == []
    assert those_of(OTHERS, modules) == []
    assert ours == {
        "taskaudit.cli",
        "taskaudit.cli.options",
        "taskaudit.cli.printing",
        "taskaudit.cli.root",
        "taskaudit.contract",
        "taskaudit.contract.words",
        "taskaudit.failure",
        "taskaudit.text",
        "taskaudit.text.language",
        "taskaudit.text.streams",
    }


def test_the_help_of_a_command_imports_no_other() -> None:
    modules = imported("jobs", "--help")
    commands = {name for name in modules if name.startswith("taskaudit.cli.")}
    assert commands == {f"taskaudit.cli.{name}" for name in ("jobs", "options", "printing", "root")}
    assert not those_of(OTHERS, modules)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_small_file_is_checked_without_what_it_does_not_need(form: str, tmp_path: Path) -> None:
    small = tmp_path / "small.json"
    small.write_text(json.dumps({"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}), encoding="utf-8")
    modules = imported("check", small, "--format", form)
    assert not those_of((*SLOW, *FOR_TABLES), modules)
    assert "taskaudit.cli.jobs" not in modules


@pytest.fixture(scope="module")
def whole() -> dict[str, tuple[str, str]]:
    """Every command when all are imported: the module it is in, and the first paragraph of its help."""
    group = typer.main.get_command(app)
    found = {}
    for name in COMMANDS:
        with typer.Context(group) as context:
            _, command, _ = group.resolve_command(context, [name])  # type: ignore[attr-defined]
        paragraph = inspect.cleandoc(command.short_help or command.help or "").split("\n\n")[0]
        found[name] = command.name, paragraph.replace("\n", " ")
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_itself(name: str, whole: dict[str, tuple[str, str]]) -> None:
    assert whole[name] == (name, COMMANDS[name].help)


def test_every_command_that_there_is_is_listed(whole: dict[str, tuple[str, str]]) -> None:
    commands = [each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands]
    assert sorted([*commands, *(str(each.name) for each in app.registered_groups)]) == sorted(whole)
