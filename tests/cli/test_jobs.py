"""`taskaudit jobs`, and what it has in common with `findings`."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taskaudit.cli import jobs
from taskaudit.recording.recorder import Recorder
from tests.cli.running import run
from tests.samples import JOB_ID
from tests.stories import ask, submit, write_log


def test_jobs(log: Path) -> None:
    table = run("jobs", log)
    assert table.exit_code == 0
    assert JOB_ID in table.stdout
    as_json = [json.loads(line) for line in run("jobs", log, "--format", "json").stdout.splitlines()]
    assert [job["job_id"] for job in as_json] == [JOB_ID, "=1+1"]
    as_csv = list(csv.DictReader(io.StringIO(run("jobs", log, "-f", "csv").stdout)))
    assert [job["job_id"] for job in as_csv] == [JOB_ID, "'=1+1"]


def test_many_jobs_are_in_several_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is as wide as what is in it, so that a long one would be waited for."""
    log = write_log(tmp_path / "log", [submit(number, f"job-{number}") for number in range(7)])
    whole = run("jobs", log).stdout
    monkeypatch.setattr(jobs, "ROWS", 3)
    cut = run("jobs", log).stdout
    assert [cut.count(f"job-{number} ") for number in range(7)] == [1] * 7
    assert whole.count("job id") == 1
    assert cut.count("job id") == 3
    assert cut.splitlines()[-2:] == whole.splitlines()[-2:]
    assert "7 jobs: 7 never-queried" in cut


def test_every_query_is_counted_and_in_the_story_told(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), *(ask(5 + number) for number in range(30))])
    assert json.loads(run("jobs", log, "-f", "json").stdout)["queries"] == 30
    whole = json.loads(run("jobs", log, "--job", JOB_ID, "-f", "json").stdout)
    assert (whole["queries"], len(whole["steps"])) == (30, 30)


def test_no_jobs(log_path: Path, recorder: Recorder) -> None:
    assert "no jobs" in run("jobs", log_path).stdout


def test_jobs_of_a_damaged_log(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:1], b"damaged\n", *lines[1:]]))
    result = run("jobs", log)
    assert result.exit_code == 2
    assert JOB_ID in result.stdout
    assert f"{log}, line 2: not JSON" in result.stderr


def test_one_story_of_two_logs(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0)])
    second = write_log(tmp_path / "b", [ask(5), ask(9, "SUCCESS")], instance="proxy-b")
    text = run("jobs", first, second).stdout
    assert "1 job: 1 final" in text
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in text
    assert "TA5" not in text
    story = run("jobs", second, first, "--job", JOB_ID).stdout
    assert "RUNNING -> SUCCESS" in story
    assert "[proxy-b]" in story
    assert json.loads(run("jobs", first, second, "--job", JOB_ID, "-f", "json").stdout)["took"] == 9


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["--state", "final"], [JOB_ID]),
        (["--state", "never-queried"], ["8ab1"]),
        (["--route", "volumes"], ["8ab1"]),
        (["--since", "95s"], ["8ab1"]),
        (["--since", "2026-09-21T14:13:30Z"], ["8ab1"]),
        (["--state", "no-status"], []),
        (["--state", "not-asked-yet"], []),
    ],
)
def test_jobs_are_chosen(tmp_path: Path, options: list[str], chosen: list[str]) -> None:
    other = submit(10, "8ab1", path="/v2/p/cloudvolumes")
    log = write_log(tmp_path / "log", [submit(0), ask(9, "SUCCESS"), other], ends=100)
    lines = run("jobs", log, "--format", "json", *options).stdout.splitlines()
    assert [json.loads(line)["job_id"] for line in lines] == chosen
    assert f"{len(chosen)} of 2 jobs" in run("jobs", log, *options).stdout


def test_the_thresholds_come_from_the_configuration(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(50, "SUCCESS")])
    (tmp_path / "c.yaml").write_text("query_within: 10\n", encoding="utf-8")
    assert "TA501" not in run("jobs", log).stdout
    assert "TA501" in run("jobs", log, "--config", tmp_path / "c.yaml").stdout


def test_what_is_missing_is_told_beside_json(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5), ask(9, "SUCCESS")])
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    for command in ("jobs", "findings"):
        result = run(command, log, "--format", "json")
        assert result.exit_code == 0
        assert "1 records LOST, or not in these logs" in result.stderr


def test_following_in_a_pipe_sees_what_comes(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    command = [sys.executable, "-c", "from taskaudit.cli import main; main()", "jobs", str(log), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert JOB_ID in process.stdout.readline()
            write_log(log, [submit(1, "8ab1"), ask(5, "SUCCESS", "8ab1")], stop=False)
            told = process.stdout.readline()
            while "SUCCESS" not in told:
                told = process.stdout.readline()
            assert "8ab1" in told
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_logs_in_chinese(log: Path) -> None:
    assert "2 个任务：从未查询 2" in run("jobs", log, "--lang", "zh").stdout
    assert "任务 =1+1（从未查询）" in run("jobs", log, "--job", "=1+1", "--lang", "zh").stdout
    assert "期望：String；实际：Number 400" in run("findings", log, "--lang", "zh").stdout


@pytest.mark.parametrize("command", ["jobs", "findings"])
@pytest.mark.parametrize("output", ["json", "csv"])
def test_machines_are_told_the_same_in_every_language(log: Path, command: str, output: str) -> None:
    told = [run(command, log, "-f", output, "--lang", language).stdout for language in ("en", "zh")]
    assert told[0] == told[1] != ""
    assert told[0].isascii()


def test_jobs_and_findings_follow_the_policy(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)])
    (tmp_path / "c.yaml").write_text("severities: [{rule: TA501, severity: off}]", encoding="utf-8")
    for command in ("jobs", "findings"):
        assert "TA501" in run(command, log).stdout
        assert "TA501" not in run(command, log, "--config", tmp_path / "c.yaml").stdout
