"""Keys that come with several values."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from taskaudit.spool.blocks import PLAIN, Blocks

_PARTS = 256
_MASK = 2**63 - 1
_MOST_PAIRS = 256 * 1024


class Differing:
    """Which of many keys come with more than one value; 16 bytes each, on disk once there are many.

    Keys are numbers from 0, below 2**63, such as digests. Two that are equal by chance are told as well.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._blocks = Blocks(path, PLAIN)
        self._written: list[list[int]] = [[] for _ in range(_PARTS)]
        self._begin()

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def put(self, key: int, value: float) -> None:
        """Adds a key with a value."""
        part = key % _PARTS
        self._keys[part].append(key)
        self._values[part].append(value)
        self._count += 1
        if self._count >= _MOST_PAIRS:
            self._write()

    def _begin(self) -> None:
        self._keys = [array("q") for _ in range(_PARTS)]
        self._values = [array("d") for _ in range(_PARTS)]
        self._count = 0

    def _write(self) -> None:
        for part, keys in enumerate(self._keys):
            if keys:
                self._written[part].append(len(self._blocks))
                self._blocks.add((keys.tobytes(), self._values[part].tobytes()))
        self._begin()

    def part(self, number: int) -> Iterator[tuple[array[int], array[float]]]:
        """Keys and values of one of the parts into which they are put by their keys."""
        for block in self._written[number]:
            keys, values = self._blocks.get(block)
            yield array("q", keys), array("d", values)
        yield self._keys[number], self._values[number]


def differing(several: Sequence[Differing]) -> array[int]:
    """Those keys, sorted, that have more than one value in all of these together."""
    found: list[int] = []
    for number in range(_PARTS):
        keys, values = array("q"), array("d")
        for each in several:
            for more_keys, more_values in each.part(number):
                keys += more_keys
                values += more_values
        if len(set(keys)) < len(keys):
            first: dict[int, float] = {}
            pairs = zip(keys, values, strict=True)
            found += {key for key, value in pairs if first.setdefault(key, value) != value}
    return array("q", sorted(found))


def key_of(text: str) -> int:
    """A key for a text: the same in this process, and in those that are forked from it."""
    return hash(text) & _MASK


def is_in(key: int, keys: array[int]) -> bool:
    """Whether a key is among some that are sorted."""
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at] == key
