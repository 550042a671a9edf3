"""Several logs read into one: exchanges told once, whichever log they stand in, and what is missing.

What is kept of a record is what the story needs: no record is kept whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from sys import intern
from typing import NamedTuple

import msgspec

from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.contract.words import Language, Words
from taskaudit.log.following import follow_lines
from taskaudit.log.format import Damaged
from taskaudit.log.reading import Inode, read_lines
from taskaudit.log.shapes import Http, JobQuery, NotARecord, Record, Stats, Submission, decode_any
from taskaudit.text.coverage import coverage_line
from taskaudit.times import seconds_of
from taskaudit.totals import Totals

REPLAYED = frozenset(rule.code for rule in (TA204, TA501, TA502, TA503, TA504, TA505, TA506, TA507))
"""Rules on more than one exchange: one log may lack what another has, so they are judged over all of them."""

_MISSING = Words("{count} records LOST or not in these logs", "{count} 条记录丢失，或不在这些日志中")
_UNCOUNTED = Words("{count} of {all} sessions not counted yet", "{all} 个会话中有 {count} 个尚未计数")
_OPEN = Words(
    "{count} of {all} sessions still running, or killed", "{all} 个会话中有 {count} 个仍在运行，或已被终止"
)


class Told(msgspec.Struct, order=True, gc=False):
    """An exchange in scope as a log tells it. Told sort as they must have been.

    By time; where that is the same, as it was recorded, but no client asks for a job before its submission
    was answered, nor sees it run after it has ended. Nothing here depends on the order of the logs.

    `at`: seconds since the epoch; `rules`: its own findings'; `kind`: of an audited submission; `unaudited`:
    the reason, where there is no verdict.
    """

    at: float
    is_query: bool
    is_final: bool
    seq: int
    exchange_id: str
    instance: str
    client: str | None
    request_id: str | None
    http: Http
    job_id: str | None = None
    is_audited: bool = True
    repeat_key: str | None = None
    rules: tuple[str, ...] = ()
    status: str | None = None
    error_code: str | None = None
    fail_reason: str | None = None
    sub_jobs: tuple[tuple[str, int], ...] = ()
    kind: str | None = None
    unaudited: str | None = None

    @property
    def method(self) -> str | None:
        """The request's method."""
        return self.http.method

    @property
    def host(self) -> str | None:
        """The host it was sent to."""
        return self.http.host

    @property
    def path(self) -> str | None:
        """The path, without the query string."""
        return self.http.path

    @property
    def route(self) -> str | None:
        """The name of the route in the catalogue."""
        return self.http.route

    @property
    def http_status(self) -> int | None:
        """The status of the answer."""
        return self.http.status


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
    stats: Stats | None = None
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
        self._https: dict[Http, Http] = {}
        self._asked: dict[str, Told] = {}

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

    def add(self, path: Path, number: int, line: bytes | Damaged) -> None:
        """Takes one line of a log."""
        if isinstance(line, Damaged):
            self.damaged.append(line)
            return
        try:
            record = decode_any(line)
            self._add(record, time_of(record))
        except NotARecord as error:
            self.damaged.append(Damaged(path, number, str(error)))

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

    def _add(self, record: Record, at: float) -> None:
        match record.event_type:
            case "job_query" | "submission" | "unaudited":
                told = told_of(record, at)
                self._share(told)
                self._exchange(told)
            case "finding":
                self._finding(record, at)
        session = self._sessions.get(record.session_id)
        if session is None:
            session = self._sessions[record.session_id] = _Session()
        session.note(record.seq)
        if record.session is not None or record.stats is not None:
            self._totals(session, record)
        if at > self.last:
            self.last = at

    def _share(self, told: Told) -> None:
        """What many exchanges have in common is kept once: the queries of a job have its id and path."""
        if told.is_query and told.job_id is not None:
            first = self._asked.setdefault(told.job_id, told)
            told.job_id = first.job_id
            if told.http == first.http:
                told.http = first.http
        else:
            told.http = self._https.setdefault(told.http, told.http)

    def _totals(self, session: _Session, record: Record) -> None:
        stats = record.stats
        if record.session is not None:
            session.is_stopped |= record.session.state == "stop"
            stats = record.session.totals
        if stats is not None and record.seq > session.stats_seq:
            session.stats_seq, session.stats = record.seq, stats

    def _exchange(self, told: Told) -> None:
        """An exchange is told once; where one log has a verdict on it and another has none, the verdict."""
        known = self.exchanges.setdefault(told.exchange_id, told)
        if known is not told and _preference(told) < _preference(known):
            self.exchanges[told.exchange_id] = told

    def _finding(self, record: Record, at: float) -> None:
        try:
            identity = bytes.fromhex(record.record_id)
        except ValueError as error:
            raise NotARecord(f"not a record: {error}") from None
        found = found_of(record, at)
        if found.rule in REPLAYED or identity in self._finding_ids:
            return
        self._finding_ids.add(identity)
        # A finding follows its exchange in the log, unless that record was lost.
        known = self.exchanges.get(record.exchange_id)
        on = known or bare(record, at)
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


