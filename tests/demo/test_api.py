"""The demo's API: an answer for each name, and jobs that run and end."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from typing import Any

import brotli
import pytest

from taskaudit.demo.api import JOB_ID, SCENARIOS, DemoApi

WHOLE = [name for name, scenario in SCENARIOS.items() if not scenario.cut]


class _Asking:
    def __init__(self, api: DemoApi) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        assert answer.headers["X-Request-Id"]
        return answer.status, answer.read()


@pytest.fixture
def api() -> Iterator[DemoApi]:
    """The API, on a free port."""
    with DemoApi() as running:
        yield running


@pytest.fixture
def ask(api: DemoApi) -> Iterator[_Asking]:
    """A client that keeps its connection."""
    asking = _Asking(api)
    yield asking
    asking.connection.close()


@pytest.mark.parametrize("name", WHOLE)
def test_a_name_gets_its_answer_wherever_it_stands(name: str, api: DemoApi, ask: _Asking) -> None:
    requests = [
        ("POST", "/v1.1/p/cloudservers", {"server": {"name": name}}),
        ("POST", "/v1/p/cloudservers/delete", {"servers": [{"id": name}]}),
        ("DELETE", f"/v2/p/cloudvolumes/{name}?force=1", None),
    ]
    for method, path, body in requests:
        status, answer = ask(method, path, body)
        expected = SCENARIOS[name].body
        if JOB_ID in expected:
            expected = expected.replace(JOB_ID, api.job_ids[-1])
        assert (status, answer.decode()) == (SCENARIOS[name].status, expected)
    assert [(r.method, r.path) for r in api.requests] == [(method, path) for method, path, _ in requests]


@pytest.mark.parametrize(("name", "end"), [("web", "SUCCESS"), ("job-fails", "FAIL")])
def test_a_job_runs_and_ends(name: str, end: str, ask: _Asking) -> None:
    job_id = json.loads(ask("POST", "/v1/p/cloudservers", {"server": {"name": name}})[1])["job_id"]
    told = [json.loads(ask("GET", f"/v1/p/jobs/{job_id}")[1]) for _ in range(4)]
    assert [job["status"] for job in told] == ["INIT", "RUNNING", end, end]
    assert {job["job_id"] for job in told} == {job_id}
    assert (told[-1]["error_code"] is None) == (end == "SUCCESS")


def test_a_job_takes_long(ask: _Asking) -> None:
    job_id = json.loads(ask("DELETE", "/v2/p/cloudvolumes/job-takes-long")[1])["job_id"]
    told = [json.loads(ask("GET", f"/v1/p/jobs/{job_id}")[1])["status"] for _ in range(6)]
    assert told == ["INIT", *["RUNNING"] * 4, "SUCCESS"]


def test_what_is_no_submission(api: DemoApi, ask: _Asking) -> None:
    assert ask("GET", "/v1/p/cloudservers/detail?limit=2") == (200, b'{"servers": [], "count": 0}')
    assert ask("GET", "/v1/p/jobs/nobody")[0] == 404
    assert ask("POST", "/v1/p/networks", {"name": "web"})[0] == 404
    assert ask("PUT", "/nothing")[0] == 404
    assert api.job_ids == []


def test_compressed_for_who_accepts_it(ask: _Asking) -> None:
    path = "/v1/p/cloudvolumes/quota"
    plain = ask("DELETE", path)[1]
    assert gzip.decompress(ask("DELETE", path, **{"Accept-Encoding": "br, gzip;q=0.5"})[1]) == plain
    assert brotli.decompress(ask("DELETE", path, **{"Accept-Encoding": "br"})[1]) == plain


def test_breaks_off(ask: _Asking) -> None:
    with pytest.raises(http.client.IncompleteRead):
        ask("DELETE", "/v2/p/cloudvolumes/cut-short")
