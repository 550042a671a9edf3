"""A long run of `taskaudit serve` under load: its memory has to stay flat, and no descriptor may leak.

`make soak`: 312,000 exchanges over the loopback, some minutes; prints a line every 24,000, and fails where
memory grows after the warm-up. The table of jobs is kept small (`remembered_jobs`), so that it is full within
the warm-up; the log is rotated, compressed and deleted as it grows.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple, override

from running import wait_until
from serving import Serve

CLIENTS = 8
ROUND = 6
"""Exchanges that belong together: a task, its job to the end, a task that is refused, and a list."""
ROUNDS_EACH = 20
"""After how many rounds a client opens a new connection."""
EVERY = CLIENTS * ROUND * ROUNDS_EACH * 25
"""24,000 exchanges."""
SAMPLES = 13
WARM_UP = 4
"""Samples that do not count: tables fill up (the largest, of exchanges seen and of jobs set aside, last)."""
GROWTH = 40.0
"""Bytes an exchange that memory may grow by: less than one leaked object and its place in a table take, and
more than noise makes of it (some 4 MB, of logs that are being compressed)."""
SETTINGS = """
remembered_jobs: 1000
min_interval: 0
log: {rotate_bytes: 8388608, compress: zstd, keep_files: 2}
"""

_SERVERS = b"/v1/p/cloudservers"
_NUMBERS = count(1)


class Sample(NamedTuple):
    """`resident`: bytes in memory after `done` exchanges."""

    done: int
    resident: int
    descriptors: int


class _Api(asyncio.Protocol):
    """One connection of the API. The status of a job is the one that the query string names."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, gap, body = self._received.partition(b"\r\n\r\n")
        if gap and (not head.startswith(b"POST") or body.endswith(b"}}")):
            self._received = b""
            status, told = _answer(head.partition(b" HTTP/1.1")[0])
            kind = b"Content-Type: application/json\r\nContent-Length"
            self._transport.write(b"HTTP/1.1 %b\r\n%b: %d\r\n\r\n%b" % (status, kind, len(told), told))


def _answer(asked: bytes) -> tuple[bytes, bytes]:
    job, _, status = asked.rpartition(b"/")[2].partition(b"?status=")
    if status:
        return b"200 OK", b'{"job_id": "%b", "status": "%b"}' % (job, status)
    if asked == b"POST " + _SERVERS:
        return b"200 OK", b'{"job_id": "%032d"}' % next(_NUMBERS)
    if asked.startswith(b"POST"):
        return b"400 Bad Request", b'{"error": {"message": "The flavor is sold out.", "code": 400}}'
    return b"200 OK", b'{"servers": [], "count": 0}'


class _Client:
    """Submits tasks, asks for each job to its end, and does some other things besides."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, rounds: int) -> None:
        for _ in range(rounds // ROUNDS_EACH):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            for _ in range(ROUNDS_EACH):
                await self._round()
            self._writer.close()
            await self._writer.wait_closed()

    async def _round(self) -> None:
        job = (await self._ask(b"POST", _SERVERS)).partition(b': "')[2][:32]
        for status in (b"INIT", b"RUNNING", b"SUCCESS"):
            await self._ask(b"GET", b"/v1/p/jobs/%b?status=%b" % (job, status))
        await self._ask(b"POST", _SERVERS + b"/action")
        await self._ask(b"GET", _SERVERS + b"/detail")

    async def _ask(self, method: bytes, target: bytes) -> bytes:
        body = b'{"server": {"name": "%d"}}' % next(_NUMBERS) if method == b"POST" else b""
        head = b"%b %b HTTP/1.1\r\nHost: ecs.example.com\r\nContent-Length: %d\r\n\r\n"
        self._writer.write(head % (method, target, len(body)) + body)
        told = await self._reader.readuntil(b"\r\n\r\n")
        return await self._reader.readexactly(int(told.rpartition(b": ")[2]))


@asynccontextmanager
async def _api() -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(_Api, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def soak(folder: Path, samples: int, every: int = EVERY) -> AsyncIterator[Sample]:
    """Gives a sample whenever `every` more exchanges went through a proxy, with nobody connected.

    `every`: a multiple of `CLIENTS * ROUND * ROUNDS_EACH`. Fails where descriptors stay open, or where an
    exchange was not accounted for at the end.
    """
    async with _api() as origin:
        with await asyncio.to_thread(Serve, origin, folder, settings=SETTINGS) as serve:
            port, at_rest = await asyncio.to_thread(lambda: (serve.port, serve.descriptors))
            for number in range(1, samples + 1):
                rounds = every // CLIENTS // ROUND
                await asyncio.gather(*(_Client(port)(rounds) for _ in range(CLIENTS)))
                await asyncio.to_thread(_wait_for_rest, serve, at_rest)
                yield Sample(number * every, serve.resident, serve.descriptors)
            await asyncio.to_thread(_stop, serve, samples * every)


def _wait_for_rest(serve: Serve, at_rest: int) -> None:
    """A rotated log may be open, besides, while it is compressed."""
    wait_until(lambda: serve.descriptors <= at_rest, f"{at_rest} descriptors, as before the first connection")


def _stop(serve: Serve, exchanges: int) -> None:
    assert serve.stop() == 0, serve.told
    totals = json.loads(serve.log.read_bytes().splitlines()[-1])["session"]["totals"]
    assert totals["seen"] == exchanges, totals
    assert totals["seen"] == totals["other"] + totals["audited"] + sum(totals["unaudited"].values()), totals


def growth(samples: Iterable[Sample]) -> float:
    """Bytes an exchange: the slope of the line through the samples (least squares)."""
    done, resident = zip(*((sample.done, sample.resident) for sample in samples), strict=True)
    middle, level = sum(done) / len(done), sum(resident) / len(resident)
    spread = sum((x - middle) ** 2 for x in done)
    return sum((x - middle) * (y - level) for x, y in zip(done, resident, strict=True)) / spread


async def _main() -> int:
    samples, began = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async for sample in soak(Path(folder), SAMPLES):
            samples.append(sample)
            print(
                f"{sample.done:>8} exchanges  {time.monotonic() - began:6.1f} s  "
                f"{sample.resident / 2**20:7.1f} MiB  {sample.descriptors} descriptors",
                flush=True,
            )
    slope = growth(samples[WARM_UP:])
    print(f"growth: {slope:.1f} bytes an exchange after {samples[WARM_UP].done} (at most {GROWTH:.0f})")
    return int(slope > GROWTH)


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
