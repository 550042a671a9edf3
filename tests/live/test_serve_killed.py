"""Killed fifty times, at any moment: each job id that a client has is in the log; the next start goes on."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from forking import Forks
from running import Client, assert_sound, bodies
from serving import Serve

from taskaudit.demo.api import DemoApi
from taskaudit.log import Damaged, read_log

ROUNDS = 50
LANES = 3
"""Logs, and so proxies, at a time."""
CLIENTS = 3
LONGEST = 0.3
"""Seconds of traffic before the kill, at most."""
TORN = b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"subm'
"""What a kill within a write leaves."""
_SUBMITTED = re.compile(rb'"event_type":"submission".*"submission":{.*"job_id":"([^"]+)".*}}\n')


class _Lane:
    """One log, through starts and kills."""

    def __init__(self, start: Callable[..., Serve], name: str, seed: int) -> None:
        self._start, self._name = partial(start, name=name), name
        self._random = random.Random(seed)
        self.received: set[str] = set()
        self.torn = 0

    def run(self, rounds: int) -> None:
        """Each round looks at the whole log so far."""
        for _ in range(rounds):
            with self._start() as proxy:
                self._under_load(proxy)
            self._look(proxy.log)
            if self._random.random() < 0.3:
                with proxy.log.open("ab") as log:
                    log.write(TORN)
                self.torn += 1

    def _under_load(self, proxy: Serve) -> None:
        port = proxy.port
        answered = threading.Event()
        found: list[set[str]] = [set() for _ in range(CLIENTS)]
        clients = [threading.Thread(target=_submit, args=(port, ids, answered)) for ids in found]
        for client in clients:
            client.start()
        answered.wait(LONGEST)
        time.sleep(self._random.uniform(0, LONGEST))  # The moment is what is tried.
        os.kill(proxy.process.pid, signal.SIGKILL)
        proxy.process.wait()
        for client in clients:
            client.join()
        self.received.update(*found)

    def _look(self, log: Path) -> None:
        missing = self.received - {found.decode() for found in _SUBMITTED.findall(log.read_bytes())}
        assert missing == set(), f"lane {self._name}: a client has ids that the log has not"

    def end(self) -> None:
        """The last start, of the program as users start it, stops in good order."""
        with self._start() as proxy:
            client = Client(proxy.port)
            self.received.add(json.loads(client.submit("web")[1])["job_id"])
            client.close()
            proxy.stopped()
        self._look(proxy.log)
        records = _records(proxy.log)
        assert_sound(records)
        reasons = [fault["reason"] for fault in bodies(records, "fault")]
        assert set(reasons) <= {"log_repaired"}
        assert len(reasons) == len(list(proxy.log.parent.glob(f"{proxy.log.name}.partial-*")))
        assert len(reasons) >= self.torn  # More, where a kill itself has torn a line.


def _records(log: Path) -> list[dict[str, object]]:
    return [record for record in read_log(log) if not isinstance(record, Damaged)]


def _submit(port: int, job_ids: set[str], answered: threading.Event) -> None:
    """Until the proxy is gone."""
    client = Client(port)
    try:
        while True:
            job_ids.add(json.loads(client.submit("web")[1])["job_id"])
            answered.set()
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        client.close()


@pytest.mark.timeout(300)
def test_fifty_kills(api: DemoApi, tmp_path: Path, confdir: Path, forks: Forks) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    start = partial(Serve, api.url, tmp_path, confdir=confdir, forks=forks)
    lanes = [_Lane(start, f"lane-{number}", seed + number) for number in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(lane.run, ROUNDS // LANES + 1) for lane in lanes]:
            done.result()
    for lane in lanes:
        lane.end()
    assert sum(len(lane.received) for lane in lanes) > ROUNDS
    assert sum(lane.torn for lane in lanes) > 0
