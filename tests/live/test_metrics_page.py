"""What a running `taskaudit serve` answers to Prometheus, and to the container's health check."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import Forks
from running import Client, wait_until
from serving import Serve

from taskaudit.demo.api import SCENARIOS, DemoApi
from taskaudit.paths import configs_dir
from tests.programs import output_of

Connect = Callable[[int], Client]
HEALTH_CHECK = 'CMD ["/opt/taskaudit/bin/python", '


@pytest.fixture
def serve(tmp_path: Path, api: DemoApi, forks: Forks) -> Iterator[Serve]:
    """One before the demo's API."""
    with Serve(api.url, tmp_path, forks=forks) as running:
        yield running


def test_promtool_finds_nothing_to_say_about_the_metrics(serve: Serve, client: Connect) -> None:
    """With every kind of answer counted."""
    connected = client(serve.port)
    for name in sorted(SCENARIOS.keys() - {"cut-short"}):
        connected.submit(name)
    connected("GET", "/v1/p/cloudservers/detail")
    status, metrics = serve.get("/metrics")
    assert status == 200
    assert 'taskaudit_findings_total{rule="TA306"' in metrics
    assert output_of("promtool", "check", "metrics", given=metrics) == ""


def test_promtool_would_find_something() -> None:
    with pytest.raises(AssertionError, match="no help text"):
        output_of("promtool", "check", "metrics", given="# TYPE a_total counter\na_total 1\n")


def _checked(serve: Serve) -> bool:
    """As the container's health check sees it."""
    text = (configs_dir() / "container/Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    words: list[str] = json.loads("[" + text.partition(HEALTH_CHECK)[2].partition("]\n")[0] + "]")
    code = words[-1].replace("127.0.0.1:9101", f"127.0.0.1:{serve.page}")
    assert str(serve.page) in code
    done = subprocess.run([sys.executable, *words[:-1], code], capture_output=True, check=False)
    return done.returncode == 0


def test_the_container_is_healthy_as_long_as_the_audit_is(serve: Serve) -> None:
    assert serve.page
    assert _checked(serve)
    serve.config.write_text("no_such_key: 1\n")
    wait_until(lambda: serve.get("/healthz")[0] == 503, "it is unhealthy")
    assert not _checked(serve)
