"""What clients do with a job: as it should be, and as it is often done, with the rules that this breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from taskaudit.demo.client import ENDS, PAUSE, SERVERS, Call, Client, server

QUERY_WITHIN = 1.0
"""Seconds that are allowed until the first query of a job: few, so that the demo need not last 5 minutes."""
MIN_INTERVAL = 0.3
"""Seconds that have to lie between two queries of a job; less than `client.PAUSE`."""
CONFIG = f"""\
# As in the demo: times so short that what a client does wrong is seen within seconds.
query_within: {QUERY_WITHIN:g}
min_interval: {MIN_INTERVAL:g}
"""
"""The demo's configuration file."""

_PATIENCE = 20
"""The most queries of one job."""


class Behaviour(NamedTuple):
    """A way to treat a job. `acts` yields after each request; `rules` are those that it breaks."""

    words: str
    acts: Callable[[Client], Iterator[None]]
    rules: frozenset[str]


def _does_it_right(client: Client) -> Iterator[None]:
    job_id = client.call(Call("POST", SERVERS, server("web-2")))
    yield
    for _ in range(_PATIENCE):
        status = client.ask(job_id)
        yield
        if status in ENDS:
            return
        time.sleep(PAUSE)


def _takes_an_error_for_success(client: Client) -> Iterator[None]:
    job_id = client.call(Call("POST", SERVERS, server("quota")))
    yield
    client.ask(job_id)
    yield


def _hammers(client: Client) -> Iterator[None]:
    job_id = client.call(Call("POST", SERVERS, server("job-takes-long")))
    yield
    for _ in range(_PATIENCE):
        status = client.ask(job_id)
        yield
        if status in ENDS:
            break
    for _ in range(2):
        client.ask(job_id)
        yield


def _never_asks(client: Client) -> Iterator[None]:
    client.call(Call("POST", SERVERS, server("web-3")))
    yield


BEHAVIOURS = (
    Behaviour("does it right: asks now and then, until the job has ended", _does_it_right, frozenset()),
    Behaviour(
        "does not look at the error, and asks for the job it never got",
        _takes_an_error_for_success,
        frozenset({"TA502"}),
    ),
    Behaviour("asks without a pause, and goes on after the end", _hammers, frozenset({"TA504", "TA505"})),
    Behaviour("takes the job for done, and never asks", _never_asks, frozenset({"TA501"})),
)
"""The clients of the demo's second part, in their order."""
