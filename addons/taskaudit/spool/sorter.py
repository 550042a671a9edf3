"""Items sorted: an external merge sort."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched
from typing import Any, NamedTuple

from taskaudit.spool import blocks
from taskaudit.spool.blocks import OBJECTS, Blocks, Codec

_RUN = 4 * 1024
_MOST_RUNS = 64


class _Run[Item](NamedTuple):
    """Blocks that are sorted; the first and the last of their items; how often they were merged."""

    blocks: range
    first: Item
    last: Item
    level: int = 0


class Sorter[Item]:
    """Keeps items, and gives them sorted; equal ones in the order in which they came.

    An external merge sort. What comes nearly sorted makes one long run, with nothing to merge: of what waits
    in memory only the lesser part is written, so that what comes a little late is still put before the rest.
    `key`: as for `sorted`.
    """

    def __init__(
        self,
        codec: Codec = OBJECTS,
        key: Callable[[Item], Any] | None = None,
    ) -> None:
        self._blocks = Blocks(codec)
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
        self.extend((item,), size)

    def extend(self, items: Sequence[Item], size: int = 0) -> None:
        """Adds items; `size` of all of them, in bytes, where they may be large."""
        self._last += items
        self._weight += size
        if len(self._last) >= 4 * _RUN or self._weight >= 2 * blocks.IN_MEMORY:
            self._write()

    def __iter__(self) -> Iterator[Item]:
        return in_order(self.spans(), self._key)

    def spans(self) -> list[Span[Item]]:
        """What is kept, as `in_order` takes it: for what several have in one."""
        spans = [*map(self._span, self._runs)]
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
        for at in range(0, most, blocks.MOST_IN_BLOCK):
            self._blocks.add(lesser[at : at + blocks.MOST_IN_BLOCK])
        before, end = self._runs[-1] if self._runs else None, len(self._blocks)
        if before is not None and not self._is_less(lesser[0], before.last):
            self._runs[-1] = before._replace(blocks=range(before.blocks.start, end), last=lesser[-1])
        else:
            self._runs.append(_Run(range(first, end), lesser[0], lesser[-1]))
            self._merge()

    def _merge(self) -> None:
        """Makes one run of many of the same level: of each a block is in memory when all are read."""
        level = self._runs[-1].level
        same = [run for run in self._runs if run.level == level]
        if len(same) < _MOST_RUNS:
            return
        first = len(self._blocks)
        for items in batched(in_order(map(self._span, same), self._key), blocks.MOST_IN_BLOCK):
            self._blocks.add(list(items))
        firsts, lasts = [run.first for run in same], [run.last for run in same]
        numbers = range(first, len(self._blocks))
        merged = _Run(numbers, min(firsts, key=self._key), max(lasts, key=self._key), level + 1)
        self._runs[-len(same) :] = [merged]
        self._merge()

    def _span(self, run: _Run[Item]) -> Span[Item]:
        return Span(run.first, run.last, self._read(run.blocks))

    def _is_less(self, one: Any, other: Any) -> bool:
        return bool(one < other if self._key is None else self._key(one) < self._key(other))

    def _read(self, numbers: range) -> Iterator[Item]:
        for number in numbers:
            yield from self._blocks.get(number)


class Span[Item](NamedTuple):
    """Items that are sorted, with the first and the last of them."""

    first: Item
    last: Item
    items: Iterator[Item]


def in_order[Item](spans: Iterable[Span[Item]], key: Any = None) -> Iterator[Item]:
    """The items of all, sorted; equal ones as the spans come. Only where spans overlap are items compared."""
    of = key or _itself
    coming = deque(sorted(enumerate(spans), key=lambda each: of(each[1].first)))
    begun: list[tuple[Any, int, Item, Iterator[Item]]] = []
    while begun or coming:
        if not begun or (coming and not begun[0][0] < of(coming[0][1].first)):
            number, span = coming.popleft()
            _push(begun, number, span.items, of)
        elif len(begun) == 1:
            _, number, item, items = begun.pop()
            yield item
            if not coming:
                yield from items
                return
            until = of(coming[0][1].first)
            for later in items:
                if not of(later) < until:
                    heapq.heappush(begun, (of(later), number, later, items))
                    break
                yield later
        else:
            _, number, item, items = heapq.heappop(begun)
            yield item
            _push(begun, number, items, of)


def _push[Item](
    begun: list[tuple[Any, int, Item, Iterator[Item]]], number: int, items: Iterator[Item], of: Any
) -> None:
    """Puts the next one of some items to those that may come next."""
    for item in items:
        heapq.heappush(begun, (of(item), number, item, items))
        return


def _itself(item: Any) -> Any:
    return item
