"""More items than memory is to hold: in blocks, on disk once there are many; in their order, or sorted."""

from __future__ import annotations

import heapq
import marshal
import pickle
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from taskaudit.failure import Failure

_IN_MEMORY = 16 * 1024 * 1024
_MOST_IN_BLOCK = 256
"""Items written at once: one at a time costs several times as much."""
_HEAVY = 1024 * 1024
_RUN = 4 * 1024
_PARTS = 256
_MASK = 2**63 - 1
_MOST_PAIRS = 256 * 1024


class Codec(NamedTuple):
    """How items are written. Only what this program itself wrote is ever read."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


OBJECTS = Codec(pickle.dumps, pickle.loads)
"""Of any type."""
PLAIN = Codec(marshal.dumps, marshal.loads)
"""Nothing but tuples, text, bytes, numbers and None, of exactly these types; twice as fast."""


class SpoolError(Failure):
    """There is no room to put items aside; says where, and why."""

    @classmethod
    def of(cls, error: OSError) -> SpoolError:
        """From what the system says."""
        where = tempfile.tempdir or "any temporary folder"
        return cls(f"cannot put aside what was read in {where} (TMPDIR): {error.strerror}")


def new_folder(opened: ExitStack) -> Path:
    """A folder for files of spools, deleted when `opened` is closed. Raises SpoolError."""
    try:
        return Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="taskaudit-")))
    except OSError as error:
        raise SpoolError.of(error) from error


class _Blocks:
    """Lists of items in a file, a small one in memory. Without a path it has no name, and is gone at the end.

    With a path they can be given to another process.
    """

    def __init__(self, path: Path | None, codec: Codec) -> None:
        self._path = path
        self._codec = codec
        self._ends = array("Q", [0])
        self._file: Any = None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, items: Any) -> None:
        """Appends a list. Raises SpoolError."""
        data = self._codec.dumps(items)
        try:
            file = self._opened()
            file.seek(self._ends[-1])
            file.write(data)
            file.flush()
        except OSError as error:
            raise SpoolError.of(error) from error
        self._ends.append(self._ends[-1] + len(data))

    def get(self, number: int) -> Any:
        start, end = self._ends[number : number + 2]
        file = self._opened()
        file.seek(start)
        return self._codec.loads(file.read(end - start))

    def _opened(self) -> Any:
        if self._file is None:
            if self._path is None:
                self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
            else:
                self._file = self._path.open("r+b" if len(self) else "x+b")
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        with suppress(OSError):  # What could not be written is told of already.
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        assert self._path is not None
        self.close()
        return {**self.__dict__}


class Spool[Item]:
    """Keeps items in the order in which they came."""

    def __init__(self, path: Path | None = None, codec: Codec = OBJECTS) -> None:
        self._blocks = _Blocks(path, codec)
        self._last: list[Item] = []
        self._weight = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def put(self, item: Item, size: int = 0) -> None:
        """Appends an item; `size` in bytes, where it may be a large one."""
        self._last.append(item)
        self._weight += size
        if len(self._last) >= _MOST_IN_BLOCK or self._weight >= _HEAVY:
            self._blocks.add(self._last)
            self._last, self._weight = [], 0

    def __iter__(self) -> Iterator[Item]:
        for number in range(len(self._blocks)):
            yield from self._blocks.get(number)
        yield from self._last


class _Run[Item](NamedTuple):
    """Blocks that are sorted; the first and the last of their items."""

    blocks: range
    first: Item
    last: Item


class Sorter[Item]:
    """Keeps items, and gives them sorted; equal ones in the order in which they came.

    An external merge sort. What comes nearly sorted makes one long run, with nothing to merge: of what waits
    in memory only the lesser part is written, so that what comes a little late is still put before the rest.
    `key`: as for `sorted`.
    """

    def __init__(
        self,
        path: Path | None = None,
        codec: Codec = OBJECTS,
        key: Callable[[Item], Any] | None = None,
    ) -> None:
        self._blocks = _Blocks(path, codec)
        self._key: Any = key
        self._runs: list[_Run[Item]] = []
        self._last: list[Item] = []
        self._weight = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def __getstate__(self) -> dict[str, Any]:
        while self._last:
            self._write()
        return {**self.__dict__}

    def put(self, item: Item, size: int = 0) -> None:
        """Adds an item; `size` in bytes, where it may be a large one."""
        self._last.append(item)
        self._weight += size
        if len(self._last) >= 4 * _RUN or self._weight >= 2 * _IN_MEMORY:
            self._write()

    def __iter__(self) -> Iterator[Item]:
        return in_order(self.spans(), self._key)

    def spans(self) -> list[Span[Item]]:
        """What is kept, as `in_order` takes it: for what several have in one."""
        spans = [Span(run.first, run.last, self._read(run.blocks)) for run in self._runs]
        if self._last:
            last = sorted(self._last, key=self._key)
            spans.append(Span(last[0], last[-1], iter(last)))
        return spans

    def _write(self) -> None:
        self._last.sort(key=self._key)
        most = max(1, len(self._last) * 3 // 4)
        lesser, self._last = self._last[:most], self._last[most:]
        self._weight = 0
        first = len(self._blocks)
        for at in range(0, most, _MOST_IN_BLOCK):
            self._blocks.add(lesser[at : at + _MOST_IN_BLOCK])
        blocks, before = range(first, len(self._blocks)), self._runs[-1] if self._runs else None
        if before is not None and not self._is_less(lesser[0], before.last):
            self._runs[-1] = _Run(range(before.blocks.start, blocks.stop), before.first, lesser[-1])
        else:
            self._runs.append(_Run(blocks, lesser[0], lesser[-1]))

    def _is_less(self, one: Any, other: Any) -> bool:
        return bool(one < other if self._key is None else self._key(one) < self._key(other))

    def _read(self, blocks: range) -> Iterator[Item]:
        for number in blocks:
            yield from self._blocks.get(number)


class Span[Item](NamedTuple):
    """Items that are sorted, with the first and the last of them."""

    first: Item
    last: Item
    items: Iterator[Item]


def in_order[Item](spans: list[Span[Item]], key: Any = None) -> Iterator[Item]:
    """The items of all, sorted; equal ones as the spans come. Only what overlaps is merged: that costs."""
    of = key or _itself
    numbered = sorted(enumerate(spans), key=lambda each: of(each[1].first))
    groups: list[list[tuple[int, Span[Item]]]] = []
    last: Any = None
    for number, span in numbered:
        if groups and not last < of(span.first):
            groups[-1].append((number, span))
            last = max(last, of(span.last))
        else:
            groups.append([(number, span)])
            last = of(span.last)
    return chain.from_iterable(_merged(group, key) for group in groups)


def _itself(item: Any) -> Any:
    return item


def _merged[Item](group: list[tuple[int, Span[Item]]], key: Any) -> Iterable[Item]:
    if len(group) == 1:
        return group[0][1].items
    return heapq.merge(*(span.items for _, span in sorted(group, key=itemgetter(0))), key=key)


class Differing:
    """Which of many keys come with more than one value; 16 bytes each, on disk once there are many.

    Keys are numbers from 0, below 2**63, such as digests. Two that are equal by chance are told as well.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._blocks = _Blocks(path, PLAIN)
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
