"""What the demo's clients do, seen from the API, and that it is what their rules are about."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from taskaudit.config.loading import load_settings
from taskaudit.demo.api import DemoApi
from taskaudit.demo.behaviours import BEHAVIOURS, CONFIG, MIN_INTERVAL, QUERY_WITHIN
from taskaudit.demo.client import Client

REQUESTS = [
    ["cloudservers", "job", "job", "job"],
    ["cloudservers", "None"],
    ["cloudservers", *["job"] * 8],
    ["cloudservers"],
]


def said(path: str, job_ids: list[str]) -> str:
    last = path.rpartition("/")[2]
    return "job" if last in job_ids else last


@pytest.mark.parametrize(("number", "expected"), list(enumerate(REQUESTS)))
def test_requests(number: int, expected: list[str]) -> None:
    with DemoApi() as api:
        client = Client(api.port)
        times = []
        for _ in BEHAVIOURS[number].acts(client):
            times.append(time.monotonic())
        client.close()
        assert [said(request.path, api.job_ids) for request in api.requests] == expected
        assert client.job_ids == api.job_ids
        assert client.requests == len(expected) == len(times)
    if not BEHAVIOURS[number].rules:
        assert times[1] - times[0] < QUERY_WITHIN
        assert all(after - before > MIN_INTERVAL for before, after in pairwise(times[1:]))


def test_the_configuration_holds_what_is_said(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(CONFIG)
    thresholds = load_settings(file).thresholds
    assert (thresholds.query_within, thresholds.min_interval) == (QUERY_WITHIN, MIN_INTERVAL)
