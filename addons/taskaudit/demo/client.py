"""A client of the API, as users write them: submits tasks, asks for their jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

PROJECT = "demo"
ENDS = ("SUCCESS", "FAIL")
"""The statuses that end a job."""
_MOST_QUERIES = 10
PAUSE = 0.35
"""Seconds between two queries of a job, of a client that leaves the API room."""


class Call(NamedTuple):
    """A request to make; `body` is sent as JSON."""

    method: str
    path: str
    body: Any = None


def server(name: str) -> dict[str, Any]:
    """The body that creates a server."""
    return {"server": {"name": name, "flavorRef": "s6.small.1", "imageRef": "ubuntu-24.04"}}


SERVERS = f"/v1/{PROJECT}/cloudservers"
"""The path that servers are created at."""
_PREPAID = f"/v1.1/{PROJECT}/cloudservers"
_VOLUMES = f"/v2/{PROJECT}/cloudvolumes"

CALLS = (
    Call("POST", SERVERS, server("web-1")),
    Call("POST", _VOLUMES, {"volume": {"name": "data-1", "size": 10}}),
    Call("POST", f"{SERVERS}/action", {"os-start": {"servers": [{"id": "job-fails"}]}}),
    Call("DELETE", f"{_VOLUMES}/vol-7"),
    Call("POST", _PREPAID, server("order")),
    Call("POST", SERVERS, server("accepted")),
    Call("GET", f"{SERVERS}/detail"),
    Call("POST", SERVERS, server("quota")),
    Call("POST", SERVERS, server("details")),
    Call("POST", SERVERS, server("seed-example")),
    Call("POST", SERVERS, server("code-number")),
    Call("POST", SERVERS, server("details-null")),
    Call("POST", SERVERS, server("details-strings")),
    Call("POST", SERVERS, server("members-swapped")),
    Call("POST", SERVERS, server("job-id-misspelt")),
    Call("POST", _VOLUMES, {"volume": {"name": "job-id-number", "size": 10}}),
    Call("POST", f"{SERVERS}/delete", {"servers": [{"id": "error-in-200"}]}),
    Call("POST", SERVERS, server("both")),
    Call("POST", SERVERS, server("gateway")),
    Call("POST", _VOLUMES, {"volume": {"name": "load-balancer", "size": 10}}),
    Call("POST", SERVERS, server("cut-short")),
)
"""What the demo's client does; the names say which answer it gets (see `api.SCENARIOS`)."""


class Client:
    """Talks to 127.0.0.1 directly, whatever proxies the environment names.

    `requests` counts them, `job_ids` keeps those it was answered, both for the check at the end.
    """

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.requests = 0
        self.job_ids: list[str] = []

    def call(self, call: Call) -> str | None:
        """Makes a request; the job id in the answer, or None."""
        answer = self._json(call)
        job_id = answer.get("job_id") if isinstance(answer, dict) else None
        if not isinstance(job_id, str):
            return None
        self.job_ids.append(job_id)
        return job_id

    def ask(self, job_id: str | None) -> str:
        """Asks for a job's status: "unknown" where the answer has none.

        None goes into the path as it is printed, which is how clients come to ask for /jobs/None.
        """
        answer = self._json(Call("GET", f"/v1/{PROJECT}/jobs/{job_id}"))
        return str(answer.get("status", "unknown")) if isinstance(answer, dict) else "unknown"

    def wait_for(self, job_ids: Iterable[str]) -> list[str]:
        """Asks for the jobs, at a decent pace, until each has ended; those that have."""
        waiting, ended = list(job_ids), list[str]()
        for _ in range(_MOST_QUERIES):
            if not waiting:
                break
            time.sleep(PAUSE)
            ended += [job_id for job_id in waiting if self.ask(job_id) in ENDS]
            waiting = [job_id for job_id in waiting if job_id not in ended]
        return ended

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _json(self, call: Call) -> Any:
        """The answer's JSON, None where it has none or does not come whole."""
        body = None if call.body is None else json.dumps(call.body)
        self.requests += 1
        try:
            self._connection.request(call.method, call.path, body, {"Content-Type": "application/json"})
            return json.loads(self._connection.getresponse().read())
        except ValueError:
            return None
        except HTTPException:
            self._connection.close()
            return None
