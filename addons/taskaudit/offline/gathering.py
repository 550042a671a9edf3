"""What is kept of captures until all are read: outcomes in order, and steps in the life of jobs by time."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.answer import Answer
from taskaudit.contract.verdict import Verdict
from taskaudit.exchange import Exchange
from taskaudit.following import Queried, Submitted, step_of
from taskaudit.guard import failure, guarded
from taskaudit.known_ids import KnownIds
from taskaudit.offline.judge import Ids, Judge, Pipes, is_pipe
from taskaudit.processes import Advance, in_shares
from taskaudit.sources.captured import Captured, Damage, Skipped
from taskaudit.sources.reading import read
from taskaudit.spool.items import Spool
from taskaudit.spool.sorter import Sorter
from taskaudit.totals import Totals

WORTH_A_PROCESS = 64 * 1024 * 1024
"""Bytes; less is read by the time that another process has started."""

type Step = tuple[float, bool, int, str, Submitted | Queried]
"""When an exchange ended, whether it is a job query, its number among those in scope, its id, and what it
shows of the life of a job. No client asks for a job before it was submitted, where times are coarse.
"""


class Checked(msgspec.Struct, frozen=True):
    """An outcome with its place in its source."""

    source: str
    index: int
    outcome: Outcome


class Damaged(msgspec.Struct, frozen=True):
    """A place in a source that could not be read."""

    source: str
    damage: Damage


class Passed(msgspec.Struct, frozen=True):
    """A file that was met in a folder or an archive and is no capture."""

    source: str
    what: str


class Gathering:
    """What was found in some sources."""

    def __init__(self, known: KnownIds | None = None) -> None:
        self.totals = Totals()
        self.ids = Ids(known)
        self._kept = Spool[_Packed]()
        self.steps = Sorter[Step]()
        self.unread = Spool[Damaged | Passed]()
        self.size = 0

    def close(self) -> None:
        """Gives back what is on disk."""
        for each in (self._kept, self.steps, self.unread, self.ids):
            each.close()

    def kept(self) -> Iterator[Checked]:
        """The exchanges in scope, in order."""
        return map(_unpacked, self._kept)

    def read(
        self,
        auditor: Auditor,
        paths: Iterable[Path],
        advance: Advance | None,
        pipes: Pipes | None = None,
    ) -> None:
        """Judges the exchanges in sources, and keeps each damage and each file that is no capture."""
        judge = Judge(auditor, self.ids)

        def passes_by(method: str, path: str, query: str) -> bool:
            is_other = judge.passes_by(method, path, query)
            if is_other:
                self.totals.add_other()
            return is_other

        for path in paths:
            stream = pipes.of(path) if pipes else None
            for item in read(path, auditor.limit, advance, passes_by=passes_by, stream=stream):
                source = f"{path}/{item.member}" if item.member else str(path)
                if isinstance(item, Damage):
                    self.unread.put(Damaged(source, item))
                    continue
                if isinstance(item, Skipped):
                    self.unread.put(Passed(source, item.message))
                    continue
                guarded(partial(self._look, judge, source, item), partial(self._keep_failure, source, item))

    def _look(self, judge: Judge, source: str, item: Captured) -> None:
        self._keep(Checked(source, item.index, judge.look(item.exchange)))

    def _keep_failure(self, source: str, item: Captured, error: Exception) -> None:
        self._keep(Checked(source, item.index, failure(item.exchange, error)))

    def _keep(self, checked: Checked) -> None:
        """Counts it only when nothing can fail any more."""
        outcome, exchange = checked.outcome, checked.outcome.exchange
        if outcome.role is not Role.OTHER:
            packed, step = _packed(checked), step_of(outcome)
            self._kept.put(packed, len(exchange.answer.body) if exchange.answer else 0)
            if step:
                is_query = isinstance(step, Queried)
                self.steps.put((exchange.at, is_query, self.size, exchange.exchange_id, step))
            self.size += 1
        self.totals.add(outcome)


type _Packed = tuple[bytes, tuple[Any, ...]]


def _packed(checked: Checked) -> _Packed:
    """An outcome as plain values, and what is more than that: pickled whole, it takes three times as long."""
    outcome = checked.outcome
    exchange_id, answer, *request = structs.astuple(outcome.exchange)
    _, role, route, job_id, verdict, *more = structs.astuple(outcome)
    *answered, missing = structs.astuple(answer) if answer else (None,)
    kind, findings, *judged = structs.astuple(verdict) if verdict else (None, None)
    plain = checked.source, checked.index, job_id, exchange_id, request, answered, judged
    return marshal.dumps(plain), (role, route, missing, kind, findings, more)


def _unpacked(packed: _Packed) -> Checked:
    plain, (role, route, missing, kind, findings, more) = packed
    source, index, job_id, exchange_id, request, answered, judged = marshal.loads(plain)
    answer = Answer(*[*answered, missing]) if answered else None
    verdict = Verdict(*[kind, findings, *judged]) if judged else None
    exchange = Exchange(*[exchange_id, answer, *request])
    return Checked(source, index, Outcome(*[exchange, role, route, job_id, verdict, *more]))


def shares_of(paths: Sequence[Path], processes: int, worth: int = WORTH_A_PROCESS) -> list[list[Path]]:
    """The paths in order, cut into shares for `processes`; one share where more would not pay."""
    if any(map(is_pipe, paths)):
        return [list(paths)]
    sizes = [path.stat().st_size if path.is_file() else 0 for path in paths]
    return in_shares(paths, sizes, processes, worth)
