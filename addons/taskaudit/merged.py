"""Several logs read into one: exchanges told once, whichever log they stand in, and what is missing.

What is kept of a record is what the story needs: no record is kept whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import Unaudited
from taskaudit.log.following import follow_lines
from taskaudit.log.format import Damaged
from taskaudit.log.reading import Inode, read_lines
from taskaudit.totals import Totals

REPLAYED = frozenset(rule.code for rule in (TA204, TA501, TA502, TA503, TA504, TA505, TA506, TA507))
"""Rules on more than one exchange: one log may lack what another has, so they are judged over all of them."""

_MISSING = Words("{count} records LOST or not in these logs", "{count} 条记录丢失，或不在这些日志中")
_UNCOUNTED = Words("{count} of {all} sessions not counted yet", "{all} 个会话中有 {count} 个尚未计数")
_OPEN = Words(
    "{count} of {all} sessions still running, or killed", "{all} 个会话中有 {count} 个仍在运行，或已被终止"
)


@dataclass(frozen=True, slots=True)
class Told:
    """An exchange in scope as a log tells it.

    `at`: seconds since the epoch; `rules`: its own findings'; `kind`: of an audited submission; `unaudited`:
    the reason, where there is no verdict.
    """

    at: float
    seq: int
    exchange_id: str
    is_query: bool
    is_audited: bool
    instance: str
    client: str | None
    request_id: str | None
    method: str | None
    host: str | None
    path: str | None
    route: str | None
    http_status: int | None
    job_id: str | None
    repeat_key: str | None = None
    rules: tuple[str, ...] = ()
    status: str | None = None
    is_final: bool = False
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: tuple[tuple[str, int], ...] = ()
    kind: str | None = None
    unaudited: str | None = None


class Found(NamedTuple):
    """A finding on an exchange, as a log tells it."""

    at: float
    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: int | None
    column: int | None
    fingerprint: str
    waiver: Waiver | None = None


@dataclass(slots=True)
class Group:
    """Equal findings: how many, from when to when, and the first of them with its exchange.

    `waived`: how many of them are waived, and `waiver` by what the last of those is.
    """

    count: int
    first: float
    last: float
    example: Found
    example_on: Told
    waived: int = 0
    waiver: Waiver | None = None
    waiver_rank: tuple[float, str, str, str] = (0.0, "", "", "")

    def add(self, found: Found, on: Told) -> None:
        """Counts one more; it may become the example."""
        self.count_in(found)
        if (found.at, on.exchange_id) < (self.first, self.example_on.exchange_id):
            self.first, self.example, self.example_on = found.at, found, on

    def count_in(self, found: Found) -> None:
        """Counts one more; the example stays."""
        self.count += 1
        self.last = max(self.last, found.at)
        self.note_waiver(found)

    def note_waiver(self, found: Found) -> None:
        """Counts what is waived."""
        waiver = found.waiver
        if waiver is None:
            return
        self.waived += 1
        # The same one in whichever order the logs are read.
        rank = found.at, waiver.until, waiver.owner, waiver.reason
        if rank > self.waiver_rank:
            self.waiver, self.waiver_rank = waiver, rank


@dataclass(slots=True)
class _Session:
    """What is seen of a session. `ranges` are the numbers of its records, as inclusive pairs."""

    ranges: list[list[int]] = field(default_factory=list)
    stats_seq: int = -1
    stats: dict[str, Any] | None = None
    is_stopped: bool = False

    def note(self, seq: int) -> None:
        if self.ranges and seq == self.ranges[-1][1] + 1:
            self.ranges[-1][1] = seq
        else:
            self.ranges.append([seq, seq])

    def missing(self) -> int:
        """How many numbers were given to records that are in none of the logs, as far as can be told."""
        merged: list[list[int]] = [[-1, -1]]
        for first, last in sorted(self.ranges):
            if first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        gaps = sum(after[0] - before[1] - 1 for before, after in pairwise(merged))
        return max(gaps, self.stats["lost"] if self.stats else 0)


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
        yield self.totals.coverage(language)
        if self.missing:
            yield _MISSING.of(language).format(count=self.missing)
        if self.uncounted:
            yield _UNCOUNTED.of(language).format(count=self.uncounted, all=self.sessions)
        elif self.open_sessions:
            yield _OPEN.of(language).format(count=self.open_sessions, all=self.sessions)


class Merged:
    """Takes the records of any number of logs, in any order of the logs."""

    def __init__(self) -> None:
        self.exchanges: dict[str, Told] = {}
        self.on_jobs: dict[str, list[Found]] = {}
        self.groups: dict[str, Group] = {}
        self.damaged: list[Damaged] = []
        self.last = 0.0
        self._files: set[Inode] = set()
        self._sessions: dict[str, _Session] = {}
        self._finding_ids: set[bytes] = set()

    @property
    def is_over(self) -> bool:
        """Every session that is seen here has stopped."""
        return all(session.is_stopped for session in self._sessions.values())

    def read(self, path: Path) -> None:
        """Takes a whole log, its rotated files too. Raises LogError."""
        for line in read_lines(path, self._files):
            self.add(*line)

    def follow(self, path: Path) -> Iterator[int]:
        """Takes a log as it grows: each step takes what is new, and gives how many lines. Raises LogError."""
        taken = 0
        for line in follow_lines(path):
            if line is None:
                yield taken
                taken = 0
            else:
                taken += 1
                self.add(*line)

    def add(self, path: Path, line: int, item: dict[str, Any] | Damaged) -> None:
        """Takes one line of a log."""
        if isinstance(item, Damaged):
            self.damaged.append(item)
            return
        try:
            self._add(item)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"not a record: {type(error).__name__} at {error}"
            self.damaged.append(Damaged(path, line, reason))

    def coverage(self) -> Coverage:
        """The sessions' totals so far."""
        sessions = self._sessions.values()
        return Coverage(
            totals=_sum(session.stats for session in sessions if session.stats is not None),
            sessions=len(sessions),
            open_sessions=sum(not session.is_stopped for session in sessions),
            uncounted=sum(session.stats is None for session in sessions),
            missing=sum(session.missing() for session in sessions),
        )

    def _add(self, record: dict[str, Any]) -> None:
        at, seq = _at(record), int(record["seq"])
        match record["event_type"]:
            case "submission" | "job_query" | "unaudited":
                self._exchange(told_of(record))
            case "finding":
                self._finding(record)
        session = self._sessions.setdefault(record["session_id"], _Session())
        session.note(seq)
        self._totals(session, record, seq)
        self.last = max(self.last, at)

    def _totals(self, session: _Session, record: dict[str, Any], seq: int) -> None:
        stats = record.get("stats")
        if record["event_type"] == "session":
            session.is_stopped |= record["session"]["state"] == "stop"
            stats = record["session"]["totals"]
        if stats is not None and seq > session.stats_seq:
            session.stats_seq, session.stats = seq, stats

    def _exchange(self, told: Told) -> None:
        """An exchange is told once; where one log has a verdict on it and another has none, the verdict."""
        known = self.exchanges.get(told.exchange_id)
        if known is None or _preference(told) < _preference(known):
            self.exchanges[told.exchange_id] = told

    def _finding(self, record: dict[str, Any]) -> None:
        identity = bytes.fromhex(record["record_id"])
        if record["finding"]["rule"] in REPLAYED or identity in self._finding_ids:
            return
        self._finding_ids.add(identity)
        found = found_of(record)
        # A finding follows its exchange in the log, unless that record was lost.
        known = self.exchanges.get(record["exchange_id"])
        on = known or bare(record)
        group_in(self.groups, found, on)
        if known is None or known.job_id is not None:
            self.on_jobs.setdefault(on.exchange_id, []).append(found)


