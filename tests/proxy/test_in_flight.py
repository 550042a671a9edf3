"""What counts as in flight."""

from __future__ import annotations

import asyncio

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from taskaudit.proxy.in_flight import GONE, InFlight

LEFT = 1000.0


def a_flow(left: float | None = None) -> http.HTTPFlow:
    flow = tflow.tflow()
    flow.client_conn.timestamp_end = left
    return flow


def test_from_the_head_of_the_request_to_the_hook_that_ends_it() -> None:
    in_flight = InFlight()
    one, other = a_flow(), a_flow()
    in_flight.begin(one)
    in_flight.begin(other)
    assert len(in_flight) == 2
    in_flight.end(one)
    in_flight.end(one)
    assert len(in_flight) == 1
    in_flight.end(other)
    assert not in_flight


@pytest.mark.parametrize("how", ["is on the disk", "is given up"])
def test_an_answer_that_waits(how: str) -> None:
    async def wait() -> list[int]:
        in_flight, flow = InFlight(), a_flow()
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        in_flight.begin(flow)
        in_flight.end(flow, safe)
        counts = [len(in_flight)]
        if how == "is on the disk":
            safe.set_result(None)
        else:
            safe.cancel()
        await asyncio.sleep(0)
        return [*counts, len(in_flight), len(in_flight.lost(LEFT))]

    assert asyncio.run(wait()) == [1, 0, 0]


@pytest.mark.parametrize(("after", "is_lost"), [(0, False), (GONE, False), (GONE + 0.1, True)])
def test_a_client_that_has_gone(after: float, is_lost: bool) -> None:
    in_flight, flow = InFlight(), a_flow(LEFT)
    in_flight.begin(flow)
    assert not in_flight
    assert in_flight.lost(LEFT + after) == ([flow] if is_lost else [])
    assert in_flight.lost(LEFT + 2 * GONE) == ([] if is_lost else [flow])
    assert in_flight.lost(LEFT + 2 * GONE) == []


def test_a_client_that_is_there_is_never_lost() -> None:
    in_flight = InFlight()
    in_flight.begin(a_flow())
    assert in_flight.lost(LEFT) == []
    assert len(in_flight) == 1


def test_a_replay_has_no_client() -> None:
    in_flight, flow = InFlight(), a_flow(LEFT)
    flow.is_replay = "request"
    in_flight.begin(flow)
    assert len(in_flight) == 1
    assert in_flight.lost(LEFT + 2 * GONE) == []
