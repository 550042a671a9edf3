"""Logs read by several processes: what comes out is what one would have read."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from taskaudit.log import LogError
from taskaudit.story import shares
from taskaudit.story.merged import Merged
from taskaudit.story.shares import read_logs
from taskaudit.story.story import Story, story_of
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shares, "_SECTION", size)
        read_logs(merged, logs, processes)
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
    monkeypatch.setattr(shares, "_read", dies_elsewhere)
    assert read(logs, 2)[1] == read(logs, 1)[1]


HERE, READS = os.getpid(), shares._read


def dies_elsewhere(*given: Any) -> object:
    """Reads in this process, and ends any other."""
    if os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGKILL)
    return READS(*given)


def test_a_foreign_file_is_no_traceback(logs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("{}\n" * 2000, encoding="utf-8")
    with pytest.raises(LogError, match="not a log"):
        read([*logs, tmp_path / "foreign"], 2)
