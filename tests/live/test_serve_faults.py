"""Disk, log, configuration and clock in trouble under load: traffic goes on, and each is told."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from running import Client, assert_sound, bodies, wait_until
from serving import Serve, StartServe, changed, serving  # noqa: F401 (fixture)

from taskaudit.demo.api import DemoApi
from taskaudit.log import Damaged, read_log
from tests.programs import RIGHTS, found, lacking

CLIENTS = 2
FULL = "No space left on device"


class Load:
    """Clients that submit until they are told to stop. Each answer counts; any other end is a failure.

    Every answer is an error with a finding: it makes two records, and none of them can come late.
    """

    def __init__(self, port: int, name: str = "code-number") -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.failures: list[str] = []
        self._name = name
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(port,)) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def go_on(self, count: int = 50) -> None:
        """Returns after so many more answers."""
        until = len(self.answers) + count
        wait_until(lambda: len(self.answers) >= until or bool(self.failures), f"{count} answers")
        assert self.failures == []

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Goes on until that is so, and a little longer."""
        wait_until(holds, what)
        self.go_on()

    def end(self) -> int:
        """How many answers there were."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        assert self.failures == []
        return len(self.answers)

    def _run(self, port: int) -> None:
        client = Client(port)
        try:
            while not self._stopping.is_set():
                self.answers.append(client.submit(self._name))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            self.failures.append(repr(error))
        finally:
            client.close()


@contextmanager
def load(proxy: Serve, name: str = "code-number") -> Iterator[Load]:
    """Clients of a proxy, always ended."""
    clients = Load(proxy.port, name)
    try:
        yield clients
    finally:
        with suppress(AssertionError):
            clients.end()


def unhealthy(proxy: Serve, words: str) -> Callable[[], bool]:
    """Whether /healthz says so."""

    def look() -> bool:
        status, body = proxy.get("/healthz")
        return status == 503 and words in body

    return look


def healthy(proxy: Serve) -> Callable[[], bool]:
    """Whether /healthz says that."""
    return lambda: proxy.get("/healthz") == (200, "ok\n")


def test_a_full_disk(serve: StartServe, api: DemoApi, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 272 * 1024)
    proxy = serve(api.url, log=small_disk / "log.ndjson")
    with load(proxy) as clients:
        clients.until(unhealthy(proxy, FULL), "the disk is full")
        ballast.unlink()
        wait_until(healthy(proxy), "it is well again")
        sent = clients.end()
    assert {status for status, _ in clients.answers} == {400}

    assert proxy.stop() == 0
    records = proxy.records
    there = len(bodies(records, "submission")) + len(bodies(records, "finding"))
    lost = 2 * sent - there
    assert lost > 100
    faults = bodies(records, "fault")
    assert {(fault["reason"], fault["rule"]) for fault in faults} == {("records_lost", "TA902")}
    assert sum(fault["lost"] for fault in faults) == lost
    for before, record in pairwise(records):
        gap = record["seq"] - before["seq"] - 1
        assert gap == (record["fault"]["lost"] if record["event_type"] == "fault" else 0)
    totals = bodies(records, "session")[-1]["totals"]
    assert (totals["lost"], totals["audited"]) == (lost, sent)
    assert FULL in proxy.told
    assert f"{faults[0]['lost']} records could not be written" in proxy.told


@contextmanager
def _immutable(path: Path) -> Iterator[None]:
    """Nobody may write, not even root."""
    chattr = found("chattr")
    if subprocess.run([chattr, "+i", path], capture_output=True, check=False).returncode:
        lacking(RIGHTS)
    try:
        yield
    finally:
        subprocess.run([chattr, "-i", path], check=True)


def test_a_log_that_becomes_read_only(serve: StartServe, api: DemoApi) -> None:
    proxy = serve(api.url)
    with load(proxy) as clients:
        clients.go_on()
        with _immutable(proxy.log):
            clients.until(unhealthy(proxy, "Operation not permitted"), "the log cannot be written")
            before = proxy.records
        clients.until(healthy(proxy), "it is well again")
        sent = clients.end()
    assert proxy.stop() == 0
    records = proxy.records
    assert records[: len(before)] == before
    lost = 2 * sent - len(bodies(records, "submission")) - len(bodies(records, "finding"))
    (fault,) = bodies(records, "fault")
    assert (fault["rule"], fault["lost"]) == ("TA902", lost)
    assert lost > 0


def test_the_folder_of_the_log_removed(serve: StartServe, api: DemoApi, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    proxy = serve(api.url, log=folder / "log.ndjson")
    with load(proxy) as clients:
        clients.go_on()
        shutil.rmtree(folder)
        clients.until(unhealthy(proxy, "cannot open the log"), "nobody can find the log")
        folder.mkdir()
        clients.until(healthy(proxy), "it is well again")
        sent = clients.end()
    assert proxy.stop() == 0
    records = _records(proxy.log)
    assert_sound(records)
    assert len(bodies(records, "submission")) == sent
    assert {"log_missing", "log_reopened"} <= {fault["reason"] for fault in bodies(records, "fault")}
    assert "the log was deleted or moved away" in proxy.told


@pytest.mark.parametrize("gone", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("moved"))])
def test_a_folder_that_is_gone_at_the_stop(
    serve: StartServe, api: DemoApi, tmp_path: Path, gone: Callable[[Path], object]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    proxy = serve(api.url, log=folder / "log.ndjson")
    with load(proxy) as clients:
        clients.go_on()
        gone(folder)
        clients.end()
    assert proxy.stop() == 1
    assert f"the log {proxy.log}: cannot open the log" in proxy.told


def _records(log: Path) -> list[dict[str, object]]:
    items = list(read_log(log))
    assert [item for item in items if isinstance(item, Damaged)] == []
    return [item for item in items if not isinstance(item, Damaged)]


@pytest.mark.parametrize("hangup", [False, True], ids=["it looks itself", "SIGHUP"])
def test_a_broken_configuration(serve: StartServe, api: DemoApi, hangup: bool) -> None:
    proxy = serve(api.url, settings="instance_id: first\n")
    with load(proxy) as clients:
        clients.go_on()
        proxy.config.write_text("instance_id: second\nunlisted: [nonsense\n")
        if hangup:
            proxy.send(signal.SIGHUP)
        clients.until(unhealthy(proxy, "the configuration was rejected"), "the configuration is refused")
        assert {record["instance_id"] for record in proxy.records} == {"first"}
        proxy.config.write_text("instance_id: third\n")
        if hangup:
            proxy.send(signal.SIGHUP)
        clients.until(healthy(proxy), "it is well again")
        sent = clients.end()
    records = proxy.stopped()
    assert len(bodies(records, "submission")) == sent
    assert [record["instance_id"] for record in (records[0], records[-1])] == ["first", "third"]
    assert {record["instance_id"] for record in records} == {"first", "third"}
    (fault,) = bodies(records, "fault")
    assert fault["reason"] == "config_rejected"
    assert str(proxy.config) in fault["message"]
    assert proxy.told.count("the last good configuration stays in force") == 1


def test_each_mistake_is_told(serve: StartServe, api: DemoApi) -> None:
    proxy = serve(api.url)
    for mistake in ("unlistd: detect", "inspection_limit: 1"):
        wait_until(lambda: bool(proxy.port), "it is up")
        proxy.config.write_text(mistake)
        name = mistake.partition(":")[0]
        wait_until(unhealthy(proxy, name), mistake)
        assert name in proxy.told
    proxy.stopped()


def test_a_clock_that_is_stepped_back(serve: StartServe, api: DemoApi) -> None:
    """An hour, while the log is rotated: no record is lost, and none comes before an earlier one."""
    settings = json.dumps({"log": {"rotate_bytes": 65536, "compress": "zstd"}})
    proxy = serve(api.url, settings=settings, command=changed(10))
    with load(proxy, "web") as clients:
        clients.go_on(300)
        proxy.send(signal.SIGUSR1)
        clients.go_on(300)
        assert healthy(proxy)()
        clients.end()
    assert proxy.stop() == 0
    records = _records(proxy.log)
    assert_sound(records)
    times = [str(record["timestamp"]) for record in records]
    assert times != sorted(times), "the clock was not stepped back"
    received = [json.loads(body)["job_id"] for _, body in clients.answers]
    assert sorted(each["job_id"] for each in bodies(records, "submission")) == sorted(received)
    assert bodies(records, "fault") == []
