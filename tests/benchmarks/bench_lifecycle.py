"""200,000 jobs through the life of jobs: time per event, peak memory, what was forgotten.

    PYTHONPATH=addons python tests/benchmarks/bench_lifecycle.py [jobs]

Method. Each job is submitted, asked for three times (INIT, RUNNING, SUCCESS) and forgotten when the table
is full; queries lag behind the submissions, so that thousands of jobs are open at any time. "leaky" is a
client that never asks. Time and memory are measured in separate passes, as tracing memory slows the code
some five times; events are made as they go, and making them is measured alone and taken off. The best of
three passes counts. Memory is the peak that tracemalloc sees above what was there before, so it holds the
state machine with its references alone; a reference here is a short string, in the proxy the exchange
without its bodies.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from time import process_time
from typing import NamedTuple

from taskaudit.lifecycle import Lifecycle, Thresholds

LAG = 5_000
"""How many submissions lie between that of a job and each query for it."""
STATUSES = ("INIT", "RUNNING", "SUCCESS")


class Event(NamedTuple):
    """A submission, or a query where there is a status."""

    at: float
    job_id: str
    status: str | None = None


class Figures(NamedTuple):
    """What one kind of traffic costs."""

    events: int
    microseconds: float
    peak_mib: float
    held: int
    evicted: int
    findings: int


def good(jobs: int) -> Iterator[Event]:
    """Clients that ask until the end."""
    for n in range(jobs + LAG * len(STATUSES)):
        at = n * 0.01
        if n < jobs:
            yield Event(at, f"job-{n:032x}")
        for query, status in enumerate(STATUSES, 1):
            if 0 <= n - LAG * query < jobs:
                yield Event(at, f"job-{n - LAG * query:032x}", status)


def leaky(jobs: int) -> Iterator[Event]:
    """Clients that never ask."""
    return (Event(n * 0.01, f"job-{n:032x}") for n in range(jobs))


def run(events: Iterator[Event], table_size: int) -> tuple[Lifecycle[str], int, int]:
    """The state machine at the end, the number of events, and of findings."""
    life = Lifecycle[str](Thresholds(table_size=table_size))
    count = findings = 0
    for at, job_id, status in events:
        count += 1
        if status is None:
            findings += sum(1 for _ in life.submitted(at, job_id, job_id, f"key-{job_id}"))
        else:
            is_final = status == "SUCCESS"
            findings += sum(1 for _ in life.queried(at, job_id, job_id, status, is_final=is_final))
    findings += sum(1 for _ in life.finish())
    return life, count, findings


def seconds(action: Callable[[], object]) -> float:
    """CPU time of the best of three."""
    times = []
    for _ in range(3):
        began = process_time()
        action()
        times.append(process_time() - began)
    return min(times)


def measure(make: Callable[[int], Iterator[Event]], jobs: int, table_size: int) -> Figures:
    """Runs the traffic for time, and again for memory."""
    spent = seconds(lambda: run(make(jobs), table_size)) - seconds(lambda: sum(1 for _ in make(jobs)))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    life, events, findings = run(make(jobs), table_size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Figures(events, spent / events * 1e6, (peak - before) / 2**20, len(life), life.evicted, findings)


def main() -> None:
    """Prints a line for each kind of traffic and size of the table."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print(f"{'traffic':<8}{'jobs':>9}{'table':>9}{'events':>9}{'us/event':>10}{'peak MiB':>10}", end="")
    print(f"{'held':>9}{'evicted':>9}{'findings':>10}")
    for make in (good, leaky):
        for table_size in (1_000, 100_000, 1_000_000):
            made = measure(make, jobs, table_size)
            print(f"{make.__name__:<8}{jobs:>9}{table_size:>9}{made.events:>9}", end="")
            print(f"{made.microseconds:>10.2f}{made.peak_mib:>10.1f}", end="")
            print(f"{made.held:>9}{made.evicted:>9}{made.findings:>10}")


if __name__ == "__main__":
    main()
