"""Lists of items in a file."""

from __future__ import annotations

import marshal
import pickle
import tempfile
from array import array
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

from taskaudit.failure import Failure

IN_MEMORY = 16 * 1024 * 1024
"""Bytes; more goes to disk."""
MOST_IN_BLOCK = 256
"""Items written at once: one at a time costs several times as much."""


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


class Store:
    """A file without a name, a small one in memory. It is gone with the last that uses it, however that ends.

    Several threads may use it. Raises SpoolError where there is no room.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - see __del__
        self._lock = Lock()
        self.size = 0

    def reserve(self, size: int) -> int:
        """Where the next bytes are to be written."""
        with self._lock:
            at, self.size = self.size, self.size + size
        return at

    def write(self, at: int, data: bytes) -> None:
        """Writes bytes to a place."""
        try:
            with self._lock:
                self._file.seek(at)
                self._file.write(data)
                self._file.flush()
        except OSError as error:
            raise SpoolError.of(error) from error

    def read(self, at: int, size: int) -> bytes:
        """The bytes at a place."""
        with self._lock:
            self._file.seek(at)
            return self._file.read(size)

    def __del__(self) -> None:
        with suppress(OSError):  # What could not be written is told of already.
            self._file.close()


class Room:
    """What one list has in a store, from `start` on; the store is its own, unless one is given."""

    def __init__(self, store: Store | None = None, start: int = 0) -> None:
        self._store = store or Store()
        self._start = start

    @property
    def size(self) -> int:
        """Of all that was added, in bytes."""
        return self._store.size - self._start

    def add(self, data: bytes) -> int:
        """Where the bytes are now. Raises SpoolError."""
        at = self._store.reserve(len(data))
        self._store.write(at, data)
        return at - self._start

    def get(self, at: int, size: int) -> bytes:
        """The bytes that are there."""
        return self._store.read(self._start + at, size)


class Blocks:
    """Lists of items in a file without a name."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._room: Room | None = None
        self._places = array("Q")
        self._sizes = array("Q")

    def __len__(self) -> int:
        return len(self._places)

    def add(self, items: Any) -> None:
        """Appends a list. Raises SpoolError."""
        data = self._codec.dumps(items)
        self._room = self._room or Room()
        self._places.append(self._room.add(data))
        self._sizes.append(len(data))

    def get(self, number: int) -> Any:
        """A list, by its number."""
        assert self._room is not None
        return self._codec.loads(self._room.get(self._places[number], self._sizes[number]))

    def close(self) -> None:
        """Lets go of the file."""
        self._room = None
