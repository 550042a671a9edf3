"""`taskaudit serve`, with the audit and its log, against plain `mitmdump -q` without any addon.

Method. Both run side by side in reverse mode on one core, and are loaded in turn, some hundred requests at a
time; there are several pairs of processes, as two of the same program differ by a per cent by chance. The
mix has one submission in ten requests, three queries of its job, and six that are not ours. The figure is
requests per second of CPU time, which is what one core handles when it has nothing else to do. What
the wall's clock says beside it is lower where the machine is shared.

Two instances behind HAProxy, each on a core of its own: what a request costs them, against one alone behind
the same HAProxy. That it stays the same is what makes N instances handle N times as much on N cores. The
wall's rates cannot show it here, where client, origin and HAProxy need a core as well.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from fronts import haproxy
from serving import Serve

from tests.benchmarks.load import (
    CORES,
    MIX,
    OTHER,
    SUBMISSIONS,
    Client,
    Loaded,
    Traffic,
    cpu_of,
    mitmdump,
    origin,
)
from tests.benchmarks.measure import Goal, Row, in_turn, spread

TITLE = "taskaudit serve"

WHY = (
    "of what serve takes for a submission the audit with its log is 8 %, and the bound on bodies that "
    "are kept in memory some 3 % (stream_large_bodies); nearly all the rest is mitmproxy's layers, which "
    "mitmdump has as well. By that profile an audit that costs nothing would come to about 1.8."
)
PAIRS = 2
ROUNDS = 8
SLICE = 300
WARM_UP = 600

type Pair = tuple[Loaded, Loaded]
"""`serve`, and mitmdump."""


def rows() -> Iterator[Row]:
    """Requests a second by kind of traffic, and two instances against one."""
    with tempfile.TemporaryDirectory() as name, origin() as address, ExitStack() as running:
        folder = Path(name)
        pairs = [_pair(running, folder, address, number) for number in range(PAIRS)]
        yield _row("requests a second, traffic that is not ours", pairs, OTHER)
        yield _row("requests a second, submissions", pairs, SUBMISSIONS)
        yield _row("requests a second, a mix", pairs, MIX)
        yield _two(running, folder, address)


def _row(what: str, pairs: list[Pair], traffic: Traffic) -> Row:
    for pair in pairs:
        for proxy in pair:
            proxy.slice(traffic, WARM_UP)
    ours, plain = cycle(serve for serve, _ in pairs), cycle(plain for _, plain in pairs)
    ratio, mine, its = in_turn(
        lambda: 1 / next(ours).slice(traffic, SLICE),
        lambda: 1 / next(plain).slice(traffic, SLICE),
        ROUNDS * PAIRS,
    )
    walls = " and ".join(f"{_rate(proxy.client, traffic):.0f}" for proxy in pairs[0])
    detail = f"{mine.middle:.0f} and {its.middle:.0f} per second of CPU; by the wall {walls}"
    return Row(what, "mitmdump -q", ratio, Goal(1.7, at_least=True), detail, WHY)


def _rate(client: Client, traffic: Traffic) -> float:
    """Requests a second by the wall."""
    return spread([SLICE / client.run(traffic, SLICE) for _ in range(5)]).middle


def _pair(running: ExitStack, folder: Path, address: str, number: int) -> Pair:
    serve = running.enter_context(Serve(address, folder, name=f"{number}", listen=""))
    return Loaded(serve.process.pid, serve.port), mitmdump(running, folder, address)


def _two(running: ExitStack, folder: Path, address: str) -> Row:
    """CPU of all instances for a request, two against one."""
    two = _Fronted(running, folder / "two", address, [CORES[0], CORES[-1]])
    one = _Fronted(running, folder / "one", address, [CORES[-1]])
    ratio, both, alone = in_turn(two.slice, one.slice, ROUNDS * PAIRS // 2)
    rates = " and ".join(f"{_rate(front.client, SUBMISSIONS):.0f}" for front in (two, one))
    detail = (
        f"{both.middle * 1e6:.0f} and {alone.middle * 1e6:.0f} µs of CPU a request; "
        f"by the wall {rates} requests a second on {len(CORES)} cores shared with client, origin and HAProxy"
    )
    return Row("a request, two instances behind HAProxy", "one instance behind it", ratio, Goal(1.1), detail)


class _Fronted:
    """Instances behind an HAProxy, each on a core."""

    def __init__(self, running: ExitStack, folder: Path, address: str, cores: list[int]) -> None:
        folder.mkdir()
        started = [Serve(address, folder, name=f"{number}") for number in range(len(cores))]
        self._instances = [running.enter_context(each) for each in started]
        for each, core in zip(self._instances, cores, strict=True):
            os.sched_setaffinity(each.process.pid, {core})
        # The configuration that ships names two servers: one instance alone is both.
        front = running.enter_context(haproxy(folder, self._instances[0], self._instances[-1]))
        front.wait_for(a="UP", b="UP")
        self.client = running.enter_context(Client(front.port))
        self.client.run(SUBMISSIONS, WARM_UP)

    def slice(self) -> float:
        """Seconds of CPU of all instances for one request."""
        before = self._cpu()
        self.client.run(SUBMISSIONS, SLICE)
        return (self._cpu() - before) / SLICE

    def _cpu(self) -> float:
        return sum(cpu_of(each.process.pid) for each in self._instances)
