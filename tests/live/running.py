"""What the live tests talk to and with: proxies, clients, origins, all on the loopback."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from taskaudit.demo.mitmdump import Mitmdump
from taskaudit.log.record import decode

PATIENCE = 30.0
"""Seconds until what has to happen counts as not happening; no test waits that long when it passes."""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Returns as soon as `holds()`; fails where it never does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
        return True
    return False


def records_in(log: Path) -> list[dict[str, Any]]:
    """The records of a log, each valid, all of them whole lines as soon as a write under way is done."""
    data = b""

    def is_whole() -> bool:
        nonlocal data
        data = log.read_bytes()
        return not data or data.endswith(b"\n")

    wait_until(is_whole, f"whole lines in {log}")
    lines = data.splitlines()
    for line in lines:
        decode(line)
    return [json.loads(line) for line in lines]


def assert_sound(records: list[dict[str, Any]]) -> None:
    """No gap in any session's numbers, and totals that add up in every place that shows them."""
    by_session: dict[str, list[int]] = {}
    for record in records:
        by_session.setdefault(record["session_id"], []).append(record["seq"])
    for numbers in by_session.values():
        assert numbers == list(range(len(numbers)))
    for totals in _totals(records):
        assert totals["seen"] == totals["other"] + totals["audited"] + sum(totals["unaudited"].values())
        assert totals["in_scope"] == totals["seen"] - totals["other"]


def _totals(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        if record["event_type"] == "stats":
            yield record["stats"]
        elif record["event_type"] == "session" and record["session"]["totals"] is not None:
            yield record["session"]["totals"]


def bodies(records: list[dict[str, Any]], event_type: str) -> list[dict[str, Any]]:
    """The objects named after an event type, in order."""
    return [record[event_type] for record in records if record["event_type"] == event_type]


class Proxy:
    """A mitmdump (or mitmweb) with the audit, and its log."""

    def __init__(self, running: Mitmdump, log: Path) -> None:
        self.running = running
        self.log = log

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.running.process.pid

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.running.ports(1, PATIENCE)[0]

    @property
    def records(self) -> list[dict[str, Any]]:
        """What is in the log now."""
        return records_in(self.log)

    def of(self, event_type: str) -> list[dict[str, Any]]:
        """The objects of the records of one type."""
        return bodies(self.records, event_type)

    def stop(self) -> tuple[str, int]:
        """Its output and its exit status; the log is then complete, and sound."""
        status = self.running.stop(PATIENCE)
        return self.running.output, status

    def stopped(self) -> list[dict[str, Any]]:
        """All records, after a stop in good order."""
        output, status = self.stop()
        assert status == 0, output
        assert "Traceback" not in output
        records = self.records
        assert_sound(records)
        assert records[-1]["session"]["state"] == "stop"
        return records


class Client:
    """A plain HTTP/1.1 client of 127.0.0.1, kept alive."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def submit(self, name: str) -> tuple[int, bytes]:
        """The answer to creating a server of that name (see `taskaudit.demo.api.SCENARIOS`)."""
        return self("POST", "/v1/p/cloudservers", {"server": {"name": name}})

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class RawOrigin:
    """Answers each request with bytes given beforehand, by the last segment of its path, and closes.

    `held` keeps answers back behind their head until it is set; `arrived` counts requests.
    """

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.arrived = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stops listening, and waits for the connections."""
        self.go_on.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._accepting, *self._threads):
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as asked:
            line = asked.readline().split(b" ")
            length = 0
            while (header := asked.readline()).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            asked.read(length)
            if len(line) < 2:
                return
            self.arrived += 1
            answer = self.answers[line[1].decode().rpartition("/")[2]]
            head, gap, body = answer.partition(b"\r\n\r\n")
            try:
                connection.sendall(head + gap)
                assert self.go_on.wait(PATIENCE)
                connection.sendall(body)
            except OSError:
                return


def submission(name: str) -> bytes:
    """A request that submits a task, and asks a `RawOrigin` for an answer by name."""
    body = b'{"volumeAttachment": {}}'
    head = (
        f"POST /v1/p/batchaction/attachvolumes/{name} HTTP/1.1\r\nHost: api.example.com\r\n"
        f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def exchange_bytes(port: int, name: str) -> bytes:
    """All bytes that come back for `submission(name)`, until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(submission(name))
        return b"".join(iter(lambda: connection.recv(65536), b""))


type Start = Callable[..., Proxy]
"""The `launch` fixture."""
