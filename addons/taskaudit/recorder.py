"""One session of the audit: numbers its records, writes them, keeps the totals, tells of losses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from taskaudit import __version__
from taskaudit.auditor import Outcome
from taskaudit.board import Board
from taskaudit.catalogue import Role
from taskaudit.exchange import rfc3339, stable_id
from taskaudit.following import follow
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.records import (
    FaultBody,
    FaultRecord,
    Record,
    SessionBody,
    SessionRecord,
    Stamp,
    Stats,
    StatsRecord,
    as_line,
    finding_record,
    records_of,
    rules_in_force,
    stats_of,
)
from taskaudit.totals import Totals

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 500
"""How many late findings go into one `write`."""


class Sink(Protocol):
    """Where lines of records go: a log file, as a rule. `repaired`: where a partial line was put aside."""

    path: Path
    repaired: Path | None

    def append(self, lines: bytes) -> None:
        """Takes whole lines, all or none. Raises OSError."""

    def close(self) -> None:
        """Nothing more comes."""


@dataclass(slots=True)
class _Loss:
    """Records that could not be written, and not yet told: how many, from when to when."""

    count: int
    first: float
    last: float
    reason: str


class Recorder:
    """Writes a session into a log. Only OSError of the log is caught: traffic goes on, and TA902 tells.

    `board`, where there is one, gets to see each record, written or lost.
    """

    def __init__(
        self,
        log: Sink,
        *,
        instance_id: str,
        mode: str,
        config_digest: str,
        lifecycle: Lifecycle[Outcome] | None = None,
        board: Board | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = log
        self.totals = Totals()
        self.lifecycle: Lifecycle[Outcome] = Lifecycle() if lifecycle is None else lifecycle
        self.stamp = Stamp(instance_id=instance_id, session_id=uuid4().hex)
        self._mode = mode
        self.config_digest = config_digest
        self._clock = clock
        self._seq = 0
        self._loss: _Loss | None = None
        self.board = board
        if board is not None:
            board.join(self.totals)

    @property
    def failing(self) -> str | None:
        """Why records cannot be written at the moment, or None."""
        return self._loss.reason if self._loss else None

    def start(self) -> None:
        """Writes the session's first record; says so if the log had to be repaired."""
        self._write([self._session("start")])
        if self.log.repaired:
            message = f"a partial last line, left by a crash, was moved to {self.log.repaired.name}"
            self.fault(FaultBody(reason="log_repaired", rule=None, message=message))
            self.log.repaired = None

    def record(self, outcome: Outcome) -> list[Late[Outcome]]:
        """Counts one exchange and writes its records, all with one `write`.

        Gives the findings on the life of jobs that it brings up, which are written with it.
        """
        if outcome.role is Role.OTHER:
            self.totals.add(outcome)
            return []
        late = follow(self.lifecycle, outcome, outcome.without_bodies())
        records = records_of(outcome, self.stamp, self._seq)
        records += self._late_records(late, self._seq + len(records))
        self.totals.add(outcome)
        self._count(late)
        self._write(records)
        return late

    def due(self) -> list[Late[Outcome]]:
        """Writes, and gives, the findings that became true by the clock alone."""
        return self._tell(self.lifecycle.due(self._clock()))

    def pass_by(self) -> None:
        """Counts an exchange that is none of ours."""
        self.totals.seen += 1
        self.totals.other += 1

    def fault(self, body: FaultBody) -> None:
        """Writes a `fault` record."""
        self._write([FaultRecord(**self._header("fault"), fault=body)])

    def stats(self) -> None:
        """Writes the totals as they stand."""
        self._write([StatsRecord(**self._header("stats"), stats=self._stats())])

    def stop(self, *, close: bool = True, is_last: bool = True) -> None:
        """Writes the last totals and the session's end, and closes the log unless another session takes it.

        Where this session is the last, what became of the jobs is settled: those still open are told of.
        """
        if is_last:
            self._tell(self.lifecycle.finish())
        self.stats()
        self._write([self._session("stop")])
        if self._loss:
            logger.error("taskaudit: %d records could not be written into the log", self._loss.count)
        if close:
            self.log.close()

    def _tell(self, findings: Iterable[Late[Outcome]]) -> list[Late[Outcome]]:
        late = list(findings)
        self._count(late)
        for some in batched(late, _MOST_AT_ONCE):
            self._write(self._late_records(some, self._seq))
        return late

    def _late_records(self, late: Iterable[Late[Outcome]], seq: int) -> list[Record]:
        return [finding_record(ref, found, self.stamp, seq + n) for n, (ref, found) in enumerate(late)]

    def _count(self, late: Iterable[Late[Outcome]]) -> None:
        for _, finding in late:
            self.totals.add_finding(finding)

    def _stats(self) -> Stats:
        return stats_of(self.totals, self.lifecycle.open_jobs, self.lifecycle.evicted)

    def _write(self, records: Sequence[Record]) -> None:
        """Lost records keep their numbers, so that the gap in `seq` shows them."""
        if self.board is not None:
            self.board.evicted = self.lifecycle.evicted
            self.board.take(records)
        told = self._tell_loss()
        if told:
            records = [told, *(r.model_copy(update={"seq": r.seq + 1}) for r in records)]
        lines = "".join(map(as_line, records))
        try:
            self.log.append(lines.encode())
        except OSError as error:
            lost = len(records) - bool(told)
            self._seq += lost
            self._lose(lost, error.strerror or str(error))
        else:
            self._seq += len(records)
            if told:
                logger.warning("taskaudit: the log is written again; %s", told.fault.message)
                self._loss = None

    def _lose(self, count: int, reason: str) -> None:
        now = self._clock()
        self.totals.lost += count
        if self._loss is None:
            self._loss = _Loss(count, now, now, reason)
            logger.error("taskaudit: cannot write the log %s: %s; traffic goes on", self.log.path, reason)
        else:
            self._loss.count += count
            self._loss.last = now

    def _tell_loss(self) -> FaultRecord | None:
        loss = self._loss
        if loss is None:
            return None
        body = FaultBody(
            reason="records_lost",
            rule="TA902",
            message=f"{loss.count} records could not be written: {loss.reason}",
            lost=loss.count,
            first=rfc3339(loss.first),
            last=rfc3339(loss.last),
        )
        return FaultRecord(**self._header("fault"), fault=body)

    def _session(self, state: str) -> SessionRecord:
        body = SessionBody(
            state="start" if state == "start" else "stop",
            version=__version__,
            mode=self._mode,
            config_digest=self.config_digest,
            rules=rules_in_force(),
            totals=self._stats() if state == "stop" else None,
        )
        return SessionRecord(**self._header("session"), session=body)

    def _header(self, event_type: str) -> dict[str, object]:
        return {
            "timestamp": rfc3339(self._clock()),
            "record_id": stable_id(event_type, self.stamp.session_id, self._seq),
            "instance_id": self.stamp.instance_id,
            "session_id": self.stamp.session_id,
            "seq": self._seq,
        }
