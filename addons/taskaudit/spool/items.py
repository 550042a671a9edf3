"""Items in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator

from taskaudit.spool import blocks
from taskaudit.spool.blocks import OBJECTS, Blocks, Codec

_HEAVY = 1024 * 1024


class Spool[Item]:
    """Keeps items in the order in which they came."""

    def __init__(self, codec: Codec = OBJECTS) -> None:
        self._blocks = Blocks(codec)
        self._last: list[Item] = []
        self._weight = 0

    def close(self) -> None:
        """Lets go of the file."""
        self._blocks.close()

    def put(self, item: Item, size: int = 0) -> None:
        """Appends an item; `size` in bytes, where it may be a large one."""
        self._last.append(item)
        self._weight += size
        if len(self._last) >= blocks.MOST_IN_BLOCK or self._weight >= _HEAVY:
            self._blocks.add(self._last)
            self._last, self._weight = [], 0

    def __iter__(self) -> Iterator[Item]:
        for number in range(len(self._blocks)):
            yield from self._blocks.get(number)
        yield from self._last
