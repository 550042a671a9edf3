"""A small API on the loopback that answers like the vendor's: it takes tasks, and its jobs run and end.

Submissions are POST, PUT and DELETE of `cloudservers` and `cloudvolumes`. A request gets the answer of the
first of `SCENARIOS` that it names: in its path (`DELETE .../cloudvolumes/gateway`), or as the `name` or `id`
of a server or volume in its body (`{"server": {"name": "code-number"}}`). One that names none gets a job.

A job is `INIT` at the first query of its status, then `RUNNING`, then `SUCCESS` (`job-fails`: `FAIL`);
`job-takes-long` is `RUNNING` for several queries.
Every answer carries `X-Request-Id`, and is compressed for clients that accept gzip or br.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Lock, Thread
from typing import Any, NamedTuple, Self, override
from uuid import uuid4

import brotli  # type: ignore[import-untyped]  # ships no types

JOB_ID = "JOB_ID"
"""Stands for a new job's id in the body of a scenario."""
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Scenario:
    """An answer to a submission. `cut` breaks off within the body.

    `job_ends` is how its job ends, after `running` queries that saw it run.
    """

    status: int
    body: str
    content_type: str = _JSON
    job_ends: str = "SUCCESS"
    running: int = 1
    cut: bool = False


DEFAULT = Scenario(200, f'{{"job_id": "{JOB_ID}"}}')

SCENARIOS = {
    # As the reference has it.
    "job-fails": Scenario(200, DEFAULT.body, job_ends="FAIL"),
    "job-takes-long": Scenario(200, DEFAULT.body, running=4),
    "order": Scenario(200, '{"order_id": "CS2501172118FB2NQ"}'),
    "accepted": Scenario(204, ""),
    "quota": Scenario(403, '{"error": {"message": "Insufficient ECS quota.", "code": "Ecs.0001"}}'),
    "details": Scenario(
        400,
        '{"error": {"message": "The request is invalid.", "code": "Ecs.0005", '
        '"details": [{"code": "Ecs.0011", "message": "The flavor does not exist."}]}}',
    ),
    # Not as the reference has it.
    "seed-example": Scenario(400, '{"error": {"message": "", "code": XXX，""}}'),
    "code-number": Scenario(400, '{"error": {"message": "Bad request.", "code": 400}}'),
    "details-null": Scenario(
        400, '{"error": {"message": "The request is invalid.", "code": "Ecs.0005", "details": null}}'
    ),
    "details-strings": Scenario(
        400,
        '{"error": {"message": "The request is invalid.", "code": "Ecs.0005", '
        '"details": ["flavorRef", "imageRef"]}}',
    ),
    "members-swapped": Scenario(400, '{"error": {"message": "Ecs.0005", "code": "The request is invalid."}}'),
    "job-id-misspelt": Scenario(200, f'{{"jobId": "{JOB_ID}"}}'),
    "job-id-number": Scenario(200, '{"job_id": 70599}'),
    "error-in-200": Scenario(200, '{"error": {"message": "The server is locked.", "code": "Ecs.0615"}}'),
    "job-in-500": Scenario(500, DEFAULT.body),
    "both": Scenario(
        200, f'{{"job_id": "{JOB_ID}", "error": {{"message": "Partly done.", "code": "Ecs.0013"}}}}'
    ),
    "gateway": Scenario(
        401,
        '{"error_msg": "Incorrect IAM authentication information", "error_code": "APIGW.0301", '
        '"request_id": "b01a4c2b6c8d4d0d9a5f3f1f0c5b7a11"}',
    ),
    "load-balancer": Scenario(
        502, "<html><head><title>502 Bad Gateway</title></head></html>", content_type="text/html"
    ),
    "empty": Scenario(200, ""),
    "cut-short": Scenario(200, DEFAULT.body, cut=True),
}
"""The answers to ask for by name."""

_SUBMISSION = re.compile(r"/v[\d.]+/[^/]+/cloud(?:servers|volumes)(?:/.*)?")
_JOB_QUERY = re.compile(r"/v[\d.]+/[^/]+/jobs/([^/]*)")
_LIST = re.compile(r"/v[\d.]+/[^/]+/cloud(servers|volumes)(?:/detail)?")


class Request(NamedTuple):
    """A request as the API saw it."""

    method: str
    path: str
    body: bytes


