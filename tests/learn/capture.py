"""Captures of an API that no service file lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = "0123456789abcdef0123456789abcdef"
API = f"https://api.example.com/v1/{PROJECT}"
_START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Call(NamedTuple):
    """A request and its answer; `body` is JSON, or text as it is."""

    method: str
    url: str
    status: int = 200
    body: Any = ""
    media: str = "application/json"


def job(number: int) -> str:
    """The id of a job."""
    return f"{number:08x}-31e7-49b7-b260-868f441e862b"


def submit(path: str, number: int = 1, method: str = "POST", **more: Any) -> Call:
    """A submission that gets a job; `path` is below the project's, or a whole URL."""
    return Call(method, path if "://" in path else API + path, 200, {"job_id": job(number), **more})


def ask(path: str, status: str = "SUCCESS", body: Any = None) -> Call:
    """A query of the first job, whose id stands for `{}` in the path; `body` is an answer in another form."""
    return Call("GET", API + path.format(job(1)), 200, body or {"job_id": job(1), "status": status})


def har(path: Path, *calls: Call) -> Path:
    """A HAR of calls, ten seconds apart."""
    entries = []
    for number, call in enumerate(calls):
        text = call.body if isinstance(call.body, str) else json.dumps(call.body)
        content = {"size": len(text), "mimeType": call.media, "text": text}
        headers = [{"name": "Content-Type", "value": call.media}] if text else []
        entries.append(
            {
                "startedDateTime": (_START + timedelta(seconds=10 * number)).isoformat(),
                "time": 5,
                "request": {"method": call.method, "url": call.url, "headers": []},
                "response": {"status": call.status, "headers": headers, "content": content},
            }
        )
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path
