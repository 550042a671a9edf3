"""Several processes find what one finds; one that dies is a damage, and nothing goes on after an end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from taskaudit.contract.rules import RULES
from taskaudit.offline import check, processes
from taskaudit.offline.check import Check, Checked, Damaged, as_json
from taskaudit.offline.gathering import Gathering
from taskaudit.offline.processes import _gather, gather
from taskaudit.processes import Advance
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


def dies_at_the_third(setup: Any, paths: Sequence[Path], advance: Advance | None) -> Gathering:
    if paths[0].name == "TA503-0.har":
        os.kill(os.getpid(), signal.SIGKILL)
    return _gather(setup, paths, advance)


def test_a_process_that_dies_is_told_and_is_no_traceback(
    captures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others were to read is read."""
    expected = [item for item in Check(auditor()).over(captures) if isinstance(item, Checked)]
    monkeypatch.setattr(processes, "_gather", dies_at_the_third)
    run = Check(auditor(), worth_a_process=WORTH)
    items = list(run.over(captures))
    died = [item for item in items if isinstance(item, Damaged) and "has died" in item.damage.message]
    lost = {item.source for item in died}
    assert {"TA503-0.har"} <= {Path(each).name for each in lost} < {each.name for each in captures}
    found = [(item.source, item.index) for item in items if isinstance(item, Checked)]
    assert found == [(each.source, each.index) for each in expected if each.source not in lost]
    assert run.exit_status(check.Severity.ERROR) == check.UNREADABLE


def test_who_stops_listening_does_not_wait_for_the_rest(captures: list[Path]) -> None:
    gatherings = gather(auditor(), [[path] for path in captures], None)
    next(gatherings).close()
    gatherings.close()  # type: ignore[attr-defined]  # a generator, which the caller need not know


def wait_for_processes(pid: int) -> list[int]:
    """Until the program has started others; those."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not (found := children.read_text(encoding="utf-8").split()):
        time.sleep(0.01)
    return [int(each) for each in found]
