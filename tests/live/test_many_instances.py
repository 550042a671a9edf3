"""Two proxies behind one address: which one sees what does not matter, and neither is needed for traffic."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fronts import HAProxy, haproxy, nginx
from running import Client, bodies, wait_until
from serving import Serve

from taskaudit.demo.api import DemoApi
from taskaudit.demo.mitmdump import program
from taskaudit.story.story import tell
from tests.tangles import command_rows, load, view_rows

Connect = Callable[[int], Client]
Pair = tuple[Serve, Serve]


@pytest.fixture
def pair(tmp_path: Path, api: DemoApi, confdir: Path) -> Iterator[Pair]:
    """Two instances before one API."""
    start = partial(Serve, api.url, tmp_path, confdir=confdir)
    with start(name="a") as a, start(name="b") as b:
        yield a, b


@pytest.fixture
def front(tmp_path: Path, pair: Pair) -> Iterator[HAProxy]:
    """An HAProxy before both, which finds them well."""
    with haproxy(tmp_path, *pair) as running:
        running.wait_for(a="UP", b="UP")
        yield running


def _follow(client: Client, jobs: int) -> list[str]:
    """Submits tasks, and asks for each job to its end; the ids.

    With five requests a round, it is not always the same one of two that takes the submission.
    """
    return [_to_the_end(client, number) for number in range(jobs)]


def _to_the_end(client: Client, number: int) -> str:
    status, body = client.submit(f"server-{number}")
    assert status == 200
    job_id: str = json.loads(body)["job_id"]
    client("GET", "/v1/p/cloudservers/detail")
    told = [json.loads(client("GET", f"/v1/p/jobs/{job_id}")[1])["status"] for _ in range(3)]
    assert told == ["INIT", "RUNNING", "SUCCESS"]
    return job_id


def _ids(records: list[dict[str, Any]], event_type: str) -> set[str]:
    return {body["job_id"] for body in bodies(records, event_type)}


def _asked(command: str, *logs: Path | str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [program("taskaudit"), command, "--format", "json", *map(str, logs)], capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _assert_one_story(pair: Pair, jobs: list[str]) -> None:
    """Every job is told once, with its end, and nobody is accused of what the other log explains."""
    logs = [serve.log for serve in pair]
    told = {each["job_id"]: each["state"] for each in _asked("jobs", *logs)}
    assert told == dict.fromkeys(jobs, "final")
    assert [found["rule"] for found in _asked("findings", *logs)] == []


def _seen(serve: Serve) -> int:
    return len(serve.of("submission")) + len(serve.of("job_query"))


def _assert_same_in_postgresql(pair: Pair, url: str) -> None:
    logs = [serve.log for serve in pair]
    load(url, logs)
    for view, rows in command_rows(tell(logs)).items():
        assert view_rows(url, view) == rows
    assert _asked("jobs", "--from", url) == _asked("jobs", *logs)


def test_what_haproxy_spreads_is_one_story(
    front: HAProxy, pair: Pair, client: Connect, postgres_url: str
) -> None:
    a, b = pair
    jobs = _follow(client(front.port), 6)
    at_a = a.stopped()
    front.wait_for(a="DOWN", b="UP")
    jobs += _follow(client(front.port), 3)
    at_b = b.stopped()
    assert _ids(at_a, "submission") & _ids(at_b, "job_query")
    assert _ids(at_b, "submission") & _ids(at_a, "job_query")
    assert {each["rule"] for each in bodies(at_a, "finding") + bodies(at_b, "finding")} >= {"TA503"}
    _assert_one_story(pair, jobs)
    _assert_same_in_postgresql(pair, postgres_url)


def test_no_client_notices_that_an_instance_stops(front: HAProxy, pair: Pair, client: Connect) -> None:
    """Nobody waits here until HAProxy has noticed it."""
    connected = client(front.port)
    jobs = _follow(connected, 2)
    pair[0].stopped()
    jobs += _follow(connected, 4)
    pair[1].stopped()
    _assert_one_story(pair, jobs)


def _break(serve: Serve) -> None:
    serve.config.write_text("no_such_key: 1\n")


def test_an_unhealthy_instance_gets_no_traffic(front: HAProxy, pair: Pair, client: Connect) -> None:
    a, b = pair
    _break(a)
    front.wait_for(a="DOWN", b="UP")
    _follow(client(front.port), 2)
    assert (_seen(a), _seen(b)) == (0, 8)
    a.config.write_text("")
    front.wait_for(a="UP", b="UP")
    _follow(client(front.port), 2)
    assert _seen(a) > 0


def test_where_all_are_unhealthy_traffic_goes_on(front: HAProxy, pair: Pair, client: Connect) -> None:
    """And is audited, too, as long as the audit can."""
    for serve in pair:
        _break(serve)
    front.wait_for(a="DOWN", b="DOWN")
    jobs = _follow(client(front.port), 3)
    for serve in pair:
        assert _seen(serve) > 0
        serve.stopped()
    _assert_one_story(pair, jobs)


def test_what_nginx_spreads_is_one_story(tmp_path: Path, pair: Pair, client: Connect) -> None:
    with nginx(tmp_path, *pair) as port:
        jobs = _follow(client(port), 4)
        wait_until(lambda: _seen(pair[0]) > 0 and _seen(pair[1]) > 0, "both are asked")
        pair[0].stopped()
        jobs += _follow(client(port), 2)
    pair[1].stopped()
    _assert_one_story(pair, jobs)
