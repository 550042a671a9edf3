"""No client ever holds a job id that the log does not, even if the proxy is killed the next instant."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from running import Client, Start, assert_sound, bodies, records_in, wait_until

from taskaudit.demo.api import DemoApi
from taskaudit.log import Damaged, read_log

Connect = Callable[[int], Client]
CLIENTS = 4
ANSWERS_BEFORE_THE_KILL = 150


def test_the_job_id_is_in_the_log_when_the_client_has_it(
    launch: Start, api: DemoApi, client: Connect
) -> None:
    proxy = launch("--mode", f"reverse:{api.url}")
    ask = client(proxy.port)
    for _ in range(50):
        job_id = json.loads(ask.submit("web")[1])["job_id"]
        # Looked for at once, with nothing in between: a record written later would be missed.
        assert job_id.encode() in proxy.log.read_bytes()
    assert len(bodies(proxy.stopped(), "submission")) == 50


class _Load:
    """A client thread that submits until its proxy is gone."""

    def __init__(self, port: int) -> None:
        self.job_ids: list[str] = []
        self._client = Client(port)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                self.job_ids.append(json.loads(self._client.submit("web")[1])["job_id"])
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            self._client.close()

    def join(self) -> None:
        self._thread.join()


def test_killed_under_load(launch: Start, api: DemoApi, client: Connect) -> None:
    proxy = launch("--mode", f"reverse:{api.url}")
    loads = [_Load(proxy.port) for _ in range(CLIENTS)]
    wait_until(lambda: sum(len(load.job_ids) for load in loads) > ANSWERS_BEFORE_THE_KILL, "the load")
    os.kill(proxy.pid, signal.SIGKILL)
    proxy.running.wait()
    for load in loads:
        load.join()

    received = {job_id for load in loads for job_id in load.job_ids}
    recorded = {
        record["submission"]["job_id"]
        for record in read_log(proxy.log)
        if not isinstance(record, Damaged) and record["event_type"] == "submission"
    }
    assert len(received) > ANSWERS_BEFORE_THE_KILL
    assert received <= recorded

    _start_again_with_a_partial_line(launch, api, client, proxy.log)


def _start_again_with_a_partial_line(launch: Start, api: DemoApi, client: Connect, log: Path) -> None:
    """A kill within a write leaves the start of a line; the next session puts it aside, and goes on."""
    before = log.read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    partial = before[len(whole) :] or b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"subm'
    log.write_bytes(whole + partial)
    again = launch("--mode", f"reverse:{api.url}")
    job_id = json.loads(client(again.port).submit("web")[1])["job_id"]
    assert again.stop()[1] == 0

    assert log.read_bytes().startswith(whole)
    (aside,) = log.parent.glob(f"{log.name}.partial-*")
    assert aside.read_bytes() == partial
    records = records_in(log)
    assert_sound(records)
    assert len({record["session_id"] for record in records}) == 2
    assert [fault["reason"] for fault in bodies(records, "fault")] == ["log_repaired"]
    assert bodies(records, "submission")[-1]["job_id"] == job_id
