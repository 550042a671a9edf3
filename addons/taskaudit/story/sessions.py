"""What the sessions in logs saw, by their own totals, and which of their records are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from taskaudit.contract.words import Language, Words
from taskaudit.log.shapes import Record, Stats
from taskaudit.text.coverage import coverage_line
from taskaudit.totals import Totals

_MISSING = Words("{count} records LOST or not in these logs", "{count} 条记录丢失，或不在这些日志中")
_UNCOUNTED = Words("{count} of {all} sessions not counted yet", "{all} 个会话中有 {count} 个尚未计数")
_OPEN = Words(
    "{count} of {all} sessions still running, or killed", "{all} 个会话中有 {count} 个仍在运行，或已被终止"
)


@dataclass(slots=True)
class _Session:
    """What is seen of a session. `ranges` are the numbers of its records, as inclusive pairs."""

    ranges: list[list[int]] = field(default_factory=lambda: [[0, -1]])
    stats_seq: int = -1
    stats: Stats | None = None
    is_stopped: bool = False

    def count(self, record: Record) -> None:
        stats = record.stats
        if record.session is not None:
            self.is_stopped |= record.session.state == "stop"
            stats = record.session.totals
        if stats is not None and record.seq > self.stats_seq:
            self.stats_seq, self.stats = record.seq, stats

    def include(self, other: _Session) -> None:
        self.ranges += other.ranges
        self.is_stopped |= other.is_stopped
        if other.stats_seq > self.stats_seq:
            self.stats_seq, self.stats = other.stats_seq, other.stats

    def missing(self) -> int:
        """How many numbers were given to records that are in none of the logs, as far as can be told."""
        merged: list[list[int]] = [[-1, -1]]
        for first, last in sorted(self.ranges):
            if first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        gaps = sum(after[0] - before[1] - 1 for before, after in pairwise(merged))
        return max(gaps, self.stats.lost if self.stats else 0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the logs' sessions saw: the last totals of each, summed.

    `missing`: records that were lost, or stand in another file; `open_sessions` have no stop record, and
    `uncounted` ones no totals yet.
    """

    totals: Totals
    sessions: int
    open_sessions: int
    uncounted: int
    missing: int

    @property
    def is_whole(self) -> bool:
        """Nothing was lost or left unaudited, as far as the sessions have told."""
        return not self.missing and not self.totals.unaudited.total()

    def words(self, language: Language = Language.EN) -> Iterator[str]:
        """The line without which no result is shown."""
        yield coverage_line(self.totals, language)
        if self.missing:
            yield _MISSING.of(language).format(count=self.missing)
        if self.uncounted:
            yield _UNCOUNTED.of(language).format(count=self.uncounted, all=self.sessions)
        elif self.open_sessions:
            yield _OPEN.of(language).format(count=self.open_sessions, all=self.sessions)


class Sessions:
    """Takes the records of sessions, in any order."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    @property
    def are_over(self) -> bool:
        """Each of them has stopped."""
        return all(session.is_stopped for session in self._sessions.values())

    def note(self, record: Record) -> None:
        """Takes a record."""
        session = self._sessions.get(record.session_id)
        if session is None:
            session = self._sessions[record.session_id] = _Session()
        latest = session.ranges[-1]
        if record.seq == latest[1] + 1:
            latest[1] = record.seq
        else:
            session.ranges.append([record.seq, record.seq])
        if record.session is not None or record.stats is not None:
            session.count(record)

    def include(self, others: Sessions) -> None:
        """Takes what others have taken."""
        for session_id, other in others._sessions.items():
            session = self._sessions.setdefault(session_id, other)
            if session is not other:
                session.include(other)

    def coverage(self) -> Coverage:
        """Their totals so far."""
        sessions = self._sessions.values()
        return Coverage(
            totals=_sum(session.stats for session in sessions if session.stats is not None),
            sessions=len(sessions),
            open_sessions=sum(not session.is_stopped for session in sessions),
            uncounted=sum(session.stats is None for session in sessions),
            missing=sum(session.missing() for session in sessions),
        )


def _sum(stats: Iterable[Stats]) -> Totals:
    totals = Totals()
    for each in stats:
        totals.seen += each.seen
        totals.other += each.other
        totals.audited += each.audited
        totals.lost += each.lost
        totals.unaudited += Counter(each.unaudited)
        totals.findings += Counter(each.findings)
        totals.waived += Counter(each.waived)
    return totals
