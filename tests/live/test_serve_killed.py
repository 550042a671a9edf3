"""Killed fifty times, at any moment, in every mode: each job id that a client has is in the log.

The next start goes on in the same log.
"""

from __future__ import annotations

import json
import os
import random
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from forking import Forks
from running import PATIENCE, assert_sound, bodies
from serving import Serve

from taskaudit.demo.api import DemoApi
from taskaudit.demo.mitmdump import Mitmdump
from taskaudit.log import Damaged, read_log
from taskaudit.paths import addon_script

AT_A_TIME = 3
"""Proxies."""
CLIENTS = 3
LONGEST = 0.3
"""Seconds of traffic before the kill, at most."""
TORN = b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"subm'
"""What a kill within a write leaves."""


class Mode(NamedTuple):
    """How the proxy runs, and how clients come to it: as to a server, or as to a `proxy`."""

    mode: str = "reverse:{origin}"
    settings: str = ""
    proxy: bool = False
    tls: bool = False
    http2: bool = False
    mitmdump: bool = False
    rounds: int = 7


MODES = {
    "reverse": Mode(),
    "regular": Mode("regular", proxy=True),
    "upstream": Mode("upstream:{upstream}", proxy=True),
    "TLS": Mode("regular", proxy=True, tls=True),
    "HTTP/2": Mode(tls=True, http2=True),
    "rotation": Mode(settings="log: {rotate_bytes: 65536, compress: zstd}"),
    "batch": Mode(settings="log: {fsync: batch}"),
    "mitmdump": Mode(mitmdump=True, rounds=2),
}
ROUNDS = sum(mode.rounds for mode in MODES.values())


class _OffersHttp2(ssl.SSLContext):
    """httpx offers HTTP/1.1 first, and mitmproxy takes the first that it knows."""

    def set_alpn_protocols(self, alpn_protocols: object) -> None:
        super().set_alpn_protocols(["h2"])


class _Running(NamedTuple):
    """A proxy, and where it is."""

    port: int
    pid: int
    log: Path


