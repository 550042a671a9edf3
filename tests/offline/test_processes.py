"""Several processes find what one finds; one that dies is a damage, and nothing goes on after an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskaudit.contract.rules import RULES
from taskaudit.offline import check, processes
from taskaudit.offline.check import Check, Checked, Damaged, as_json
from taskaudit.offline.processes import gather
from tests.offline.test_check import GET, HAR, as_har
from tests.samples import auditor

WORTH = 200
"""Bytes: each of these files is larger."""


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Conversations cut in two, so that rules are broken only by both together; and damage."""
    monkeypatch.setattr(check, "cores", lambda: 2)
    paths = []
    for code in ("TA204", "TA503", "TA505", "TA507"):
        steps = RULES[code].bad
        assert isinstance(steps, tuple)
        for half, part in enumerate((steps[:1], steps[1:])):
            paths.append(tmp_path / f"{code}-{half}.har")
            as_har(part, paths[-1])
    paths.append(tmp_path / "damaged.har")
    paths[-1].write_text(HAR % f'{{"request": 1}}, {GET}')
    return [*paths, tmp_path / "none"]


def told(paths: list[Path], worth: int) -> tuple[list[str], Check]:
    run = Check(auditor(), worth_a_process=worth)
    read: list[int] = []
    items = list(run.over(paths, read.append))
    assert sum(read) == sum(path.stat().st_size for path in paths if path.exists())
    return [as_json(item) if isinstance(item, Checked) else repr(item) for item in items], run


def test_several_processes_find_what_one_finds(captures: list[Path]) -> None:
    lines, run = told(captures, WORTH)
    expected, alone = told(captures, 10**9)
    assert lines[: run.damaged] == expected[: alone.damaged]
    assert lines == expected
    assert run.totals == alone.totals
    assert {"TA204", "TA505"} <= set(run.totals.findings)
    assert run.damaged == alone.damaged == 2


def dies(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_told_and_is_no_traceback(
    captures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_gather", dies)
    run = Check(auditor(), worth_a_process=WORTH)
    items = list(run.over(captures))
    assert [item.source for item in items if isinstance(item, Damaged)] == [str(path) for path in captures]
    assert all("has died" in item.damage.message for item in items if isinstance(item, Damaged))
    assert run.exit_status(check.Severity.ERROR) == check.UNREADABLE


def test_who_stops_listening_does_not_wait_for_the_rest(captures: list[Path], tmp_path: Path) -> None:
    shares = [[path] for path in captures]
    folder = tmp_path / "folder"
    folder.mkdir()
    gatherings = gather(auditor(), shares, folder, None)
    next(gatherings).close()
    gatherings.close()  # type: ignore[attr-defined]  # a generator, which the caller need not know


def test_ctrl_c_ends_all_of_them_at_once(tmp_path: Path) -> None:
    """The terminal interrupts every process of its group; what is left of two large files is not read."""
    entries = ",".join([GET.replace("http://a/b", "http://a/" + "b" * 1000)] * 20_000)
    for name in ("a", "b"):
        (tmp_path / name).write_text(f'{{"log": {{"entries": [{",".join([entries] * 6)}]}}}}')
    command = [sys.executable, "-c", "from taskaudit.cli import main; main()", "check", "a", "b"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        wait_for_processes(run.pid)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode not in (0, None)
    assert out == ""
    assert "Traceback" not in err


def wait_for_processes(pid: int) -> None:
    """Until the program has started others."""
    while not Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").strip():
        time.sleep(0.01)
