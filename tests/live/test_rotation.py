"""Rotation at full load: by the audit itself and by others. Nothing lost, nothing doubled."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forking import Forks
from running import Client, Proxy, Start, assert_sound, bodies, wait_until
from serving import Serve
from zstandard import ZstdDecompressor

from taskaudit.demo.api import DemoApi
from taskaudit.log import Damaged, read_log
from taskaudit.log.names import rotated
from taskaudit.paths import configs_dir
from tests.programs import found

Connect = Callable[[int], Client]
CLIENTS = 4
LIMIT = 100_000


class Load:
    """Clients that submit until they are told to stop, or their proxy is gone; every answer counts."""

    def __init__(self, proxy: Proxy | Serve) -> None:
        self.job_ids: list[str] = []
        self._stopping = threading.Event()
        port = proxy.port
        self._threads = [threading.Thread(target=self._run, args=(port,)) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def go_on(self, count: int) -> None:
        """Returns after so many more answers."""
        until = len(self.job_ids) + count
        wait_until(lambda: len(self.job_ids) >= until, f"{count} answers")

    def end(self) -> set[str]:
        """The job ids that clients hold."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return set(self.job_ids)

    def _run(self, port: int) -> None:
        client = Client(port)
        try:
            while not self._stopping.is_set():
                self.job_ids.append(json.loads(client.submit("web")[1])["job_id"])
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            pass  # The proxy was killed.
        finally:
            client.close()


@pytest.fixture
def loaded(launch: Start, api: DemoApi, tmp_path: Path) -> Iterator[Callable[..., tuple[Proxy, Load]]]:
    """Starts a proxy with settings of the log, under load."""
    loads: list[Load] = []

    def start(log: Path | None = None, **settings: object) -> tuple[Proxy, Load]:
        config = tmp_path / "taskaudit.yaml"
        config.write_text(json.dumps({"log": settings}))
        options = ("--mode", f"reverse:{api.url}", "--set", f"taskaudit_config={config}")
        proxy = launch(*options, log=log)
        loads.append(Load(proxy))
        return proxy, loads[-1]

    yield start
    for load in loads:
        load.end()


Loaded = Callable[..., tuple[Proxy, Load]]


def records_of(log: Path) -> list[dict[str, Any]]:
    """All records of a log, none damaged."""
    items = list(read_log(log))
    assert [item for item in items if isinstance(item, Damaged)] == []
    return [item for item in items if not isinstance(item, Damaged)]


def job_ids(records: list[dict[str, Any]]) -> list[str]:
    return [submission["job_id"] for submission in bodies(records, "submission")]


