"""What the sessions in logs saw, and which of their records are missing.

The totals of a session that has stopped are its own. Those of one that is open, or was killed, are counted
from its records; what was none of ours has no record, and is as the session's last totals have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from taskaudit.contract.words import Language, Words
from taskaudit.log.record import Record, Stats
from taskaudit.text.coverage import sums
from taskaudit.totals import Totals

AUDITED = "audited"
PART = Words("; ", "；")
"""Between the parts of what is said."""
type Counted = Mapping[str, Counter[str]]
"""By session id: how many of its exchanges are audited, and unaudited by reason."""

_MISSING = Words("{count} records LOST, or not in these logs", "{count} 条记录丢失，或不在这些日志中")
_PRUNED = Words(
    "{count} older records pruned by rotation: what they held is not listed",
    "轮转已清理 {count} 条较早的记录：其内容不再列出",
)
_OPEN = Words(
    "{count} of {all} sessions still running, or killed: as of {last} UTC, {other}",
    "{all} 个会话中有 {count} 个仍在运行，或已被终止：截至 {last} UTC，{other}",
)
_OTHER = Words("other as of {time} UTC", "其他截至 {time} UTC")
_OTHER_UNCOUNTED = Words("other not counted yet", "其他尚未计数")


@dataclass(slots=True)
class _Session:
    """What is seen of a session. `ranges` are the numbers of its records, as inclusive pairs.

    `heads`: the numbers of those with which a further file begins; `losses`: how many records were lost, by
    the number of the record that says so; `last` and `stats_at` are times of records.
    """

    ranges: list[list[int]] = field(default_factory=lambda: [[0, -1]])
    heads: set[int] = field(default_factory=set)
    losses: dict[int, int] = field(default_factory=dict)
    last: str = ""
    stats_seq: int = -1
    stats_at: str = ""
    stats: Stats | None = None
    is_stopped: bool = False

    def count(self, record: Record) -> None:
        stats = record.stats
        if record.session is not None:
            self.is_stopped |= record.session.state == "stop"
            if record.session.state == "continue":
                self.heads.add(record.seq)
            stats = record.session.totals
        if record.fault is not None and record.fault.lost:
            self.losses[record.seq] = record.fault.lost
        if stats is not None and record.seq > self.stats_seq:
            self.stats_seq, self.stats_at, self.stats = record.seq, record.timestamp, stats

    def include(self, other: _Session) -> None:
        self.ranges += other.ranges
        self.heads |= other.heads
        self.losses |= other.losses
        self.last = max(self.last, other.last)
        self.is_stopped |= other.is_stopped
        if other.stats_seq > self.stats_seq:
            self.stats_seq, self.stats_at, self.stats = other.stats_seq, other.stats_at, other.stats

    def missing(self) -> tuple[int, int]:
        """How many numbers were given to records that are in none of the logs: lost ones, and pruned ones.

        Pruned is what comes before the first file that is kept, but for what the session counts as lost.
        """
        merged: list[list[int]] = [[-1, -1]]
        for first, last in sorted(each for each in self.ranges if each[0] <= each[1]):
            if first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        gaps = [after[0] - before[1] - 1 for before, after in pairwise(merged)]
        told = max(self.stats.lost if self.stats else 0, sum(self.losses.values()))
        if gaps and merged[0] == [-1, -1] and merged[1][0] in self.heads:
            before = gaps.pop(0)
            inside = sum(gaps)
            return max(inside, told), max(0, before - max(0, told - inside))
        return max(sum(gaps), told), 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the logs' sessions saw, summed.

    `missing`: records that were lost, or stand in another file; `pruned` went with older files. Of
    `open_sessions`, which have no stop record, `as_of` is the time of the last record, and `other_as_of` the
    time at which each of them had counted what was none of ours; `uncounted` ones have not yet.
    """

    totals: Totals
    sessions: int
    open_sessions: int = 0
    uncounted: int = 0
    missing: int = 0
    pruned: int = 0
    as_of: str | None = None
    other_as_of: str | None = None

    @property
    def is_whole(self) -> bool:
        """Nothing was lost, pruned or left unaudited, as far as the sessions have told."""
        return not self.missing and not self.pruned and not self.totals.unaudited.total()

    def line(self, language: Language = Language.EN) -> str:
        """The line without which no result is shown; it says as of when, where it may go on."""
        return PART.of(language).join([sums(self.totals, language), *self._open(language)])

    def gaps(self, language: Language = Language.EN) -> Iterator[str]:
        """What is not in the logs, where there is such."""
        for words, count in ((_MISSING, self.missing), (_PRUNED, self.pruned)):
            if count:
                yield words.of(language).format(count=count)

    def _open(self, language: Language) -> Iterator[str]:
        if self.open_sessions:
            other = _OTHER if self.other_as_of else _OTHER_UNCOUNTED
            yield _OPEN.of(language).format(
                count=self.open_sessions,
                all=self.sessions,
                last=_clock(self.as_of),
                other=other.of(language).format(time=_clock(self.other_as_of)),
            )


class Sessions:
    """Takes the records of sessions, in any order."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    @property
    def are_over(self) -> bool:
        """Each of them has stopped."""
        return not self.open_ids()

    def open_ids(self) -> frozenset[str]:
        """Those that have not stopped."""
        return frozenset(key for key, session in self._sessions.items() if not session.is_stopped)

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
        if record.timestamp > session.last:
            session.last = record.timestamp
        if record.session is not None or record.stats is not None or record.fault is not None:
            session.count(record)

    def include(self, others: Sessions) -> None:
        """Takes what others have taken."""
        for session_id, other in others._sessions.items():
            session = self._sessions.setdefault(session_id, other)
            if session is not other:
                session.include(other)

    def coverage(self, counted: Counted) -> Coverage:
        """Their totals so far; `counted`: what the records of those that are open tell."""
        sessions = self._sessions.values()
        still_open = [session for session in sessions if not session.is_stopped]
        missing = [session.missing() for session in sessions]
        return Coverage(
            totals=self._totals(counted),
            sessions=len(sessions),
            open_sessions=len(still_open),
            uncounted=sum(session.stats is None for session in still_open),
            missing=sum(lost for lost, _ in missing),
            pruned=sum(pruned for _, pruned in missing),
            as_of=max((session.last for session in still_open), default=None),
            other_as_of=min((session.stats_at for session in still_open), default=None) or None,
        )

    def _totals(self, counted: Counted) -> Totals:
        totals = Totals()
        for session_id, session in self._sessions.items():
            stats = session.stats
            totals.other += stats.other if stats else 0
            if stats is not None and session.is_stopped:
                totals.audited += stats.audited
                totals.unaudited += Counter(stats.unaudited)
                continue
            told = counted.get(session_id, Counter())
            totals.audited += told[AUDITED]
            totals.unaudited += Counter({reason: n for reason, n in told.items() if reason != AUDITED})
        totals.seen = totals.other + totals.in_scope
        return totals


def _clock(time: str | None) -> str:
    return (time or "")[:19].replace("T", " ")
