"""A real rsyslogd with the configuration that ships: each record of a rotated log arrives, once."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fronts import replaced, running
from running import Client, wait_until
from serving import Serve

from taskaudit.demo.api import DemoApi
from tests.programs import found

SETTINGS = "log: {rotate_bytes: 65536}"
TASKS = 300


class _Sink(socketserver.ThreadingTCPServer):
    """Takes lines."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lines)
        self.lines: list[bytes] = []


class _Lines(socketserver.StreamRequestHandler):
    server: _Sink

    def handle(self) -> None:
        self.server.lines.extend(self.rfile)


@pytest.fixture
def sink() -> Iterator[_Sink]:
    """Listens."""
    with _Sink() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def _rsyslog(folder: Path, sink: _Sink) -> Iterator[None]:
    config, spool = folder / "rsyslog.conf", folder / "spool"
    spool.mkdir(exist_ok=True)
    config.write_text(
        replaced(
            "shippers/rsyslog.conf",
            {
                "/var/spool/rsyslog": str(spool),
                "/var/log/taskaudit/*/audit.ndjson": f"{folder}/logs/*/audit.ndjson",
                "logs.example.com": "127.0.0.1",
                "5170": str(sink.server_address[1]),
            },
        )
    )
    command = (found("rsyslogd"), "-n", "-f", str(config), "-i", str(folder / "rsyslog.pid"))
    with running(*command, told=folder / "rsyslog.err"):
        yield


def _first_line(log: Path) -> bytes:
    with log.open("rb") as lines:
        return lines.readline()


def _written(folder: Path) -> Counter[bytes]:
    """All records, whichever file they are in now."""
    files = sorted(folder.glob("audit*.ndjson"))
    assert len(files) > 2, "it was rotated"
    return Counter(line for path in files for line in path.read_bytes().splitlines(keepends=True))


def test_every_record_arrives_once(
    tmp_path: Path, api: DemoApi, sink: _Sink, client: Callable[[int], Client]
) -> None:
    """Rotation is by rename, several times over, in the midst of writing.

    A file that is renamed within some 100 ms of its making is one that rsyslog never sees: each is let live
    until its first line has arrived.
    """
    folder = tmp_path / "logs" / "ecs"
    folder.mkdir(parents=True)
    with _rsyslog(tmp_path, sink):
        with Serve(api.url, folder, settings=SETTINGS) as serve:
            connected = client(serve.port)
            for _ in range(TASKS):
                connected.submit("code-number")
                head = _first_line(serve.log)
                wait_until(lambda head=head: head in sink.lines, "the file is noticed")
            assert serve.stop() == 0
        written = _written(folder)
        wait_until(lambda: len(sink.lines) >= written.total(), "all lines arrive")
    assert Counter(sink.lines) == written
