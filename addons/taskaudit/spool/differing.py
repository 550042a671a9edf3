"""Keys that come with several values."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain

from taskaudit.spool.blocks import PLAIN, Blocks

_PARTS = 256
_MASK = 2**63 - 1
_MOST_PAIRS = 256 * 1024


class Differing:
    """Which of many keys come with more than one value; 16 bytes each, on disk once there are many.

    Keys are numbers from 0, below 2**63, such as digests. Two that are equal by chance are told as well.
    """

    def __init__(self) -> None:
        self._blocks = Blocks(PLAIN)
        self._written: list[list[int]] = [[] for _ in range(_PARTS)]
        self._keys = array("q")
        self._values = array("d")
        self._count = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def extend(self, keys: Sequence[int], values: Sequence[float]) -> None:
        """Adds as many keys as values, each with its value."""
        self._keys.extend(keys)
        self._values.extend(values)
        self._count += len(keys)
        if len(self._keys) >= _MOST_PAIRS:
            self.write()

    def __len__(self) -> int:
        return self._count

    @property
    def waiting(self) -> array[int]:
        """The keys that are not written yet."""
        return self._keys

    def write(self) -> None:
        """Puts all aside, in parts by the keys."""
        keys, values = [array("q") for _ in range(_PARTS)], [array("d") for _ in range(_PARTS)]
        for key, value in zip(self._keys, self._values, strict=True):
            keys[key % _PARTS].append(key)
            values[key % _PARTS].append(value)
        for part, own in enumerate(keys):
            if own:
                self._written[part].append(len(self._blocks))
                self._blocks.add((own.tobytes(), values[part].tobytes()))
        self._keys, self._values = array("q"), array("d")

    def part(self, number: int) -> Iterator[tuple[array[int], array[float]]]:
        """Keys and values of one of the parts, once all is written."""
        for block in self._written[number]:
            keys, values = self._blocks.get(block)
            yield array("q", keys), array("d", values)


def differing(several: Sequence[Differing]) -> array[int]:
    """Those keys, sorted, that have more than one value in all of these together."""
    if _are_few_and_all_different(several):
        return array("q")
    for each in several:
        each.write()
    found: list[int] = []
    for number in range(_PARTS):
        keys, values = array("q"), array("d")
        for more_keys, more_values in chain.from_iterable(each.part(number) for each in several):
            keys += more_keys
            values += more_values
        if len(set(keys)) < len(keys):
            first: dict[int, float] = {}
            pairs = zip(keys, values, strict=True)
            found += {key for key, value in pairs if first.setdefault(key, value) != value}
    return array("q", sorted(found))


def _are_few_and_all_different(several: Sequence[Differing]) -> bool:
    count = sum(len(each) for each in several)
    return count < _MOST_PAIRS and len(set(chain.from_iterable(each.waiting for each in several))) == count


def key_of(text: str) -> int:
    """A key for a text: the same in this process, and in those that are forked from it."""
    return hash(text) & _MASK


def is_in(key: int, keys: array[int]) -> bool:
    """Whether a key is among some that are sorted."""
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at] == key
