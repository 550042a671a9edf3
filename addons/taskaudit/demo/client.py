"""A client of the API, as users write them: submits tasks, asks for their jobs until these end."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

PROJECT = "demo"
_ENDS = ("SUCCESS", "FAIL")
_MOST_QUERIES = 10
_PAUSE = 0.05


class Call(NamedTuple):
    """A request to make; `body` is sent as JSON."""

    method: str
    path: str
    body: Any = None


def _server(name: str) -> dict[str, Any]:
    return {"server": {"name": name, "flavorRef": "s6.small.1", "imageRef": "ubuntu-24.04"}}


_SERVERS = f"/v1/{PROJECT}/cloudservers"
_PREPAID = f"/v1.1/{PROJECT}/cloudservers"
_VOLUMES = f"/v2/{PROJECT}/cloudvolumes"

CALLS = (
    Call("POST", _SERVERS, _server("web-1")),
    Call("POST", _VOLUMES, {"volume": {"name": "data-1", "size": 10}}),
    Call("POST", f"{_SERVERS}/action", {"os-start": {"servers": [{"id": "job-fails"}]}}),
    Call("DELETE", f"{_VOLUMES}/vol-7"),
    Call("POST", _PREPAID, _server("order")),
    Call("POST", _SERVERS, _server("accepted")),
    Call("GET", f"{_SERVERS}/detail"),
    Call("POST", _SERVERS, _server("quota")),
    Call("POST", _SERVERS, _server("details")),
    Call("POST", _SERVERS, _server("seed-example")),
    Call("POST", _SERVERS, _server("code-number")),
    Call("POST", _SERVERS, _server("details-null")),
    Call("POST", _SERVERS, _server("details-strings")),
    Call("POST", _SERVERS, _server("members-swapped")),
    Call("POST", _SERVERS, _server("job-id-misspelt")),
    Call("POST", _VOLUMES, {"volume": {"name": "job-id-number", "size": 10}}),
    Call("POST", f"{_SERVERS}/delete", {"servers": [{"id": "error-in-200"}]}),
    Call("POST", _SERVERS, _server("both")),
    Call("POST", _SERVERS, _server("gateway")),
    Call("POST", _VOLUMES, {"volume": {"name": "load-balancer", "size": 10}}),
    Call("POST", _SERVERS, _server("cut-short")),
)
"""What the demo's client does; the names say which answer it gets (see `api.SCENARIOS`)."""


class Client:
    """Talks to 127.0.0.1 directly, whatever proxies the environment names. Counts its requests."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.requests = 0

    def call(self, call: Call) -> str | None:
        """Makes a request; the job id in the answer, or None."""
        answer = self._json(call)
        job_id = answer.get("job_id") if isinstance(answer, dict) else None
        return job_id if isinstance(job_id, str) else None

    def wait_for(self, job_id: str) -> str:
        """Asks for a job's status until it is final; the last one."""
        status = "unknown"
        for _ in range(_MOST_QUERIES):
            answer = self._json(Call("GET", f"/v1/{PROJECT}/jobs/{job_id}"))
            status = str(answer.get("status")) if isinstance(answer, dict) else "unknown"
            if status in _ENDS:
                break
            time.sleep(_PAUSE)
        return status

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
