"""A line that is no record, whatever makes it none, is said with its place; the rest of the log is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskaudit.cli import app
from tests.stories import ask, submit, write_log
from tests.test_times import NO_TIMES

# As JSON: some of it is none, or more than any column holds.
STRANGE = [
    *("NaN", "Infinity", "1e999", "-1", "1.5", "true", "null", "[]", "{}", '""', '"1"', '"0²"', '"²"'),
    *("9" * 400, "9" * 4301, str(2**63 - 1), str(2**63), str(-(2**63)), str(2**32), str(-(2**31))),
    *('"\\ud800"', '"\\udfff\\ud800 "', '"\\u0000"', '"\\u3164"', '"=1+1"'),
]
COMMANDS = [
    ("jobs",),
    ("jobs", "--format", "json"),
    ("findings",),
    *(("report", "--format", form) for form in ("markdown", "html", "junit", "sarif", "json", "github")),
]
JOB = "job-that-is-whole"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(
        app, list(map(str, arguments)), env={"COLUMNS": "200", "TASKAUDIT_LANG": "en"}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def members(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all that is in a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from members(each, (*path, key))


def changed(record: dict[str, Any], path: tuple[Any, ...], written: str) -> bytes:
    """The record's line with one value in another spelling."""
    copy = holder = json.loads(json.dumps(record))
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = "here"
    return json.dumps(copy, separators=(",", ":")).replace('"here"', written).encode()


@pytest.fixture
def whole(tmp_path: Path) -> list[bytes]:
    """A log's lines, with records of all sorts."""
    story = [
        submit(0, JOB),
        ask(1, "RUNNING", job_id=JOB),
        submit(2, None),
        submit(3, "a b"),
        ask(4, "SUCCESS", job_id=JOB),
    ]
    return write_log(tmp_path / "whole", story).read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_time_that_no_clock_shows(whole: list[bytes], tmp_path: Path, command: tuple[str, ...]) -> None:
    lines = [changed(json.loads(line), ("timestamp",), json.dumps(at)) for line in whole for at in NO_TIMES]
    log = tmp_path / "log"
    log.write_bytes(b"".join([whole[0], *(line + b"\n" for line in lines), *whole[1:]]))
    result = run(*command, log)
    assert "TA203" in result.stdout  # On the job id with a blank.
    assert result.exit_code == 2
    assert f"{log}, line 2: not a record: " in result.output


def test_a_time_that_no_clock_shows_is_not_loaded(whole: list[bytes], tmp_path: Path) -> None:
    lines = [changed(json.loads(whole[1]), ("timestamp",), json.dumps(at)) + b"\n" for at in NO_TIMES]
    log = tmp_path / "log"
    log.write_bytes(b"".join([whole[0], *lines, *whole[1:]]))
    result = run("load", log, "--to", tmp_path / "store.db")
    assert f"{len(whole)} records read: {len(whole)} new" in result.output
    assert f"{len(lines)} lines are no record" in result.output
    assert JOB in run("jobs", "--from", tmp_path / "store.db").stdout


@pytest.mark.parametrize("command", COMMANDS[::3], ids=" ".join)
def test_any_value_of_any_member(whole: list[bytes], tmp_path: Path, command: tuple[str, ...]) -> None:
    strange = {changed(json.loads(line), path, value) for line, path, value in _all_of(whole)}
    log = tmp_path / "log"
    log.write_bytes(b"".join([whole[0], *(line + b"\n" for line in sorted(strange)), *whole[1:]]))
    result = run(*command, log)
    assert "TA203" in result.stdout  # On the job id with a blank.
    assert result.exit_code == 2


def _all_of(whole: list[bytes]) -> Iterator[tuple[bytes, tuple[Any, ...], str]]:
    by_type = {(json.loads(line)["event_type"], b'"totals"' in line): line for line in whole}
    for line in by_type.values():
        for path in members(json.loads(line)):
            for value in STRANGE:
                yield line, path, value
