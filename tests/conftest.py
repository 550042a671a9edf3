"""Fixtures that every test may use, and the one that no test can escape: each record fits the schema."""

from __future__ import annotations

import functools
import gc
import itertools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import typer
from hypothesis import HealthCheck, settings

from taskaudit.log import LogFile
from taskaudit.paths import configs_dir
from taskaudit.recording.recorder import Recorder
from tests import programs

# What a script starts in the background ignores Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test asserts on time: these may be slow machines. `make fuzz` looks for new examples, and more of them.
_UNHURRIED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, database=None, **_UNHURRIED)
settings.register_profile("new", max_examples=1000, print_blob=True, **_UNHURRIED)
settings.load_profile("same")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Binary data has no place in a test's name: gzip's holds the time, and parallel runs compare names."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After pytest-randomly: alone, fast tests come first; in parallel, long ones, or one would be last."""
    is_parallel = hasattr(config, "workerinput")
    items.sort(key=lambda item: ("live" in item.path.parts) is not is_parallel)


def pytest_collection_finish() -> None:
    """What thousands of tests are made of stays to the end: the collector need not look at it again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what did not run for want of a program, and how to have it run."""
    skipped = terminalreporter.stats.get("skipped", ())
    for line in programs.summary(str(report.longrepr[2]) for report in skipped):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def programs_are_asked_for() -> Iterator[None]:
    """Only `sh`, which make needs too, is started by its name alone: `found` skips what cannot run."""
    start = subprocess.Popen.__init__

    @functools.wraps(start)
    def guarded(self: Any, args: Any, *more: Any, **options: Any) -> None:
        name = os.fsdecode(args if isinstance(args, str | bytes | os.PathLike) else next(iter(args)))
        assert os.path.isabs(name) or name == "sh", f"{name}: start tests.programs.found({name!r})"
        start(self, args, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", guarded)
        yield


SCHEMA = json.loads((configs_dir() / "records.schema.json").read_text(encoding="utf-8"))
# By the event type, which is a constant in each: to try one after the other takes three times as long.
RECORDS = {
    event_type: jsonschema_rs.Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": named})
    for event_type, named in SCHEMA["discriminator"]["mapping"].items()
}


@pytest.fixture(scope="session", autouse=True)
def commands_are_built_once() -> Iterator[None]:
    """Typer builds the whole command line for each call of it, which takes longer than most commands do."""
    build = typer.main.get_command
    of_as_many = functools.cache(lambda app, _known: build(app))

    def built(app: typer.Typer) -> object:
        return of_as_many(app, (len(app.registered_commands), len(app.registered_groups)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_command", built)
        patch.setattr("typer.testing._get_command", built)
        yield


@pytest.fixture(scope="session", autouse=True)
def every_record_fits_the_schema() -> Iterator[None]:
    """Holds every line written to a log in this process to the JSON Schema that ships."""
    append = LogFile.append

    @functools.wraps(append)
    def validated(log: LogFile, lines: bytes) -> None:
        assert lines.endswith(b"\n"), "whole lines only"
        for line in lines.splitlines():
            record = json.loads(line)
            RECORDS[record["event_type"]].validate(record)
        append(log, lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogFile, "append", validated)
        yield


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where the log of this test lies."""
    return tmp_path / "audit.ndjson"


@pytest.fixture
def new_recorder(log_path: Path) -> Iterator[Callable[..., Recorder]]:
    """Makes recorders on `log_path` whose clock goes on by a second each time it is read."""
    made: list[Recorder] = []

    def make(**changed: Any) -> Recorder:
        ticks = itertools.count(1_790_000_000)
        facts = {"instance_id": "test", "mode": "regular", "config_digest": "d" * 64}
        log = changed.pop("log", None) or LogFile(log_path)
        made.append(Recorder(log, clock=lambda: float(next(ticks)), **{**facts, **changed}))
        return made[-1]

    yield make
    for recorder in made:
        recorder.log.close()


@pytest.fixture
def recorder(new_recorder: Callable[..., Recorder]) -> Recorder:
    """A recorder that has started its session."""
    made = new_recorder()
    made.start()
    return made


@pytest.fixture
def lines(log_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """Reads what the log holds now."""
    return lambda: [json.loads(line) for line in log_path.read_bytes().splitlines()]
