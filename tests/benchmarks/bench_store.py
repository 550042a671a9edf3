"""Records per second into a store: `taskaudit load` into SQLite and into a real PostgreSQL.

    PYTHONPATH=addons:tests/live:. python tests/benchmarks/bench_store.py [records]

Method. A log is written as the recorder writes it: of each 4 exchanges one is a submission and three are
queries of its job; one submission in ten is an error with two findings. It is loaded into an empty store,
then again from its start, so that every record is there already; then its records are in the store, and the
views and the story are read once each. PostgreSQL is a cluster of its own on this machine, with fsync off
as in the tests. The clock is the wall's, as the database works beside the loader. The best of three passes
counts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter

from postgres import Postgres

from taskaudit.auditor import Outcome
from taskaudit.log import LogFile
from taskaudit.recorder import Recorder
from taskaudit.store.database import Database
from taskaudit.store.load import Loader
from taskaudit.store.reading import tell_store
from taskaudit.store.rows import row_of
from tests.samples import BAD_ERROR, outcome
from tests.stories import START, ask, submit
from tests.tangles import view_rows

PASSES = 3


def traffic(records: int) -> Iterator[Outcome]:
    """Exchanges that make about so many records."""
    for number in range(records * 10 // 42):
        at, job_id = number * 0.25, f"job-{number:032x}"
        if number % 10 == 9:
            yield outcome(BAD_ERROR, 400, ended=START + at, exchange_id=f"{number:032x}")
        yield submit(at, job_id)
        for wait, status in ((1, "INIT"), (3, "RUNNING"), (9, "SUCCESS")):
            yield ask(at + wait, status, job_id)


def write(path: Path, records: int) -> int:
    """Writes the log; how many records it has."""
    facts = {"instance_id": "proxy-a", "mode": "regular", "config_digest": "d" * 64}
    recorder = Recorder(LogFile(path), **facts)
    recorder.start()
    for each in traffic(records):
        recorder.record(each)
    recorder.stop()
    with path.open("rb") as file:
        return sum(1 for _ in file)


def load(address: str, log: Path) -> float:
    """Seconds that it took."""
    with closing(Loader(Database(address), [log], tell=print, damage=print)) as loader:
        return timed(loader.load)


def again(address: str, log: Path) -> float:
    """Seconds from the start of the log, every record being there already."""
    with Database(address) as database, database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM loaded_files")
    return load(address, log)


def timed(action: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = perf_counter()
    action()
    return perf_counter() - began


def measure(name: str, new: Callable[[], str], log: Path, records: int) -> None:
    """Prints a line for one kind of store."""
    first, second = [], []
    for _ in range(PASSES):
        address = new()
        first.append(load(address, log))
        second.append(again(address, log))
    story = timed(lambda: tell_store(address))
    views = [timed(lambda view=view: view_rows(address, view)) for view in ("jobs", "findings")]  # type: ignore[misc]
    print(f"{name:<12}{records / min(first):>12,.0f}{records / min(second):>12,.0f}", end="")
    print(f"{story:>10.2f}{views[0]:>10.2f}{views[1]:>12.2f}", flush=True)


def main() -> None:
    """Prints the speed of reading alone, then of each kind of store."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        records = write(log, wanted)
        lines = log.read_bytes().splitlines(keepends=True)
        spent = min(timed(lambda: [row_of(line) for line in lines]) for _ in range(PASSES))
        print(f"{records:,} records, {log.stat().st_size / records:.0f} bytes each; {os.cpu_count()} cores")
        print(f"made rows of: {records / spent:,.0f} records/s\n")
        print(f"{'store':<12}{'records/s':>12}{'again':>12}{'story s':>10}{'jobs s':>10}{'findings s':>12}")
        files = (str(folder / f"{number}.db") for number in range(PASSES))
        measure("sqlite", lambda: next(files), log, records)
        postgres = Postgres()
        try:
            postgres.start()
            measure("postgresql", postgres.new_database, log, records)
        finally:
            postgres.close()


if __name__ == "__main__":
    main()
