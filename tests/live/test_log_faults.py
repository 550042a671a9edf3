"""A log that cannot be written: traffic goes on, and what was lost is told to the record."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable

from running import Client, Start, bodies, wait_until

from taskaudit.demo.api import DemoApi

LOST_REQUESTS = 25


def test_full_disk(launch: Start, api: DemoApi, client: Callable[[int], Client]) -> None:
    """A file that may not grow any more stands for a disk that is full: both end a write early, or refuse it.

    Needs no mount, so it runs everywhere. Each error with a finding makes two records.
    """
    proxy = launch("--mode", f"reverse:{api.url}")
    ask = client(proxy.port)
    ask.submit("code-number")

    # The first write that fails ends in the middle of a record, and there is no room for a fault either.
    room = proxy.log.stat().st_size + 150
    _, most = resource.prlimit(proxy.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(proxy.pid, resource.RLIMIT_FSIZE, (room, most))
    for _ in range(LOST_REQUESTS):
        assert ask.submit("code-number")[0] == 400
    before = proxy.records
    resource.prlimit(proxy.pid, resource.RLIMIT_FSIZE, (most, most))
    job_id = json.loads(ask.submit("web")[1])["job_id"]

    output, status = proxy.stop()
    assert status == 0
    records = proxy.records
    lost = 2 * LOST_REQUESTS
    assert before == records[: len(before)]
    assert len(bodies(before, "submission")) == 1
    (fault,) = bodies(records, "fault")
    assert (fault["rule"], fault["lost"]) == ("TA902", lost)
    assert fault["first"] < fault["last"]
    assert bodies(records, "submission")[-1]["job_id"] == job_id
    numbers = [record["seq"] for record in records]
    assert set(range(numbers[-1] + 1)) - set(numbers) == set(range(numbers[2] + 1, numbers[2] + 1 + lost))
    totals = bodies(records, "stats")[-1]
    assert (totals["lost"], totals["seen"], totals["audited"]) == (lost, LOST_REQUESTS + 2, LOST_REQUESTS + 2)
    assert output.count(f"cannot write the log {proxy.log}") == 1
    assert output.count(f"the log is written again; {lost} records could not be written") == 1


def test_never_written_again(launch: Start, api: DemoApi, client: Callable[[int], Client]) -> None:
    """Then only the proxy's own output can say how much is missing: the stop's three records are, too."""
    proxy = launch("--mode", f"reverse:{api.url}")
    ask = client(proxy.port)
    wait_until(lambda: proxy.log.stat().st_size > 0, "the session begins")  # After the proxy listens.
    room = proxy.log.stat().st_size
    resource.prlimit(proxy.pid, resource.RLIMIT_FSIZE, (room, room))
    assert ask.submit("web")[0] == 200
    output, status = proxy.stop()
    assert status == 0
    assert "4 records could not be written into the log" in output
    assert [record["event_type"] for record in proxy.records] == ["session"]