def lines_in(path: Path) -> list[bytes]:
    """The lines of a file, read without any help of ours."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        with ZstdDecompressor().stream_reader(data, read_across_frames=True) as text:
            data = text.read()
    assert data.endswith(b"\n")
    return data.splitlines()


@pytest.mark.parametrize("fsync", ["off", "batch"])
def test_every_100_kb_under_load(
    tmp_path: Path, api: DemoApi, confdir: Path, forks: Forks, fsync: str
) -> None:
    settings = {"log": {"rotate_bytes": LIMIT, "compress": "zstd", "fsync": fsync}}
    with Serve(api.url, tmp_path, settings=json.dumps(settings), confdir=confdir, forks=forks) as proxy:
        load = Load(proxy)
        load.go_on(1200)
        received = load.end()
        assert proxy.stop() == 0
    assert "Traceback" not in proxy.told

    files = [each.path for each in rotated(proxy.log)]
    assert len(files) >= 5
    by_hand = [json.loads(line) for path in (*files, proxy.log) for line in lines_in(path)]
    assert by_hand == records_of(proxy.log)
    assert_sound(by_hand)
    assert sorted(job_ids(by_hand)) == sorted(received)
    assert bodies(by_hand, "fault") == []
    assert bodies(by_hand, "session")[-1]["totals"]["audited"] == len(received)
    assert {path.name for path in proxy.log.parent.iterdir() if "tmp" in path.name} == set()


def test_each_write_forced_to_the_disk(loaded: Loaded) -> None:
    proxy, load = loaded(rotate_bytes=LIMIT, fsync="each")
    load.go_on(300)
    received = load.end()
    assert proxy.stop()[1] == 0
    records = records_of(proxy.log)
    assert_sound(records)
    assert sorted(job_ids(records)) == sorted(received)


def test_renamed_by_logrotate_then_killed(loaded: Loaded) -> None:
    """Renamed several times under load, with and without `create`, and nobody tells the proxy."""
    proxy, load = loaded()
    for number in range(1, 5):
        load.go_on(50)
        proxy.log.rename(proxy.log.with_name(f"{proxy.log.name}.{number}"))
        if number % 2:
            proxy.log.touch(0o600)
        wait_until(lambda: proxy.log.exists() and proxy.log.stat().st_size > 0, "a new file")
    load.go_on(50)
    os.kill(proxy.pid, signal.SIGKILL)
    proxy.running.wait()
    received = load.end()

    with proxy.log.open("ab") as live:
        live.write(b'{"timestamp":"2026-01-01T00:0')  # What a kill within a write leaves.
    again, load = loaded()
    load.go_on(10)
    received |= load.end()
    assert again.stop()[1] == 0

    records = records_of(proxy.log)
    assert_sound(records)
    recorded = job_ids(records)
    assert received <= set(recorded)
    assert len(recorded) == len(set(recorded))
    reasons = [fault["reason"] for fault in bodies(records, "fault")]
    assert reasons == ["log_reopened"] * 4 + ["log_repaired"]


def test_killed_while_it_rotates_and_compresses(loaded: Loaded) -> None:
    proxy, load = loaded(rotate_bytes=65536, compress="zstd")
    received: set[str] = set()
    for _ in range(3):
        load.go_on(300)
        os.kill(proxy.pid, signal.SIGKILL)
        proxy.running.wait()
        received |= load.end()
        proxy, load = loaded(rotate_bytes=65536, compress="zstd")
    load.go_on(1)
    received |= load.end()
    assert proxy.stop()[1] == 0
    records = records_of(proxy.log)
    assert_sound(records)
    recorded = job_ids(records)
    assert received <= set(recorded)
    assert len(recorded) == len(set(recorded))


@pytest.mark.parametrize("what", ["file", "folder"])
def test_deleted_under_load(loaded: Loaded, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    proxy, load = loaded(folder / "log.ndjson")
    load.go_on(50)
    if what == "file":
        proxy.log.unlink()
    else:
        shutil.rmtree(folder)
        load.go_on(50)
        folder.mkdir()
    wait_until(lambda: proxy.log.exists() and proxy.log.stat().st_size > 0, "a new file")
    load.go_on(50)
    received = load.end()
    output, status = proxy.stop()
    assert status == 0
    records = records_of(proxy.log)
    assert_sound(records)
    assert sorted(job_ids(records)) == sorted(received)
    reasons = {fault["reason"] for fault in bodies(records, "fault")}
    assert reasons - {"log_missing"} == {"log_reopened"}
    assert output.count("was deleted by another process") == 1


def test_a_disk_that_is_really_full(loaded: Loaded, small_disk: Path) -> None:
    """With rotation: the new files can be made, but not filled."""
    proxy, load = loaded(small_disk / "log.ndjson", rotate_bytes=LIMIT, compress="zstd")
    blocker = small_disk / "blocker"
    blocker.write_bytes(b"x" * 300_000)
    load.go_on(600)
    blocker.unlink()
    load.go_on(100)
    received = load.end()
    output, status = proxy.stop()
    assert status == 0
    records = records_of(proxy.log)
    faults = bodies(records, "fault")
    lost = sum(fault["lost"] for fault in faults if fault["rule"] == "TA902")
    numbers = [record["seq"] for record in records]
    assert lost > 0
    assert lost == numbers[-1] + 1 - len(numbers)
    assert numbers == sorted(set(numbers))
    assert len(job_ids(records)) + lost >= len(received)
    assert bodies(records, "stats")[-1]["lost"] == lost
    assert output.count("cannot write the log") >= 1


def test_the_logrotate_that_ships(loaded: Loaded, tmp_path: Path) -> None:
    """The real program with the shipped rules, but for their folder and their patience."""
    logrotate = found("logrotate")
    folder = tmp_path / "logs"
    folder.mkdir(0o755)
    rules = (configs_dir() / "logrotate" / "taskaudit").read_text(encoding="utf-8")
    (tmp_path / "rules").write_text(rules.replace("/var/log/taskaudit", str(folder)))
    (tmp_path / "rules").chmod(0o644)
    proxy, load = loaded(folder / "log.ndjson")
    for _ in range(3):
        load.go_on(50)
        inode = proxy.log.stat().st_ino
        subprocess.run([logrotate, "-f", "-s", tmp_path / "state", tmp_path / "rules"], check=True)
        wait_until(lambda inode=inode: _is_begun_anew(proxy.log, inode), "a new file")  # type: ignore[misc]
    load.go_on(50)
    received = load.end()
    assert proxy.stop()[1] == 0
    assert len(list(folder.glob("*.gz"))) == 2
    records = records_of(proxy.log)
    assert_sound(records)
    assert sorted(job_ids(records)) == sorted(received)


def _is_begun_anew(log: Path, inode: int) -> bool:
    return log.exists() and log.stat().st_size > 0 and log.stat().st_ino != inode
