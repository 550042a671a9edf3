"""Records a second into a store: `taskaudit load` into a real PostgreSQL and into SQLite.

Method. The log is written as `logs.py` says. It is loaded into a new store, then again from its start, so
that every record is there already. PostgreSQL is a cluster of its own on this machine, with fsync off as in
the tests. The clock is the wall's, as the database works beside the loader, and the goals are for a machine
that has nothing else to do; the loader's CPU stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

from postgres import Postgres

from taskaudit.store.database import Database
from taskaudit.store.load import Loader
from taskaudit.store.rows import row_of
from tests.benchmarks import logs
from tests.benchmarks.measure import Goal, Row, cpu, spread

TITLE = "Loading into a store"
RECORDS = 100_000
ROUNDS = 3
AIM = Goal(50_000, "records/s", at_least=True)
LESS = Goal(10_000, "records/s", at_least=True)


class Loaded(NamedTuple):
    """Seconds of a load: by the clock, and of the loader's CPU."""

    wall: float
    cpu: float


def rows() -> Iterator[Row]:
    """PostgreSQL, SQLite, and the loader's part alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        records = logs.write(log, RECORDS)
        lines = log.read_bytes().splitlines(keepends=True)[:10_000]
        made = spread([len(lines) / cpu(lambda: [row_of(line) for line in lines]) for _ in range(9)])
        yield Row("lines made rows of", "CPU", made, Goal(100_000, "records/s", at_least=True))
        postgres = Postgres()
        try:
            postgres.start()
            yield from _loads("PostgreSQL", postgres.new_database, log, records, AIM)
        finally:
            postgres.close()
        files = (str(folder / f"{number}.db") for number in range(ROUNDS))
        yield from _loads(
            "SQLite", lambda: next(files), log, records, Goal(20_000, "records/s", at_least=True)
        )


def _loads(store: str, new: Callable[[], str], log: Path, records: int, goal: Goal) -> Iterator[Row]:
    first, again = [], []
    for _ in range(ROUNDS):
        address = new()
        first.append(_load(address, log))
        _forget_position(address)
        again.append(_load(address, log))
    for what, aim, loads in ((f"{store}, new", goal, first), (f"{store}, all there already", LESS, again)):
        speed = spread([records / each.wall for each in loads])
        own = spread([records / each.cpu for each in loads]).middle
        yield Row(what, "by the clock", speed, aim, f"{own:,.0f} records per second of the loader's CPU")


def _load(address: str, log: Path) -> Loaded:
    with closing(Loader(Database(address), [log], tell=print, damage=print)) as loader:
        wall, own = perf_counter(), process_time()
        loader.load()
        return Loaded(perf_counter() - wall, process_time() - own)


def _forget_position(address: str) -> None:
    with Database(address) as database, database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM loaded_files")