def told_of(record: Record, at: float) -> Told:
    """The exchange that a `submission`, `job_query` or `unaudited` record is about. `at`: its time."""
    if (query := record.job_query) is not None and record.event_type == "job_query":
        return _query(record, at, query)
    if (submission := record.submission) is not None and record.event_type == "submission":
        return _submission(record, at, submission)
    told, body = bare(record, at), record.unaudited
    assert body is not None
    told.is_query, told.is_audited, told.unaudited = body.role == "job_query", False, intern(body.reason)
    told.job_id, told.repeat_key = body.job_id, body.repeat_key
    return told


def _query(record: Record, at: float, body: JobQuery) -> Told:
    return Told(
        at,
        True,
        body.is_final,
        record.seq,
        record.exchange_id,
        intern(record.instance_id),
        _interned(record.client),
        record.request_id,
        record.http,
        body.job_id,
        True,
        None,
        _codes(body.rules) if body.rules else (),
        _interned(body.status),
        body.error_code and intern(body.error_code),
        body.fail_reason and intern(body.fail_reason),
        tuple(body.sub_jobs.items()) if body.sub_jobs else (),
    )


def _submission(record: Record, at: float, body: Submission) -> Told:
    told = bare(record, at)
    told.job_id, told.repeat_key = body.job_id, body.repeat_key
    told.rules, told.kind = _codes(body.rules), intern(body.kind)
    return told


def bare(record: Record, at: float) -> Told:
    """A submission with what its header says. What many have in common is kept once."""
    return Told(
        at,
        False,
        False,
        record.seq,
        record.exchange_id,
        intern(record.instance_id),
        _interned(record.client),
        record.request_id,
        record.http,
    )


def found_of(record: Record, at: float) -> Found:
    """The finding that a `finding` record is about. `at`: its time."""
    body = record.finding
    assert body is not None
    waiver = body.waiver
    return Found(
        at=at,
        rule=intern(body.rule),
        name=intern(body.name),
        severity=body.severity,
        pointer=intern(body.pointer),
        expected=intern(body.expected),
        found=intern(body.found),
        line=body.line,
        column=body.column,
        fingerprint=intern(body.fingerprint),
        # Its patterns are not recorded with a finding.
        waiver=Waiver(body.rule, waiver.reason, waiver.owner, waiver.until) if waiver else None,
    )


def time_of(record: Record) -> float:
    """The time of a record in seconds since the epoch. Raises NotARecord."""
    try:
        return seconds_of(record.timestamp)
    except ValueError as error:
        raise NotARecord(f"not a record: {error}") from None


def _codes(rules: list[str]) -> tuple[str, ...]:
    return tuple(map(intern, rules)) if rules else ()


def _interned(text: str | None) -> str | None:
    return None if text is None else intern(text)


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
