"""`fsync: batch`: an answer waits for the disk, and nothing else does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Client, Proxy, Start, bodies, wait_until

from taskaudit.demo.api import DemoApi

SLOW_DISK = """
import os, time

def fsync(fd):
    open({started!r}, "a").close()
    while not os.path.exists({ready!r}):
        time.sleep(0.005)
    if os.path.exists({broken!r}):
        raise OSError(5, "Input/output error")

os.fsync = fsync
"""
"""A mitmproxy script: the disk answers when the test lets it."""


class Disk:
    """Signs that the test and the script leave each other."""

    def __init__(self, folder: Path) -> None:
        self.started, self.ready, self.broken = (folder / name for name in ("started", "ready", "broken"))
        self.script = folder / "slow_disk.py"
        signs = {"started": str(self.started), "ready": str(self.ready), "broken": str(self.broken)}
        self.script.write_text(SLOW_DISK.format(**signs))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    folder = tmp_path / "signs"
    folder.mkdir()
    return Disk(folder)


@pytest.fixture
def batching(launch: Start, api: DemoApi, tmp_path: Path, disk: Disk) -> Proxy:
    """A proxy that forces records to this disk in groups."""
    config = tmp_path / "taskaudit.yaml"
    config.write_text("log: {fsync: batch}\n")
    options = ("--mode", f"reverse:{api.url}", "--set", f"taskaudit_config={config}")
    return launch(*options, scripts=(disk.script,))


def test_an_answer_waits_for_the_disk_and_other_traffic_does_not(
    batching: Proxy, disk: Disk, client: Callable[[int], Client]
) -> None:
    answers: list[bytes] = []
    ask, other = client(batching.port), client(batching.port)
    submitting = threading.Thread(target=lambda: answers.append(ask.submit("web")[1]))
    submitting.start()
    wait_until(lambda: batching.log.read_bytes().count(b'"event_type":"submission"') == 1, "the record")
    wait_until(disk.started.exists, "a disk at work")
    for _ in range(20):
        assert other("GET", "/v1/elsewhere")[0]
    assert answers == []
    disk.ready.touch()
    submitting.join()
    assert json.loads(answers[0])["job_id"] == batching.of("submission")[0]["job_id"]
    assert batching.stopped()


def test_a_disk_that_refuses_holds_nothing_up(
    batching: Proxy, disk: Disk, client: Callable[[int], Client]
) -> None:
    disk.broken.touch()
    disk.ready.touch()
    ask = client(batching.port)
    for _ in range(5):
        assert ask.submit("web")[0] == 200
    records = batching.stopped()
    assert [fault["reason"] for fault in bodies(records, "fault")] == ["sync_failed"]
    assert "Input/output error" in bodies(records, "fault")[0]["message"]
    assert len(bodies(records, "submission")) == 5
