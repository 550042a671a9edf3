"""A log that another tool has written anew is still a log: read, recognised, and appended to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.reports.gather import gather
from taskaudit.sources.reading import is_log
from tests.programs import found
from tests.samples import BAD_ERROR, outcome
from tests.stories import START, ask, submit, write_log

STORY = [submit(0), ask(5, "SUCCESS"), outcome(BAD_ERROR, 400, started=START, ended=START + 2)]
TOOLS: dict[str, Callable[[dict[str, object]], str]] = {
    "blanks": json.dumps,
    "sorted": lambda record: json.dumps(record, sort_keys=True, separators=(",", ":")),
    "the other way round": lambda record: json.dumps(dict(reversed(record.items()))),
    "blanks before": lambda record: " " + json.dumps(record) + "\r",
}
COMMANDS = (
    ["jobs"],
    ["findings"],
    ["bug"],
    *(["report", "--format", form] for form in ("json", "markdown", "junit", "sarif", "github")),
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log", STORY)


def rewrite(log: Path, tool: str) -> None:
    """Each record is the same as before."""
    if tool == "jq":
        text = subprocess.run([found("jq"), "-S", "-c", ".", log], capture_output=True, check=True).stdout
        log.write_bytes(text)
    else:
        lines = log.read_text(encoding="utf-8").splitlines()
        log.write_text("".join(f"{TOOLS[tool](json.loads(line))}\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("tool", [*TOOLS, "jq"])
def test_every_command_reads_it(tool: str, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gather.__kwdefaults__, "clock", lambda: START)
    expected = [run(*command, str(log)) for command in COMMANDS]
    rewrite(log, tool)
    assert [run(*command, str(log)) for command in COMMANDS] == expected
    assert run("load", str(log), "--to", f"sqlite:///{log.parent}/store")[0] == 0
    assert is_log(log)
    status, said = run("check", str(log))
    assert (status, "a log of taskaudit" in said) == (2, True)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words], env={"TASKAUDIT_LANG": "en", "COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result.exit_code, result.output


@pytest.mark.parametrize("tool", [*TOOLS, "jq"])
def test_it_is_appended_to(tool: str, log: Path) -> None:
    rewrite(log, tool)
    before = log.read_bytes()
    write_log(log, [submit(9, "job-9")])
    assert log.read_bytes().startswith(before)
    assert run("jobs", str(log))[1].splitlines()[-1].startswith("seen 4 = other 0 + audited 4 ")


@pytest.mark.parametrize(
    "first",
    [
        b'{"event_type": "session"}\n',
        b'{"event_type": "session", "session": {}, "timestamp": 1}\n',
        b'{"event_type": "finding", "session": {}, "timestamp": "2026-09-21T14:13:20Z"}\n',
        b'{"event_type": "session", "session": {}, "timestamp": "2026-09-21T14:13:20Z"\n',
        b'["event_type", "session"]\n',
    ],
)
def test_what_only_looks_like_it_is_none(first: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(first)
    assert not is_log(path)
    assert run("jobs", str(path))[0] == 2
