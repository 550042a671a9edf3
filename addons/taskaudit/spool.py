"""Outcomes put aside on disk until all is known of them."""

from __future__ import annotations

import pickle
import tempfile
from typing import Self

_IN_MEMORY = 32 * 1024 * 1024


class Spool[Item]:
    """Keeps items in order; small ones in memory, many in a temporary file that is gone afterwards.

    Only what this process put in is ever unpickled.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, item: Item) -> int:
        """Appends an item; gives its place."""
        at = self._file.seek(0, 2)
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
        return at

    def get(self, at: int) -> Item:
        """The item at a place."""
        self._file.seek(at)
        item: Item = pickle.load(self._file)
        return item
