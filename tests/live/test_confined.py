"""`taskaudit serve` under what the shipped systemd unit forbids it, which is more than a container does."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from running import PATIENCE, assert_sound, bodies, wait_until
from serving import Serve

from taskaudit.demo.api import DemoApi
from taskaudit.demo.mitmdump import program
from taskaudit.log import Damaged, read_log
from taskaudit.paths import configs_dir
from tests.programs import found, rights

UNIT = configs_dir() / "systemd/taskaudit@.service"
CONFINED = (sys.executable, str(Path(__file__).with_name("confined.py")))
SETTINGS = "log: {rotate_bytes: 65536, compress: zstd, fsync: batch}"
"""What needs threads, other files, and the disk."""
TASKS = 120
"""Enough for a rotation."""

FORBIDDEN = {
    "write elsewhere": "open('{outside}', 'w')",
    "memory that is written and executed": "import mmap; mmap.mmap(-1, 4096, prot=7)",
    "another family of sockets": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a privileged call": "import os; os.chroot('{inside}')",
    "more priority": "import os; os.nice(-1)",
    "files of others": "import os; os.chown('{inside}', 1, 1)",
}


@pytest.fixture(autouse=True)
def confinable() -> None:
    """What `confined.py` runs."""
    for name in ("mount", "systemd-analyze"):
        found(name)
    rights()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_it_is_forbidden(tmp_path: Path, what: str) -> None:
    """Else the test below would not say anything. The unit allows one of these."""
    inside, outside, unit = (tmp_path / name for name in ("inside", "outside", "unit"))
    inside.mkdir()
    unit.write_text(f"{UNIT.read_text()}\nMemoryDenyWriteExecute=yes\n")
    code = FORBIDDEN[what].format(inside=inside, outside=outside)
    command = [*CONFINED, unit, inside, sys.executable, "-c", f"open('{inside}/begun', 'w')\n{code}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert re.search(r"PermissionError|Read-only file system", done.stderr), done.stderr
    assert (inside / "begun").exists()


class _OffersHttp2(ssl.SSLContext):
    """httpx offers HTTP/1.1 first, and mitmproxy takes the first that it knows."""

    def set_alpn_protocols(self, alpn_protocols: object) -> None:
        super().set_alpn_protocols(["h2"])


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Hears what a service says."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(PATIENCE)
        listening.bind(str(tmp_path / "notify"))
        yield listening


def _hears(manager: socket.socket, word: bytes) -> None:
    while not manager.recv(4096).startswith(word):
        pass


def test_serve_works(tmp_path: Path, tls_api: DemoApi, manager: socket.socket) -> None:
    """TLS on both sides, HTTP/2, certificates; a log that rotates, compresses and waits for the disk."""
    folder = tmp_path / "service"
    folder.mkdir()
    command = (*CONFINED, str(UNIT), str(folder), program("taskaudit"))
    arguments = ("-k", "--set", "connection_strategy=lazy")
    spoken = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with Serve(
        "", folder, *arguments, mode="regular", settings=SETTINGS, command=command, environment=spoken
    ) as proxy:
        _hears(manager, b"READY=1")
        trusting = _OffersHttp2(ssl.PROTOCOL_TLS_CLIENT)
        through = f"http://127.0.0.1:{proxy.port}"
        trusting.load_verify_locations(folder / "audit/mitmproxy-ca-cert.pem")
        with httpx.Client(proxy=through, verify=trusting, http2=True, timeout=PATIENCE) as client:
            answers = [
                client.post(f"{tls_api.url}/v1/p/cloudservers", json={"server": {"name": "web"}})
                for _ in range(TASKS)
            ]
        proxy.send(signal.SIGHUP)
        wait_until(lambda: "configuration read anew" in proxy.told, "it is told to reload")
        assert proxy.get("/healthz") == (200, "ok\n")
        _hears(manager, b"WATCHDOG=1")
        assert proxy.stop() == 0, proxy.told
    assert {answer.http_version for answer in answers} == {"HTTP/2"}
    assert list(folder.glob("audit.*.ndjson.zst"))
    records = [record for record in read_log(proxy.log) if not isinstance(record, Damaged)]
    assert_sound(records)
    received = [answer.json()["job_id"] for answer in answers]
    assert [each["job_id"] for each in bodies(records, "submission")] == received