def _preference(told: Told) -> tuple[bool, str, int]:
    """The least is kept, whichever log is read first."""
    return not told.is_audited, told.instance, told.seq


def group_in(groups: dict[str, Group], found: Found, on: Told) -> None:
    """Puts a finding to those of its fingerprint."""
    group = groups.get(found.fingerprint)
    if group is None:
        group = groups[found.fingerprint] = Group(1, found.at, found.at, found, on)
        group.note_waiver(found)
    else:
        group.add(found, on)


def told_of(record: dict[str, Any]) -> Told:
    """The exchange that a `submission`, `job_query` or `unaudited` record is about."""
    match record["event_type"]:
        case "submission":
            body = record["submission"]
            facts = {"repeat_key": body["repeat_key"], "rules": tuple(map(intern, body["rules"]))}
            return bare(record, job_id=body["job_id"], kind=intern(body["kind"]), **facts)
        case "job_query":
            return bare(record, is_query=True, **_answered(record["job_query"]))
        case _:
            body = record["unaudited"]
            facts = {"is_query": body["role"] == "job_query", "is_audited": False}
            facts |= {"repeat_key": body["repeat_key"], "unaudited": intern(body["reason"])}
            return bare(record, job_id=body["job_id"], **facts)


def _answered(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "job_id": body["job_id"],
        "rules": tuple(map(intern, body["rules"])),
        "status": _interned(body["status"]),
        "is_final": body["is_final"],
        "error_code": _interned(body["error_code"]),
        "fail_reason": _interned(body["fail_reason"]),
        "sub_jobs": tuple(body["sub_jobs"].items()),
    }


def bare(record: dict[str, Any], **facts: Any) -> Told:
    """An exchange with what its header says, and `facts`. What many have in common is kept once."""
    http = record["http"]
    known: dict[str, Any] = {"is_query": False, "is_audited": True, "job_id": None, **facts}
    return Told(
        at=_at(record),
        seq=int(record["seq"]),
        exchange_id=record["exchange_id"],
        instance=intern(record["instance_id"]),
        client=_interned(record["client"]),
        request_id=record["request_id"],
        method=_interned(http["method"]),
        host=_interned(http["host"]),
        path=_interned(http["path"]),
        route=_interned(http["route"]),
        http_status=http["status"],
        **known,
    )


def found_of(record: dict[str, Any]) -> Found:
    """The finding that a `finding` record is about."""
    body = record["finding"]
    return Found(
        at=_at(record),
        rule=intern(body["rule"]),
        name=intern(body["name"]),
        severity=Severity(body["severity"]),
        pointer=intern(body["pointer"]),
        expected=intern(body["expected"]),
        found=intern(body["found"]),
        line=body["line"],
        column=body["column"],
        fingerprint=intern(body["fingerprint"]),
        waiver=_waiver(body),
    )


def _waiver(body: dict[str, Any]) -> Waiver | None:
    """What a finding is waived by; its patterns are not recorded with it, and older logs have none."""
    waiver = body.get("waiver")
    return Waiver(body["rule"], waiver["reason"], waiver["owner"], waiver["until"]) if waiver else None


def _at(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["timestamp"]).timestamp()


def _interned(text: str | None) -> str | None:
    return None if text is None else intern(text)


def _sum(stats: Iterable[dict[str, Any]]) -> Totals:
    totals = Totals()
    for each in stats:
        totals.seen += each["seen"]
        totals.other += each["other"]
        totals.audited += each["audited"]
        totals.lost += each["lost"]
        totals.unaudited += Counter({Unaudited(reason): n for reason, n in each["unaudited"].items()})
        totals.findings += Counter(each["findings"])
        totals.waived += Counter(each.get("waived", {}))
    return totals
