"""Several logs read into one: exchanges told once, whichever log they stand in, in the order of time.

What is kept of a record is what the story needs; it waits on disk, as logs are longer than memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from taskaudit.log.following import follow_lines
from taskaudit.log.format import Damaged
from taskaudit.log.reading import Inode, read_batches
from taskaudit.log.shapes import NotARecord, Record, decode_any
from taskaudit.spool import PLAIN, Differing, Sorter, differing, is_in
from taskaudit.story.sessions import Sessions
from taskaudit.story.told import (
    AT,
    EXCHANGE_ID,
    INSTANCE,
    IS_AUDITED,
    REPLAYED,
    SEQ,
    SESSION,
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

    `last`: the time of the latest record, seconds since the epoch.
    """

    def __init__(self) -> None:
        self.damaged: list[Damaged] = []
        self.sessions = Sessions()
        self.last = 0.0
        self.repeated = 0
        self._told = Sorter[Plain](codec=PLAIN)
        self._found = Sorter[Plain](codec=PLAIN)
        self._times = Differing()
        self._files: set[Inode] = set()
        self._taken = 0

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
                path, number, text = line
                taken += 1
                self.take(path, number, [text])

    def take(self, path: Path, first: int, lines: Iterable[bytes | Damaged]) -> None:
        """Takes lines of a log, of which the first has that number."""
        for number, line in enumerate(lines, first):
            if isinstance(line, Damaged):
                self.damaged.append(line)
                continue
            try:
                record = decode_any(line)
                at = time_of(record)
                if record.event_type in _ON_EXCHANGES:
                    self._taken += 1
                    self._told.put(plain_told(record, at, self._taken), len(line))
                    self._times.put(_key(record.exchange_id), at)
                elif record.event_type == "finding":
                    self._find(record, at, len(line))
            except NotARecord as error:
                self.damaged.append(Damaged(path, number, str(error)))
                continue
            self.sessions.note(record)
            if at > self.last:
                self.last = at

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
        keys = differing([self._times])
        kept: dict[str, Plain] = {}
        for told in self._told if keys else ():
            exchange_id = told[EXCHANGE_ID]
            if is_in(_key(exchange_id), keys):
                kept[exchange_id] = min(kept.get(exchange_id, told), told, key=_preference)
        return kept

    def findings(self) -> Iterator[Plain]:
        """The findings that are not judged again, as `Finding`s are put aside, by time and exchange."""
        return iter(self._found)

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
        """What is told once of all that has the same time."""
        same: list[Plain] = []
        at: float | None = None
        for told in self._told:
            if told[AT] == at:
                same.append(told)
                continue
            if len(same) == 1:
                yield same[0]
            else:
                yield from self._distinct(same)
            same = [told]
            at = told[AT]
        yield from self._distinct(same)

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


def _preference(told: Plain) -> tuple[bool, str, int, float]:
    """The least is kept, whichever log is read first."""
    return not told[IS_AUDITED], told[INSTANCE], told[SEQ], told[AT]


def _key(exchange_id: str) -> int:
    """A number of 60 bits that stands for an id; mostly its own first digits."""
    try:
        return int(exchange_id[:15], 16)
    except ValueError:
        text = exchange_id.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=7).digest())
