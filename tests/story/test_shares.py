"""Logs read by several processes: what comes out is what one would have read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from taskaudit.log import LogError
from taskaudit.story import shares
from taskaudit.story.merged import Merged
from taskaudit.story.shares import read_logs
from taskaudit.story.story import Story, story_of
from tests.offline.test_processes import wait_for_processes
from tests.samples import BAD_ERROR, outcome
from tests.stories import START, ask, submit, write_log

LIFE = [
    step
    for number in range(40)
    for step in (
        submit(number, f"job-{number}"),
        ask(number + 0.5, "RUNNING", f"job-{number - 3}"),
        outcome(BAD_ERROR, 400, started=START, ended=START + number + 0.6),
        ask(number + 0.75, "SUCCESS", f"job-{number - 9}"),
    )
]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two proxies' logs, lines of which are damaged, and one of them again."""
    logs = [write_log(tmp_path / str(n), LIFE[n::2], instance=f"proxy-{n}") for n in range(2)]
    for log in logs:
        lines = log.read_bytes().splitlines(keepends=True)
        for number in (3, 60, len(lines) - 2):
            lines[number] = b"damaged\n"
        log.write_bytes(b"".join(lines))
    return [*logs, logs[0]]


def read(logs: list[Path], processes: int, size: int = 2000) -> tuple[Merged, Story]:
    merged = Merged()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        patch.setattr(shares, "_SECTION", size)
        read_logs(merged, logs, opened, processes)
        return merged, story_of(merged)


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("size", [1, 2000, 10**9])
def test_several_processes_read_what_one_reads(logs: list[Path], processes: int, size: int) -> None:
    _, expected = read(logs, 1)
    _, story = read(logs, processes, size)
    assert story == expected
    assert [damaged.line for damaged in story.damaged] == [
        4, 61, story.damaged[2].line, 4, 61, story.damaged[5].line
    ]  # fmt: skip
    assert len(story.jobs) > 40
    assert sum(found.count for found in story.findings) > 40


def test_short_logs_are_read_here(logs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(shares, "shared_out")
    assert read(logs, 2, shares._SECTION)[1] == read(logs, 1)[1]


def test_what_a_process_that_died_was_to_read_is_read_here(
    logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "_by_process", dies)
    _, story = read(logs, 2)
    assert story == read(logs, 1)[1]


def dies(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_foreign_file_is_no_traceback(logs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("{}\n" * 2000, encoding="utf-8")
    with pytest.raises(LogError, match="not a log"):
        read([*logs, tmp_path / "foreign"], 2)


def test_ctrl_c_ends_all_of_them(tmp_path: Path) -> None:
    """The terminal interrupts every process of its group; what is left of a large log is not read."""
    log, aside = write_log(tmp_path / "log", LIFE), tmp_path / "aside"
    aside.mkdir()
    first, *lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + b"".join(lines) * 800)
    program = (
        "from taskaudit.story import shares; shares.cores = lambda: 2; import taskaudit.cli as c; c.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "jobs", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(aside)},
    ) as run:
        wait_for_processes(run.pid)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode not in (0, None)
    assert (out, "Traceback" in err) == ("", False)
    assert list(aside.iterdir()) == []
