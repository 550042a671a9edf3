"""Captures judged, whatever the order of what is in them.

A request may ask for a job by an id alone (contract, section 2), and be read before the answer that returned
this id: in another file, by another process, or in a HAR that begins with the latest. So the words of what
asked for no known job are remembered, as numbers, and where one turns out to be an id, all is read again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import inf
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Role
from taskaudit.exchange import Exchange
from taskaudit.following import known_of
from taskaudit.known_ids import SHORTEST, Known, KnownIds, words_of
from taskaudit.sources.reading import STDIN
from taskaudit.sources.window import Readable
from taskaudit.spool import blocks
from taskaudit.spool.differing import Differing, differing

MOST_JOBS = 100_000
"""Of how many jobs the ids are known; of more, those that were read last."""
_MOST_RECENT = 64 * 1024
_ASKED, _RETURNED = 0.0, 1.0


class Ids:
    """The ids that are known, and what was asked for that is not."""

    def __init__(self, known: KnownIds | None = None) -> None:
        self.known = KnownIds(MOST_JOBS)
        self.learn(known or ())
        self._words = Differing()
        self._recent: set[str] = set()

    def close(self) -> None:
        """Gives back what is on disk."""
        self._words.close()

    def learn(self, jobs: Iterable[Known]) -> None:
        """Takes jobs that are known from elsewhere."""
        for each in jobs:
            self.known.learn(each)

    def note(self, outcome: Outcome) -> None:
        """Takes what was judged: an id that was returned, or one that may have been asked for too early."""
        if known := known_of(outcome):
            self.known.learn(known)
            self._words.extend(*_pairs([known.job_id, *known.ids], _RETURNED))
        elif outcome.role is Role.OTHER:
            exchange = outcome.exchange
            self.ask(exchange.method or "", exchange.path or "", exchange.query)
        elif outcome.role is Role.JOB_QUERY and outcome.job_id not in self.known:
            self._add([outcome.job_id or ""])

    def ask(self, method: str, path: str, query: str) -> None:
        """Takes a request that asked for no known job."""
        if method.upper() == "GET" and self.known.asked(method, path, query, inf) is None:
            self._add([word for word in words_of(path, query) if len(word) >= SHORTEST])

    def _add(self, words: list[str]) -> None:
        new = [word for word in words if word not in self._recent]
        if not new:
            return
        if len(self._recent) > _MOST_RECENT:
            self._recent.clear()
        self._recent.update(new)
        self._words.extend(*_pairs(new, _ASKED))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_recent": set()}


def missed(several: Sequence[Ids]) -> KnownIds | None:
    """All that is known, where some of it was asked for before; else None."""
    if not differing([each._words for each in several]):
        return None
    together = Ids()
    for each in several:
        together.learn(each.known)
    return together.known


class Judge:
    """Judges the exchanges of captures by what is known of ids, and takes note of those."""

    def __init__(self, auditor: Auditor, ids: Ids) -> None:
        self._auditor = auditor
        self._ids = ids

    def passes_by(self, method: str, path: str, query: str) -> bool:
        """Whether an exchange is none of ours, by its request line."""
        is_other = self._auditor.is_other(method, path, query, self._ids.known)
        if is_other:
            self._ids.ask(method, path, query)
        return is_other

    def look(self, exchange: Exchange) -> Outcome:
        """The outcome for an exchange."""
        outcome = self._auditor.look(exchange, known=self._ids.known)
        self._ids.note(outcome)
        return outcome


class Pipes:
    """Sources that can be read only once, such as standard input: they are kept to be read again."""

    def __init__(self) -> None:
        self._kept: dict[Path, _Kept] = {}

    def of(self, path: Path) -> Readable | None:
        """What to read in place of a source, None where that can be read again."""
        if not is_pipe(path):
            return None
        if path not in self._kept:
            self._kept[path] = _Kept(path)
        return self._kept[path]

    def rewind(self) -> None:
        """All are going to be read again."""
        for each in self._kept.values():
            each.rewind()

    def close(self) -> None:
        """Lets go of what was kept."""
        for each in self._kept.values():
            each.close()


def is_pipe(path: Path) -> bool:
    """Whether a source is gone once it was read."""
    return path == STDIN or path.is_fifo() or path.is_char_device()


class _Kept:
    """A pipe, kept as it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: IO[bytes] | None = None
        self._kept = SpooledTemporaryFile(blocks.IN_MEMORY)  # noqa: SIM115 - closed by close
        self._is_kept = False

    def read(self, size: int, /) -> bytes:
        if self._is_kept:
            return self._kept.read(size)
        if self._source is None:
            # Unbuffered, as whole pieces are asked for.
            is_stdin = self._path == STDIN
            self._source = sys.stdin.buffer if is_stdin else self._path.open("rb", buffering=0)
        data = self._source.read(size)
        self._kept.write(data)
        return data

    def rewind(self) -> None:
        self._is_kept = True
        self._kept.seek(0)

    def close(self) -> None:
        self._kept.close()
        if self._source is not None and self._path != STDIN:
            self._source.close()


def _pairs(words: Sequence[str], value: float) -> tuple[list[int], list[float]]:
    return [*map(_key, words)], [value] * len(words)


def _key(word: str) -> int:
    """The same in every process."""
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
