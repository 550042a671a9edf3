"""One session of the audit: numbers its records, writes them, keeps the totals, tells of losses."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import uuid4

from msgspec.structs import replace

from taskaudit import __version__
from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.exchange import stable_id
from taskaudit.following import follow, judged
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.log.file import Notice
from taskaudit.log.record import SCHEMA_VERSION, ExchangeRecord, Fault, Record, Session, Stats, as_line
from taskaudit.policy.policy import EMPTY, Policy
from taskaudit.recording.board import Board
from taskaudit.recording.records import (
    Stamp,
    finding_record,
    overrides_in_force,
    records_of,
    rules_in_force,
    stats_of,
    waiver_in_force,
)
from taskaudit.text.waiver_words import EXPIRED, UNUSED, waiver_text
from taskaudit.times import rfc3339
from taskaudit.totals import Totals

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 500
"""How many late findings go into one `write`."""
_MOST_NOTICES = 20
_WRITING = "writing"
_ABOUT = {"log_missing": "path", "log_reopened": "path"}
"""Which notices are about one thing: a line on it that is not as the last one was is news."""


class Sink(Protocol):
    """Where lines of records go: `log.LogFile`, or what stands in for it where nothing is written."""

    @property
    def path(self) -> Path:
        """What it is called."""

    @property
    def is_empty(self) -> bool:
        """Whether a session record has to come first."""

    @property
    def trouble(self) -> str | None:
        """Why what is written may get lost, or None."""

    def notices(self) -> Iterable[Notice]:
        """What has happened to it since the last call."""

    def prepare(self, coming: int = 0, /) -> None:
        """That many bytes are about to come."""

    def append(self, lines: bytes, /) -> None:
        """Takes whole lines, all or none. Raises OSError."""

    def committed(self) -> asyncio.Future[None] | None:
        """What to await until the lines are safe, None where there is nothing to wait for."""

    def reopen(self) -> None:
        """Looks for the file by its name anew."""

    def close(self) -> int:
        """Nothing more comes. Gives how many records are lost with it."""


@dataclass(slots=True)
class _Loss:
    """Records that could not be written, and not yet told: how many, from when to when."""

    count: int
    first: float
    last: float
    reason: str


class Recorder:
    """Writes a session into a log. Only OSError of the log is caught: traffic goes on, and TA902 tells.

    `board`, where there is one, gets to see each record, written or lost. `policy` judges the findings on the
    life of jobs; an outcome's own come judged.
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
        policy: Policy = EMPTY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = log
        self.totals = Totals()
        self.lifecycle: Lifecycle[Outcome] = Lifecycle() if lifecycle is None else lifecycle
        self.stamp = Stamp(instance_id=instance_id, session_id=uuid4().hex)
        self._mode = mode
        self.config_digest = config_digest
        self.policy = policy
        self._clock = clock
        self.is_started = False
        self._seq = 0
        self._loss: _Loss | None = None
        self._untold: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self.board = board
        if board is not None:
            board.join(self.totals)

    @property
    def failing(self) -> str | None:
        """Why records cannot be written at the moment, or may get lost, or None."""
        return self._loss.reason if self._loss else self.log.trouble

    def start(self) -> None:
        """Writes the session's first record; tells of expired waivers, and if the log had to be repaired."""
        self.is_started = True
        self.tell_expired()
        self._write([self._session("start")])

    def tell_expired(self) -> None:
        """Logs the waivers that are not applied any more."""
        for waiver in self.policy.expired:
            logger.warning("taskaudit: %s", waiver_text(EXPIRED, waiver))

    def committed(self) -> asyncio.Future[None] | None:
        """With `fsync: batch`, what to await until the records just written are on the disk; else None."""
        return self.log.committed()

    def reopen(self) -> None:
        """Goes on in the file that the log's path leads to now, where that is another one."""
        self.log.reopen()
        self._write([])

    def record(self, outcome: Outcome) -> list[Late[Outcome]]:
        """Counts one exchange and writes its records, all with one `write`.

        Gives the findings on the life of jobs that it brings up, which are written with it.
        """
        if outcome.role is Role.OTHER:
            self.totals.add(outcome)
            return []
        late = follow(self.lifecycle, outcome, outcome.without_bodies())
        if late:
            late = self._judged(late)
        self.totals.add(outcome)
        self._count(late)
        records = records_of(outcome, self.stamp, self._seq)
        if late:
            records += self._late_records(late, self._seq + len(records))
        self._write(records)
        return late

    def due(self) -> list[Late[Outcome]]:
        """Writes, and gives, the findings that became true by the clock alone.

        Tells what has happened to the log, too, and of losses: also where there is no traffic.
        """
        self._write([])
        return self._tell(self.lifecycle.due(self._clock()))

    def pass_by(self) -> None:
        """Counts an exchange that is none of ours."""
        self.totals.add_other()

    def fault(self, body: Fault) -> None:
        """Writes a `fault` record."""
        self._write([self._record("fault", fault=body)])

    def stats(self) -> None:
        """Writes the totals as they stand."""
        self._write([self._record("stats", stats=self._stats())])

    def stop(self, *, close: bool = True, is_last: bool = True) -> bool:
        """Writes the last totals and the session's end, and closes the log unless another session takes it.

        Where this session is the last, what became of the jobs is settled: those still open are reported.
        Gives whether the records are in the log, and the log where its path leads.
        """
        if close:
            self.log.reopen()
        if is_last:
            self._tell(self.lifecycle.finish())
        self.stats()
        self._write([self._session("stop")])
        for waiver in self.policy.unused(self.totals.waivers) if self.is_started else ():
            logger.warning("taskaudit: %s", waiver_text(UNUSED, waiver))
        if self._loss:
            logger.error("taskaudit: %d records could not be written into the log", self._loss.count)
        elif trouble := self.log.trouble:
            logger.error("taskaudit: the log %s: %s", self.log.path, trouble)
        is_sound = self.failing is None
        if close and (gone := self.log.close()):
            logger.error("taskaudit: %d records are lost with the log, which was deleted", gone)
            return False
        return is_sound

    def _tell(self, findings: Iterable[Late[Outcome]]) -> list[Late[Outcome]]:
        late = self._judged(findings)
        self._count(late)
        for some in batched(late, _MOST_AT_ONCE):
            self._write(self._late_records(some, self._seq))
        return late

    def _judged(self, findings: Iterable[Late[Outcome]]) -> list[Late[Outcome]]:
        return judged(findings, self.policy, lambda outcome: outcome.where)

    def _late_records(self, late: Iterable[Late[Outcome]], seq: int) -> list[ExchangeRecord]:
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
        lines = b"".join(map(as_line, records))
        self.log.prepare(len(lines))
        self._note(self.log.notices())
        told = self._tell_loss()
        added = self._added(records, told)
        if added:
            lines = b"".join(map(as_line, added))
        elif not records:
            return
        if self._append(lines, len(records), len(added)):
            self._is_told(told)

    def _append(self, lines: bytes, count: int, added: int = 0) -> bool:
        """Writes `count` records, or `added` ones where there are more; whether that went well."""
        try:
            self.log.append(lines)
        except OSError as error:
            self._seq += count
            self._lose(count, error.strerror or str(error))
            return False
        self._seq += added or count
        return True

    def _added(self, records: Sequence[Record], told: Fault | None) -> list[Record]:
        """The records with those around them that nobody asked for, numbered; empty where there are none.

        A file starts with a session record, whatever comes first: that is how it is known. Where the session
        began in another file it is a `continue`: what came before it may be pruned, and was not lost.
        """
        if told is None and not self._untold and not self.log.is_empty:
            return []
        news = (Fault(reason=notice.reason, message=notice.message) for notice in self._untold)
        faults = [self._record("fault", fault=each) for each in (*([told] if told else []), *news)]
        is_start = self._seq == 0 and bool(records) and records[0].session is not None
        needs_head = self.log.is_empty and bool(faults or records)
        if not faults and (is_start or not needs_head):
            return []
        if is_start:
            return list(self._numbered([*records, *faults]))
        head = [self._session("continue")] if needs_head else []
        return list(self._numbered([*head, *faults, *records]))

    def _numbered(self, records: Iterable[Record]) -> Iterator[Record]:
        """The identity of a record that is about no exchange depends on its number."""
        for seq, record in enumerate(records, self._seq):
            is_ours = not record.exchange_id
            own_id = stable_id(record.event_type, self.stamp.session_id, seq) if is_ours else record.record_id
            yield replace(record, seq=seq, record_id=own_id)

    def _note(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            about = {"about": _ABOUT.get(notice.reason, notice.reason)}
            logger.warning("taskaudit: the log %s: %s", self.log.path, notice.message, extra=about)
            self._untold.append(notice)

    def _is_told(self, loss: Fault | None) -> None:
        self._untold.clear()
        if loss is not None:
            logger.warning("taskaudit: the log is written again; %s", loss.message, extra={"about": _WRITING})
            self._loss = None

    def _lose(self, count: int, reason: str) -> None:
        if not count:
            return
        now = self._clock()
        self.totals.lost += count
        if self._loss is None:
            self._loss = _Loss(count, now, now, reason)
            told = f"cannot write the log {self.log.path}: {reason}; traffic goes on"
            logger.error("taskaudit: %s", told, extra={"about": _WRITING})
        else:
            self._loss.count += count
            self._loss.last = now

    def _tell_loss(self) -> Fault | None:
        loss = self._loss
        if loss is None:
            return None
        return Fault(
            reason="records_lost",
            rule="TA902",
            message=f"{loss.count} records could not be written: {loss.reason}",
            lost=loss.count,
            first=rfc3339(loss.first),
            last=rfc3339(loss.last),
        )

    def _session(self, state: Literal["start", "continue", "stop"]) -> Record:
        is_stop, policy = state == "stop", self.policy
        body = Session(
            state=state,
            version=__version__,
            mode=self._mode,
            config_digest=self.config_digest,
            rules=rules_in_force(),
            overrides=overrides_in_force(policy),
            waivers=len(policy.waivers),
            expired_waivers=[*map(waiver_in_force, policy.expired)],
            unused_waivers=[*map(waiver_in_force, policy.unused(self.totals.waivers))] if is_stop else None,
            totals=self._stats() if is_stop else None,
        )
        return self._record("session", session=body)

    def _record(self, event_type: str, **body: Any) -> Record:
        return Record(
            timestamp=rfc3339(self._clock()),
            event_type=event_type,
            schema_version=SCHEMA_VERSION,
            record_id=stable_id(event_type, self.stamp.session_id, self._seq),
            instance_id=self.stamp.instance_id,
            session_id=self.stamp.session_id,
            seq=self._seq,
            **body,
        )