class _Lane:
    """One log, through starts and kills."""

    def __init__(self, name: str, mode: Mode, where: dict[str, str], folder: Path, confdir: Path) -> None:
        self._mode, self._name = mode, name.replace("/", "-")
        self._origin = where["tls" if mode.tls else "origin"]
        self._listens = mode.mode.format(origin=self._origin, upstream=where["upstream"])
        self._folder, self._confdir = folder, confdir
        self._random = random.Random(f"{where['seed']}{name}")
        self.received: set[str] = set()
        self.torn = 0

    def run(self, forks: Forks) -> None:
        """Each round looks at the whole log so far."""
        for _ in range(self._mode.rounds):
            with self._started(forks) as proxy:
                self._under_load(proxy)
            self._look(proxy.log)
            if self._random.random() < 0.3:
                with proxy.log.open("ab") as log:
                    log.write(TORN)
                self.torn += 1

    @contextmanager
    def _started(self, forks: Forks | None, *, stops: bool = False) -> Iterator[_Running]:
        """Until it was killed, or to be stopped in good order."""
        log = self._folder / f"{self._name}.ndjson"
        if self._mode.mitmdump:
            where = ["--listen-host", "127.0.0.1", "--listen-port", "0", "--mode", self._listens]
            ours = ["-s", str(addon_script()), "--set", f"taskaudit_log={log}"]
            with Mitmdump([*where, *ours], self._confdir) as child:
                yield _Running(child.ports()[0], child.process.pid, log)
                assert not stops or child.stop() == 0, child.output
            return
        with Serve(
            "",
            self._folder,
            "-k",
            name=self._name,
            mode=self._listens,
            settings=self._mode.settings,
            confdir=self._confdir,
            forks=forks,
        ) as proxy:
            yield _Running(proxy.port, proxy.process.pid, log)
            assert not stops or proxy.stop() == 0, proxy.told
            proxy.process.wait(PATIENCE)

    def _client(self, port: int) -> httpx.Client:
        trusting = (_OffersHttp2 if self._mode.http2 else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        scheme = "https" if self._mode.tls else "http"
        return httpx.Client(
            base_url=self._origin if self._mode.proxy else f"{scheme}://127.0.0.1:{port}",
            proxy=f"http://127.0.0.1:{port}" if self._mode.proxy else None,
            verify=trusting,
            http2=self._mode.http2,
            timeout=PATIENCE,
            trust_env=False,
        )

    def _submit(self, port: int, job_ids: set[str], answered: threading.Event) -> None:
        """Until the proxy is gone."""
        with self._client(port) as client:
            try:
                while True:
                    job_ids.add(_submitted(client))
                    answered.set()
            except (httpx.HTTPError, ValueError, KeyError):
                return

    def _under_load(self, proxy: _Running) -> None:
        answered = threading.Event()
        found: list[set[str]] = [set() for _ in range(CLIENTS)]
        clients = [threading.Thread(target=self._submit, args=(proxy.port, ids, answered)) for ids in found]
        for client in clients:
            client.start()
        answered.wait(10 * LONGEST)
        time.sleep(self._random.uniform(0, LONGEST))  # The moment is what is tried.
        os.kill(proxy.pid, signal.SIGKILL)
        for client in clients:
            client.join()
        self.received.update(*found)

    def _look(self, log: Path) -> None:
        submitted = {each["job_id"] for each in bodies(_records(log), "submission")}
        missing = self.received - submitted
        assert missing == set(), f"lane {self._name}: a client has ids that the log has not"

    def end(self, forks: Forks) -> None:
        """The last start stops in good order; once it is of the program as users start it."""
        with (
            self._started(None if self._name == "reverse" else forks, stops=True) as proxy,
            self._client(proxy.port) as client,
        ):
            self.received.add(_submitted(client))
        self._look(proxy.log)
        records = _records(proxy.log)
        assert_sound(records)
        assert bodies(records, "session")[-1]["state"] == "stop"
        reasons = [fault["reason"] for fault in bodies(records, "fault")]
        assert set(reasons) <= {"log_repaired"}
        assert len(reasons) == len(list(proxy.log.parent.glob(f"{proxy.log.name}.partial-*")))
        assert len(reasons) >= self.torn  # More, where a kill itself has torn a line.


def _submitted(client: httpx.Client) -> str:
    answer = client.post("/v1/p/cloudservers", json={"server": {"name": "web"}})
    job_id: str = json.loads(answer.content)["job_id"]
    return job_id


def _records(log: Path) -> list[dict[str, object]]:
    return [record for record in read_log(log) if not isinstance(record, Damaged)]


@pytest.mark.timeout(300)
def test_fifty_kills(api: DemoApi, tls_api: DemoApi, tmp_path: Path, confdir: Path) -> None:
    assert ROUNDS >= 50
    where = {"origin": api.url, "tls": tls_api.url, "seed": str(random.randrange(2**32))}
    print(f"seed {where['seed']}")
    with Serve("", tmp_path, name="upstream-proxy", mode="regular", confdir=confdir) as upstream:
        where["upstream"] = f"http://127.0.0.1:{upstream.port}"
        lanes = [_Lane(name, mode, where, tmp_path, confdir) for name, mode in MODES.items()]
        with Forks() as forks, ThreadPoolExecutor(AT_A_TIME) as pool:
            for done in [pool.submit(lane.run, forks) for lane in lanes]:
                done.result()
            for done in [pool.submit(lane.end, forks) for lane in lanes]:
                done.result()
    assert all(lane.received for lane in lanes)
    assert sum(len(lane.received) for lane in lanes) > ROUNDS
    assert sum(lane.torn for lane in lanes) > 0
    assert len(list(tmp_path.glob("rotation.*.ndjson*"))) > 0
