"""`taskaudit load`, and `--from` of the commands that tell of logs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.stories import ask, submit, write_log
from tests.tangles import load, tangle, view_rows


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a job."""
    return write_log(tmp_path / "log", [submit(0), ask(9, "SUCCESS")])


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_load(log: Path, tmp_path: Path, prefix: str) -> None:
    store = f"{prefix}{tmp_path / 'store.db'}"
    assert run("load", log, "--to", store).stdout == "5 records read: 5 new, 0 already there\n"
    assert run("load", log, "--to", store).stdout == "0 records read: 0 new, 0 already there\n"


def test_a_damaged_log_is_loaded_and_told(log: Path, tmp_path: Path) -> None:
    with log.open("ab") as file:
        file.write(b"damaged\n")
    result = run("load", log, "--to", tmp_path / "store.db")
    assert result.exit_code == 2
    assert f"{log}, line 6: not JSON" in result.stderr
    assert result.stdout == "5 records read: 5 new, 0 already there; 1 line is no record\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["jobs"],
        ["jobs", "-f", "json"],
        ["jobs", "-f", "csv", "--state", "final"],
        ["jobs", "--job", "a1", "-f", "json"],
        ["jobs", "--since", "1h"],
        ["findings"],
        ["findings", "-f", "json", "--severity", "error"],
        ["findings", "-f", "csv"],
    ],
    ids=" ".join,
)
def test_a_store_tells_what_the_logs_tell(tmp_path: Path, arguments: list[str]) -> None:
    logs, store = tangle(tmp_path, 7), str(tmp_path / "store.db")
    load(store, logs)
    of_logs, of_store = run(*arguments, *logs), run(*arguments, "--from", store)
    assert of_store.stdout == of_logs.stdout != ""
    assert of_store.stderr == of_logs.stderr
    assert of_store.exit_code == of_logs.exit_code == 0


def test_the_views_judge_by_the_configuration(log: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("query_within: 5\n", encoding="utf-8")
    store = tmp_path / "store.db"
    run("load", log, "--to", store, "--config", tmp_path / "c.yaml")
    assert "TA501" in view_rows(str(store), "jobs")[0]
    assert "TA501" in run("jobs", "--from", store, "--config", tmp_path / "c.yaml").stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_following_ends_in_good_order(log: Path, tmp_path: Path, stop: signal.Signals) -> None:
    store = tmp_path / "store.db"
    load(str(store), [log])
    command = [Path(sys.executable).with_name("taskaudit"), "load", log, "--to", store, "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            write_log(log, [submit(20, "next")], ends=30)
            while len(view_rows(str(store), "jobs")) < 2:
                assert process.poll() is None
            os.kill(process.pid, stop)
            told, complaints = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, complaints) == (0, "")
    assert told == "5 records read: 5 new, 0 already there\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["load"], "Missing argument"),
        (["load", "log"], "Missing option '--to'"),
        (["load", "missing", "--to", "s.db"], "cannot read the log missing: No such file"),
        (["load", "text", "--to", "s.db"], "text is not a log of taskaudit"),
        (["load", "log", "--to", "text"], "the store text: file is not a database"),
        (["load", "log", "--to", "mysql://x"], 'no store of the kind "mysql"'),
        (["load", "log", "--to", "postgresql://me:canary@127.0.0.1:1/db"], "me@127.0.0.1:1/db: connection"),
        (["load", "log", "--to", "s.db", "--config", "text"], "text"),
        (["jobs", "--from", "s.db"], "the store s.db: no such file; taskaudit load LOG --to makes one"),
        (["jobs", "--from", "text"], "the store text: file is not a database"),
        (["jobs", "--from", "s.db", "log"], "one of the two"),
        (["findings", "--from", "s.db", "log"], "one of the two"),
        (["findings"], "one of the two"),
        (["jobs", "--follow"], "one of the two"),
        (["jobs", "--from", "s.db", "--follow"], "--follow goes with logs"),
    ],
)
def test_wrong_usage(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("hello, this is neither log nor database\n" * 50, encoding="utf-8")
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "canary" not in result.stderr
    assert len(result.stderr.splitlines()) == 1 or "Usage:" in result.stderr
