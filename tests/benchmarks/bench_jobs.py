"""`taskaudit jobs` over a long log: time and memory of the whole process, and of one line against `json`.

Method. The log is written as `logs.py` says, some 600 bytes a record. `taskaudit jobs -f json` is run as a
process of its own, its output thrown away; its memory is the peak that the kernel knows of it (`VmHWM`).
The goal is seconds by the clock on a machine that has nothing else to do; the seconds of CPU stand beside it.
Memory grows with the log, as an exchange may stand anywhere in it and the story is told in the order of time.
A line is read in this process, into what the commands keep of it, against `json.loads` of the same line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from taskaudit.story.merged import Merged
from tests.benchmarks import logs
from tests.benchmarks.measure import Curve, Goal, Row, cpu, in_turn, shown, spread
from tests.benchmarks.programs import TASKAUDIT, TELLING, Cost, cost

TITLE = "A long log"
RECORDS = 1_000_000
WHY_TIME = (
    "of some 9.8 s, reading takes 4.5 (a bare loop that decodes each line into a struct and keeps it "
    "takes 2.9), telling all in the order of time 3.6, the lines of JSON 1.1, and the start 0.4."
)
WHY_MEMORY = (
    "it grows with the log. An exchange may stand anywhere in any of the logs, and what it changes is "
    "told of jobs before it, so that each is kept until all are read. A store (taskaudit load) is what "
    "holds more."
)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 2

_measured: dict[int, Cost] = {}


def rows() -> Iterator[Row]:
    """The goals."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        yield _line(folder)
        runs = _runs(folder, RECORDS, ROUNDS)
    _measured[RECORDS] = runs[0]
    seconds = shown(spread([each.cpu for each in runs]).middle)
    wall, peak = spread([each.wall for each in runs]), spread([each.peak for each in runs])
    what, each = f"taskaudit jobs -f json, {RECORDS:,} records", peak.middle * 2**20 / RECORDS
    yield Row(what, "by the clock", wall, Goal(5, "s"), f"{seconds} s of CPU", WHY_TIME)
    yield Row(what, "peak memory", peak, Goal(600, "MiB"), f"{each:.0f} bytes a record", WHY_MEMORY)


def curves() -> Iterator[Curve]:
    """Time and memory by the length of the log."""
    with TemporaryDirectory() as name:
        for size in SIZES:
            (_measured[size],) = _runs(Path(name), size, 1)
    costs = sorted(_measured.items())
    yield Curve(
        "jobs-time", "taskaudit jobs", "records", "seconds of CPU",
        {"-f json": [(size, each.cpu) for size, each in costs]}, log_y=True,
    )  # fmt: skip
    yield Curve(
        "jobs-memory", "taskaudit jobs", "records", "peak MiB",
        {"-f json": [(size, each.peak) for size, each in costs]}, log_y=True,
    )  # fmt: skip


def _runs(folder: Path, records: int, rounds: int) -> list[Cost]:
    log = folder / "log"
    logs.write(log, records)
    cost(TASKAUDIT, "--version", pycache=folder / "pycache")
    return [cost(*TELLING, "jobs", "-f", "json", log, pycache=folder / "pycache") for _ in range(rounds)]


def _line(folder: Path) -> Row:
    log = folder / "short"
    logs.write(log, 10_000)
    lines = log.read_bytes().splitlines(keepends=True)

    def taken() -> None:
        merged = Merged()
        merged.take(log, 1, lines)

    def parsed() -> None:
        for line in lines:
            json.loads(line)

    ratio, ours, _ = in_turn(lambda: cpu(taken), lambda: cpu(parsed), 15)
    figure = f"{ours.middle / len(lines) * 1e6:.2f} µs a record"
    return Row("a record read", "json.loads", ratio, Goal(1.5), figure)
