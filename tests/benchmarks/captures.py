"""Captures to measure on: made of a template, in which texts of one length take each other's place.

Bodies have 300 bytes, requests seven header lines and responses five. Of `every` exchanges one is a
submission, and is answered with a job id of its own; the others are GETs that the catalogue does not list. No
job is asked for: each submission of a capture gets a TA501, when all of it has been read.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mitmproxy.http import Headers
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from taskaudit.auditor import Auditor
from taskaudit.config.loading import load
from taskaudit.offline.check import Check, Damaged, as_json
from tests.benchmarks.measure import cpu

ID = b"11111111-1111-1111-1111-111111111111"
SECONDS = b"1790000000"
BODY_SIZE = 300
PATH = "/v1/0123456789abcdef0123456789abcdef/cloudservers"
ASKED = {
    "Host": "ecs.example.com",
    "User-Agent": "huaweicloud-usdk-python/3.0",
    "Accept": "*/*",
    "X-Auth-Token": "MIIF" * 40,
    "Content-Type": "application/json;charset=UTF-8",
    "X-Project-Id": "0123456789abcdef0123456789abcdef",
    "Connection": "keep-alive",
}
ANSWERED = {
    "Content-Type": "application/json",
    "Date": "Mon, 21 Sep 2026 14:13:20 GMT",
    "Server": "api-gateway",
    "X-Request-Id": ID.decode(),
    "Content-Length": str(BODY_SIZE),
}
BEFORE = b'{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "pages": [], "entries": [\n'
AFTER = b"\n]}}\n"


def body(*, ours: bool) -> str:
    """A JSON object of `BODY_SIZE` bytes."""
    start = f'{{"job_id": "{ID.decode()}", "note": "' if ours else '{"servers": "'
    return start.ljust(BODY_SIZE - 2, "x") + '"}'


def entry(*, ours: bool) -> bytes:
    """An entry as browsers write it, indented."""
    made = {
        "startedDateTime": f"2026-09-21T14:13:20.{SECONDS.decode()}Z",
        "time": 110.5,
        "request": {
            "method": "POST" if ours else "GET",
            "url": f"https://ecs.example.com{PATH}" + ("" if ours else "/detail?limit=10"),
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": value} for name, value in ASKED.items()],
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 0,
        }
        | (
            {"postData": {"mimeType": "application/json", "text": f'{{"n": "{ID.decode()}"}}'}}
            if ours
            else {}
        ),
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": value} for name, value in ANSWERED.items()],
            "cookies": [],
            "content": {"size": BODY_SIZE, "mimeType": "application/json", "text": body(ours=ours)},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": BODY_SIZE,
        },
        "cache": {},
        "timings": {"blocked": 1, "dns": 2, "connect": 3, "send": 4, "wait": 5, "receive": 6, "ssl": 7},
        "serverIPAddress": "192.0.2.1",
        "connection": "443",
    }
    return json.dumps(made, indent=2).encode()


def flow(*, ours: bool) -> bytes:
    """A flow as mitmproxy saves it."""
    made = tflow.tflow(resp=True)
    made.id = ID.decode()
    asked, answered = made.request, made.response
    assert answered
    asked.method, asked.path = ("POST", PATH) if ours else ("GET", f"{PATH}/detail?limit=10")
    asked.headers = Headers([(name.encode(), value.encode()) for name, value in ASKED.items()])
    asked.raw_content = b'{"n": "%b"}' % ID if ours else b""
    asked.timestamp_start = int(SECONDS) + 0.25
    asked.timestamp_end = int(SECONDS) + 0.5
    answered.headers = Headers([(name.encode(), value.encode()) for name, value in ANSWERED.items()])
    answered.raw_content = body(ours=ours).encode()
    answered.timestamp_start = int(SECONDS) + 0.75
    answered.timestamp_end = int(SECONDS) + 0.875
    file = io.BytesIO()
    FlowWriter(file).add(made)
    return file.getvalue()


def _each(ours: bytes, other: bytes, count: int, every: int) -> Iterator[bytes]:
    for number in range(count):
        made = other if number % every else ours
        yield made.replace(ID, b"%036d" % number).replace(SECONDS, b"%d" % (int(SECONDS) + number // 100))


type Write = Callable[[Path, int, int], None]
"""Writes a capture of so many exchanges, with one submission in each so many."""


def growth(
    write: Write, counts: tuple[int, ...], traffic: dict[str, int]
) -> dict[str, list[tuple[float, float]]]:
    """Microseconds of CPU an exchange, by how many there are in the file, for each kind of traffic."""
    lines: dict[str, list[tuple[float, float]]] = {what: [] for what in traffic}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        for what, every in traffic.items():
            for count in counts:
                write(path, count, every)
                lines[what].append((count, cpu(lambda: checked(path)) / count * 1e6))
    return lines


def write_flows(path: Path, count: int, every: int = 1) -> None:
    """A flow file of `count` flows."""
    with path.open("wb") as file:
        file.writelines(_each(flow(ours=True), flow(ours=False), count, every))


def write_har(path: Path, count: int, every: int = 1) -> None:
    """A HAR of `count` entries."""
    with path.open("wb") as file:
        file.write(BEFORE)
        for number, made in enumerate(_each(entry(ours=True), entry(ours=False), count, every)):
            file.write(b",\n" * bool(number) + made)
        file.write(AFTER)


configuration = cache(load)
"""Read once: a start has a benchmark of its own."""


def checked(*paths: Path, processes: bool = False) -> int:
    """The whole of `taskaudit check --format json` but for printing; gives the exchanges seen."""
    run = Check(Auditor.under(configuration(), 0.0), **({} if processes else {"worth_a_process": 2**60}))
    for item in run.over(paths):
        assert not isinstance(item, Damaged), item
        as_json(item)
    return run.totals.seen