@dataclass(slots=True)
class _Job:
    ends: str
    running: int
    queries: int = 0

    def status(self) -> str:
        """The next status: each query moves the job on."""
        self.queries += 1
        if self.queries == 1:
            return "INIT"
        return "RUNNING" if self.queries <= 1 + self.running else self.ends


@dataclass(slots=True)
class _State:
    """What the API remembers. `requests` in the order they came."""

    requests: list[Request] = field(default_factory=list)
    jobs: dict[str, _Job] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request) -> Scenario:
        """The answer to a request."""
        path = request.path.partition("?")[0]
        with self.lock:
            self.requests.append(request)
            if request.method == "GET":
                return self._told(path)
            if _SUBMISSION.fullmatch(path):
                return self._submitted(path, request.body)
        return _UNKNOWN_API

    def _submitted(self, path: str, body: bytes) -> Scenario:
        chosen = next((SCENARIOS[name] for name in _names(path, body) if name in SCENARIOS), DEFAULT)
        if JOB_ID not in chosen.body:
            return chosen
        job_id = str(uuid4())
        self.jobs[job_id] = _Job(chosen.job_ends, chosen.running)
        return Scenario(
            chosen.status, chosen.body.replace(JOB_ID, job_id), chosen.content_type, cut=chosen.cut
        )

    def _told(self, path: str) -> Scenario:
        if asked := _JOB_QUERY.fullmatch(path):
            return self._job(asked[1])
        if listed := _LIST.fullmatch(path):
            return Scenario(200, json.dumps({listed[1]: [], "count": 0}))
        return _UNKNOWN_API

    def _job(self, job_id: str) -> Scenario:
        job = self.jobs.get(job_id)
        if job is None:
            return Scenario(404, '{"error": {"message": "The job does not exist.", "code": "Common.0011"}}')
        status = job.status()
        failed = status == "FAIL"
        told: dict[str, Any] = {
            "job_id": job_id,
            "job_type": "createServer",
            "status": status,
            "entities": {},
            "begin_time": "2026-01-17T21:18:30.230Z",
            "error_code": "Ecs.0019" if failed else None,
            "fail_reason": "The flavor is sold out." if failed else None,
        }
        return Scenario(200, json.dumps(told))


_UNKNOWN_API = Scenario(
    404,
    '{"error_msg": "The API does not exist or has not been published in the environment", '
    '"error_code": "APIGW.0101", "request_id": "5f9c2b6c8d4d0d9a5f3f1f0c5b7a1122"}',
)


def _names(path: str, body: bytes) -> Iterator[str]:
    yield from path.split("/")
    try:
        yield from _names_in(json.loads(body))
    except ValueError:
        return


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _names_in(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key in ("name", "id") and isinstance(entry, str):
                yield entry
            yield from _names_in(entry)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection, kept alive."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body leave together.
    disable_nagle_algorithm = True
    server: _Server

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        answer = self.server.state.answer(Request(self.command, self.path, self.rfile.read(length)))
        body, encoding = _encoded(answer.body.encode(), self.headers.get("Accept-Encoding", ""))
        self.send_response(answer.status)
        self.send_header("X-Request-Id", uuid4().hex)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            if encoding:
                self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if answer.cut else body)
        self.close_connection |= answer.cut

    do_GET = do_POST = do_PUT = do_DELETE = _respond

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Silent: the log of the audit is what is looked at."""


def _encoded(body: bytes, accepted: str) -> tuple[bytes, str]:
    names = {name.partition(";")[0].strip() for name in accepted.split(",")}
    if body and "gzip" in names:
        return gzip.compress(body), "gzip"
    if body and "br" in names:
        return brotli.compress(body), "br"
    return body, ""


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self.state = _State()
        super().__init__(("127.0.0.1", port), _Connection)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @override
    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """A client that goes away is no trouble of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class DemoApi:
    """The API on a port of 127.0.0.1, as a context manager; port 0 takes a free one. `tls` makes it https."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(port, tls)
        self._scheme = "https" if tls else "http"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order they came."""
        return list(self._server.state.requests)

    @property
    def job_ids(self) -> list[str]:
        """The ids of all jobs so far, also of those it told by another member's name."""
        return list(self._server.state.jobs)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
