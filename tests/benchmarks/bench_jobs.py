"""`taskaudit jobs` over a long log: time and memory of the whole process, and of one line against `json`.

Method. The log is written as `logs.py` says, some 600 bytes a record. `taskaudit jobs -f json` is run as a
process of its own, its output thrown away; its memory is the peak that the kernel knows of it (`VmHWM`), and
those that it starts to read have less. The goal is seconds by the clock on a machine that has nothing else to
do; the seconds of CPU of all processes stand beside it. Memory is bounded by what is put aside at once and by
how many jobs are followed (`remembered_jobs`): it grows until there are as many, and then no more.
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
    "json.loads of each line takes as long as is allowed for all. Of ten parts of the time, two processes "
    "read for three, half of which is decoding lines into structs. Then one process takes five: what was "
    "put aside is brought into the order of time, each exchange is told to the state machine, which judges "
    "it by all that came before, and is put to those of its job. The lines of JSON take two. These are some "
    "forty steps of Python a record, of which none takes a tenth."
)
SIZES = (1_000, 10_000, 100_000, RECORDS)
ROUNDS = 2

_measured: dict[int, Cost] = {}


def rows() -> Iterator[Row]:
    """The goals."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        line, parsing = _line(folder)
        yield line
        runs = _runs(folder, RECORDS, ROUNDS)
    _measured[RECORDS] = runs[0]
    seconds = shown(spread([each.cpu for each in runs]).middle)
    wall, peak = spread([each.wall for each in runs]), spread([each.peak for each in runs])
    what, each = f"taskaudit jobs -f json, {RECORDS:,} records", peak.middle * 2**20 / RECORDS
    figures = f"{seconds} s of CPU; json.loads of each line and nothing else: {shown(parsing * RECORDS)} s"
    yield Row(what, "by the clock", wall, Goal(5, "s"), figures, WHY_TIME)
    yield Row(what, "peak memory", peak, Goal(300, "MiB"), f"{each:.0f} bytes a record")


def curves() -> Iterator[Curve]:
    """Time and memory by the length of the log; memory also with few jobs remembered."""
    few: dict[int, Cost] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "few.yaml"
        config.write_text("remembered_jobs: 1000\n")
        for size in SIZES:
            (few[size],) = _runs(folder, size, 1, "-c", config)
            if size not in _measured:
                (_measured[size],) = _runs(folder, size, 1)
    costs = sorted(_measured.items())
    yield Curve(
        "jobs-time", "taskaudit jobs", "records", "seconds of CPU",
        {"-f json": [(size, each.cpu) for size, each in costs]}, log_y=True,
    )  # fmt: skip
    yield Curve(
        "jobs-memory", "taskaudit jobs", "records", "peak MiB",
        {
            "remembered_jobs: 100000": [(size, each.peak) for size, each in costs],
            "remembered_jobs: 1000": [(size, each.peak) for size, each in sorted(few.items())],
        },
    )  # fmt: skip


def _runs(folder: Path, records: int, rounds: int, *options: str | Path) -> list[Cost]:
    """Of a log with so many records. What is imported has been compiled before, as in an installation."""
    pycache, log = folder / "pycache", folder / "log"
    logs.write(log, 100)
    cost(TASKAUDIT, "jobs", "-f", "json", log, pycache=pycache)
    logs.write(log, records)
    return [cost(*TELLING, "jobs", "-f", "json", *options, log, pycache=pycache) for _ in range(rounds)]


def _line(folder: Path) -> tuple[Row, float]:
    """How long it takes to take a line, and the seconds that `json.loads` takes for one."""
    log = folder / "short"
    logs.write(log, 10_000)
    lines = log.read_bytes().splitlines(keepends=True)

    def taken() -> None:
        merged = Merged()
        merged.take(log, 1, lines)

    def parsed() -> None:
        for line in lines:
            json.loads(line)

    ratio, ours, theirs = in_turn(lambda: cpu(taken), lambda: cpu(parsed), 15)
    figure = f"{ours.middle / len(lines) * 1e6:.2f} µs a record"
    row = Row("a record read", "json.loads", ratio, Goal(1.5), figure)
    return row, theirs.middle / len(lines)
