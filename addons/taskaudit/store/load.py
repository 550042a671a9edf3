"""Logs into the store: in batches, from where the last load ended, on and on if wanted.

A batch and how far its log was loaded with it are stored in one transaction: after a crash, a lost connection
or a stop at any moment the next load goes on where this one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Thresholds
from taskaudit.log import Damaged
from taskaudit.log.record import NotARecord
from taskaudit.store.database import Database, StoreLost, StoreRefused
from taskaudit.store.judging import POINTERS
from taskaudit.store.piece import Position
from taskaudit.store.rows import Row, row_of
from taskaudit.store.tail import Tail

POLL = 0.2
"""Seconds between two looks at logs that are followed."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds until a lost database is tried again, doubled each time up to the longest."""

_MOST_KNOWN = 100_000
_UNFINISHED = "the line is not finished: the audit is still running, or was killed"


@dataclass(slots=True)
class Tally:
    """What became of the lines that were read."""

    records: int = 0
    new: int = 0
    damaged: int = 0

    def words(self) -> str:
        """`12 records read: 10 new, 2 already there; 1 line is no record`."""
        told = f"{self.records} record{'' if self.records == 1 else 's'} read: {self.new} new"
        told += f", {self.records - self.new} already there"
        if self.damaged:
            told += f"; {self.damaged} line{' is' if self.damaged == 1 else 's are'} no record"
        return told


class Batch(NamedTuple):
    """What is stored at once. `rows` with the numbers of their lines; `position`: behind all of them."""

    rows: Sequence[tuple[int, Row]]
    damaged: Sequence[Damaged]
    position: Position | None


class Loader:
    """Loads logs into a store; to be closed at the end.

    `thresholds`: by which the store's views judge from now on; None leaves what it has. `tell` takes a line
    for a person, `damage` a line that is no record. Raises LogError and StoreError.
    """

    def __init__(
        self,
        database: Database,
        paths: Iterable[Path],
        *,
        thresholds: Thresholds | None = None,
        tell: Callable[[str], None],
        damage: Callable[[Damaged], None],
    ) -> None:
        self.tally = Tally()
        self._database = database
        self._paths = tuple(paths)
        self._thresholds = thresholds
        self._tails: list[Tail] = []
        self._tell = tell
        self._damage = damage
        self._operations: set[tuple[str, str]] = set()
        self._stop: Event | None = None

    def load(self) -> None:
        """Loads what there is."""
        self._open()
        for tail in self._tails:
            while self._follow(tail):
                pass
            if unfinished := tail.rest():
                self._count_damage(Damaged(tail.path, unfinished, _UNFINISHED))

    def follow(self, stop: Event) -> None:
        """Loads what there is and what comes, until `stop`; a database that is lost by then is waited for."""
        self._open()
        self._stop = stop
        try:
            is_last = False
            while not is_last:
                is_last = stop.is_set()  # Then once more, for what came before.
                if not any([self._follow(tail) for tail in self._tails]):
                    stop.wait(POLL)
        except _Stopped:
            self._tell("stopped while the store could not be reached; the next load goes on from there")

    def close(self) -> None:
        """Closes logs and connections."""
        for tail in self._tails:
            tail.close()
        self._database.forget()

    def _open(self) -> None:
        self._database.set_up(self._thresholds)
        for path in self._paths:
            self._tails.append(Tail(path, self._position))

    def _follow(self, tail: Tail) -> bool:
        """Loads what is new; False where nothing is."""
        if self._take_in(tail):
            return True
        if (unfinished := tail.rest()) and tail.has_moved:
            self._count_damage(Damaged(tail.path, unfinished, _UNFINISHED))
        return tail.go_on()

    def _take_in(self, tail: Tail) -> bool:
        """Loads all lines that there are now; False where there are none."""
        is_any = False
        for batch in _ahead(_batches(tail)):
            is_any = True
            for damaged in batch.damaged:
                self._count_damage(damaged)
            self.tally.records += len(batch.rows)
            self._put(tail.path, batch.rows, batch.position)
        return is_any

    def _put(self, path: Path, rows: Sequence[tuple[int, Row]], position: Position | None) -> None:
        """Stores rows; those that the database refuses are told, and the others still stored."""
        only = [row for _, row in rows]
        operations = self._new_operations(only)
        try:
            self.tally.new += self._patiently(
                lambda: self._database.put(only, _fingerprints(operations), str(path), position)
            )
        except StoreRefused as error:
            if len(rows) == 1:
                self.tally.records -= 1
                self._count_damage(Damaged(path, rows[0][0], str(error)))
                self._put(path, [], position)
            else:
                half = len(rows) // 2
                self._put(path, rows[:half], None)
                self._put(path, rows[half:], position)
        else:
            self._operations |= operations

    def _count_damage(self, damaged: Damaged) -> None:
        self.tally.damaged += 1
        self._damage(damaged)

    def _position(self, log_id: str) -> Position | None:
        return self._patiently(lambda: self._database.position(log_id))

    def _patiently[Made](self, action: Callable[[], Made]) -> Made:
        """Does it; where logs are followed, again and again while the database is lost."""
        wait, is_told = FIRST_WAIT, False
        while True:
            try:
                made = action()
            except StoreLost as error:
                if self._stop is None:
                    raise
                if not is_told:
                    self._tell(f"{error}; trying again until it is back, nothing is lost")
                    is_told = True
                self._database.forget()
                if self._stop.wait(wait):
                    raise _Stopped from error
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                if is_told:
                    self._tell(f"the store {self._database.name} is back")
                return made

    def _new_operations(self, rows: Iterable[Row]) -> set[tuple[str, str]]:
        """Methods and operations whose fingerprints the store may not have yet."""
        if len(self._operations) > _MOST_KNOWN:
            self._operations.clear()
        known = self._operations
        return {
            (str(row.method), row.operation)
            for row in rows
            if row.operation is not None and (str(row.method), row.operation) not in known
        }


def _batches(tail: Tail) -> Iterator[Batch]:
    """What there is now in the log."""
    while True:
        first, lines, damaged = tail.take()
        if not lines and not damaged:
            return
        rows: list[tuple[int, Row]] = []
        for number, line in enumerate(lines, first):
            try:
                rows.append((number, row_of(line)))
            except NotARecord as error:
                damaged.append(Damaged(tail.path, number, str(error)))
        yield Batch(rows, damaged, tail.position)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each made while the one before is stored."""
    batch = next(batches, None)
    if batch is None:
        return
    with ThreadPoolExecutor(1) as pool:
        while batch is not None:
            coming = pool.submit(next, batches, None)
            yield batch
            batch = coming.result()


class _Stopped(Exception):
    """A stop was asked for while the database was lost."""


def _fingerprints(operations: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Of every rule that the views judge, as `taskaudit.story` makes them; in one order for all loaders."""
    return [
        {
            "rule": rule,
            "method": method,
            "operation": operation,
            "fingerprint": stable_id(rule, method, operation, pointer, ""),
        }
        for method, operation in sorted(operations)
        for rule, pointer in POINTERS.items()
    ]
