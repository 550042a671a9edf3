"""More items than memory is to hold: in blocks, on disk once there are many; in their order, or sorted."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

_IN_MEMORY = 32 * 1024 * 1024
_MOST_IN_BLOCK = 256
"""Items pickled at once: one at a time costs several times as much."""
_HEAVY = 1024 * 1024
_RUN = 32 * 1024


class _Blocks:
    """Lists of items in a file, a small one in memory. Without a path it has no name, and is gone at the end.

    With a path they can be given to another process. Only what the audit itself wrote is ever unpickled.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._places: list[tuple[int, int]] = []
        self._size = 0
        self._file: Any = None

    def __len__(self) -> int:
        return len(self._places)

    def add(self, items: list[Any]) -> None:
        data = pickle.dumps(items, pickle.HIGHEST_PROTOCOL)
        file = self._opened()
        file.seek(self._size)
        file.write(data)
        self._places.append((self._size, len(data)))
        self._size += len(data)

    def get(self, number: int) -> list[Any]:
        at, size = self._places[number]
        file = self._opened()
        file.seek(at)
        items: list[Any] = pickle.loads(file.read(size))
        return items

    def _opened(self) -> Any:
        if self._file is None:
            if self._path is None:
                self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
            else:
                self._file = self._path.open("r+b" if self._places else "x+b")
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __getstate__(self) -> dict[str, Any]:
        assert self._path is not None
        self.close()
        return {**self.__dict__}


class Spool[Item]:
    """Keeps items in the order in which they came."""

    def __init__(self, path: Path | None = None) -> None:
        self._blocks = _Blocks(path)
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


class Sorter[Key, Item]:
    """Keeps items, and gives them in the order of their keys; equal keys in the order in which they came.

    An external merge sort: runs that fit into memory are sorted, and merged from disk.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._blocks = _Blocks(path)
        self._runs: list[range] = []
        self._last: list[tuple[Key, Item]] = []

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def put(self, key: Key, item: Item) -> None:
        """Adds an item, which comes back in the order of keys."""
        self._last.append((key, item))
        if len(self._last) >= _RUN:
            self._end_run()

    def __iter__(self) -> Iterator[tuple[Key, Item]]:
        self._last.sort(key=itemgetter(0))
        if not self._runs:
            return iter(self._last)
        return heapq.merge(*map(self._run, self._runs), self._last, key=itemgetter(0))

    def _end_run(self) -> None:
        self._last.sort(key=itemgetter(0))
        first = len(self._blocks)
        for at in range(0, len(self._last), _MOST_IN_BLOCK):
            self._blocks.add(self._last[at : at + _MOST_IN_BLOCK])
        self._runs.append(range(first, len(self._blocks)))
        self._last = []

    def _run(self, numbers: range) -> Iterator[tuple[Key, Item]]:
        for number in numbers:
            yield from self._blocks.get(number)


def merged[Key, Item](ordered: list[Iterator[tuple[Key, Item]]]) -> Iterator[tuple[Key, Item]]:
    """What several have in order, in one."""
    return heapq.merge(*ordered, key=itemgetter(0)) if len(ordered) > 1 else chain.from_iterable(ordered)
