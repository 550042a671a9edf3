"""Several logs read into one: exchanges told once, whichever log they stand in, in the order of time.

What is kept of a record is what the story needs; it waits on disk, as logs are longer than memory.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from taskaudit.log.following import follow_lines
from taskaudit.log.format import Damaged
from taskaudit.log.reading import Inode, read_batches
from taskaudit.log.record import NotARecord, Record, decode_any
from taskaudit.spool.blocks import PLAIN
from taskaudit.spool.differing import Differing, differing, is_in, key_of
from taskaudit.spool.sorter import Sorter, in_order
from taskaudit.story.sessions import AUDITED, Coverage, Sessions
from taskaudit.story.told import (
    AT,
    EXCHANGE_ID,
    INSTANCE,
    IS_AUDITED,
    REPLAYED,
    SEQ,
    SESSION,
    UNAUDITED,
    Plain,
    Told,
    found_of,
    plain_bare,
    plain_found,
    plain_told,
    time_of,
)

_ON_EXCHANGES = frozenset({"job_query", "submission", "unaudited"})


class Merged:
    """Takes the records of any number of logs, in any order of the logs.

    `last`: the time of the latest record, seconds since the epoch. Those of several processes have a `number`
    each, of their own.
    """

    def __init__(self, number: int = 0) -> None:
        self.damaged: list[Damaged] = []
        self.sessions = Sessions()
        self.last = 0.0
        self.repeated = 0
        self._told = Sorter[Plain](PLAIN)
        self._found = Sorter[Plain](PLAIN)
        self._times = Differing()
        self._parts: list[Merged] = []
        self._files: set[Inode] = set()
        self._taken = number << 48
        self._counted: dict[str, Counter[str]] | None = None

    def read(self, path: Path) -> None:
        """Takes a whole log, its rotated files too. Raises LogError."""
        for lines in read_batches(path, self._files):
            self.take(*lines)

    def follow(self, path: Path) -> Iterator[int]:
        """Takes a log as it grows: each step takes what is new, and gives how many lines. Raises LogError."""
        taken = 0
        for line in follow_lines(path):
            if line is None:
                yield taken
                taken = 0
            else:
                file, number, text = line
                taken += 1
                self.take(file, number, [text])

    def take(self, path: Path, first: int, lines: Iterable[bytes | Damaged]) -> None:
        """Takes lines of a log, of which the first has that number."""
        told: list[Plain] = []
        size = 0
        self._counted = None
        for number, line in enumerate(lines, first):
            if isinstance(line, Damaged):
                self.damaged.append(line)
                continue
            try:
                record = decode_any(line)
                at = time_of(record)
                if record.event_type in _ON_EXCHANGES:
                    self._taken += 1
                    told.append(plain_told(record, at, self._taken))
                    size += len(line)
                elif record.event_type == "finding":
                    self._find(record, at, len(line))
            except NotARecord as error:
                self.damaged.append(Damaged(path, number, str(error)))
                continue
            self.sessions.note(record)
            if at > self.last:
                self.last = at
        self._told.extend(told, size)
        self._times.extend([key_of(each[EXCHANGE_ID]) for each in told], [each[AT] for each in told])

    def include(self, part: Merged) -> None:
        """Takes what another one has taken, but for damage."""
        self._parts.append(part)
        self._counted = None
        self.sessions.include(part.sessions)
        self.last = max(self.last, part.last)

    def coverage(self) -> Coverage:
        """What the sessions saw, so far as they have told; counted in the last pass over all exchanges."""
        if self._counted is None:
            for _ in self._of_each_instant():
                pass
        return self.sessions.coverage(self._counted or {})

    def exchanges(self) -> Iterator[Told]:
        """Each exchange, in the order of time."""
        return (Told(*plain) for plain in self.once(self.apart()))

    def once(self, apart: dict[str, Plain]) -> Iterator[Plain]:
        """Each exchange as it was put aside, in the order of time; `apart` is what `apart` gave.

        `repeated` counts, meanwhile, what is passed over, as another session told it too.
        """
        self.repeated = 0
        if not apart:
            yield from self._of_each_instant()
            return
        for told in self._of_each_instant():
            if apart.get(told[EXCHANGE_ID], told) == told:
                yield told
            else:
                self.repeated += 1

    def apart(self) -> dict[str, Plain]:
        """Of exchanges that are told with different times, which is seldom, the one to be told, by id."""
        keys = differing([each._times for each in self._all])
        kept: dict[str, Plain] = {}
        for told in self._in_order() if keys else ():
            exchange_id = told[EXCHANGE_ID]
            if is_in(key_of(exchange_id), keys):
                kept[exchange_id] = min(kept.get(exchange_id, told), told, key=_preference)
        return kept

    def findings(self) -> Iterator[Plain]:
        """The findings that are not judged again, as `Finding`s are put aside, by time and exchange."""
        return in_order([span for each in self._all for span in each._found.spans()])

    @property
    def _all(self) -> list[Merged]:
        return [self, *self._parts]

    def _in_order(self) -> Iterator[Plain]:
        return in_order([span for each in self._all for span in each._told.spans()])

    def _find(self, record: Record, at: float, size: int) -> None:
        try:
            identity = bytes.fromhex(record.record_id)
        except ValueError as error:
            raise NotARecord(f"not a record: {error}") from None
        found = found_of(record, at)
        if found.rule not in REPLAYED:
            self._taken += 1
            on = plain_bare(record, at)
            self._found.put((at, record.exchange_id, identity, self._taken, plain_found(found), on), size)

    def _of_each_instant(self) -> Iterator[Plain]:
        """What is told once of all that has the same time; counts what open sessions have told."""
        counted: dict[str, Counter[str]] = defaultdict(Counter)
        still_open = self.sessions.open_ids()
        same: list[Plain] = []
        at: float | None = None
        for told in chain(self._in_order(), [_NO_MORE]):
            if told[AT] == at:
                same.append(told)
                continue
            if still_open:
                for session, _, told_as in {(it[SESSION], it[SEQ], it[UNAUDITED] or AUDITED) for it in same}:
                    if session in still_open:
                        counted[session][told_as] += 1
            if len(same) == 1:
                yield same[0]
            else:
                yield from self._distinct(same)
            same = [told]
            at = told[AT]
        self._counted = counted

    def _distinct(self, same: list[Plain]) -> list[Plain]:
        """An exchange is told once; where one log has a verdict on it and another has none, the verdict."""
        if len({told[EXCHANGE_ID] for told in same}) == len(same):
            return same
        kept: dict[str, Plain] = {}
        for told in same:
            exchange_id = told[EXCHANGE_ID]
            kept[exchange_id] = min(kept.get(exchange_id, told), told, key=_preference)
        self.repeated += len({(told[EXCHANGE_ID], told[SESSION], told[SEQ]) for told in same}) - len(kept)
        return sorted(kept.values())


_NO_MORE: Plain = (None,)


def _preference(told: Plain) -> tuple[bool, str, int, float]:
    """The least is kept, whichever log is read first."""
    return not told[IS_AUDITED], told[INSTANCE], told[SEQ], told[AT]
