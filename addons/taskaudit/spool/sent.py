"""Spools sent to another process through a pipe: first the objects, then what they have on disk."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

from taskaudit.spool.blocks import Room, Store

_AT_ONCE = 1024 * 1024
"""Bytes."""


def send(value: Any, pipe: BinaryIO) -> None:
    """Writes a value, of any type that can be pickled, with all spools in it."""
    pickler = _Pickler(pipe)
    pickler.dump(value)
    for room in pickler.rooms:
        for at in range(0, room.size, _AT_ONCE):
            pipe.write(room.get(at, min(_AT_ONCE, room.size - at)))
    pipe.flush()


def receive(pipe: BinaryIO, store: Store) -> Any:
    """The next value; its spools are put into the store. Raises SpoolError.

    Raises EOFError or UnpicklingError where the sender has ended.
    """
    unpickler = _Unpickler(pipe, store)
    value = unpickler.load()
    for start, size in unpickler.places:
        for at in range(start, start + size, _AT_ONCE):
            wanted = min(_AT_ONCE, start + size - at)
            data = pipe.read(wanted)
            if len(data) < wanted:
                raise EOFError
            store.write(at, data)
    return value


class _Pickler(pickle.Pickler):
    def __init__(self, pipe: BinaryIO) -> None:
        super().__init__(pipe, pickle.HIGHEST_PROTOCOL)
        self.rooms: list[Room] = []

    def persistent_id(self, obj: Any) -> int | None:
        if type(obj) is not Room:
            return None
        self.rooms.append(obj)
        return obj.size


class _Unpickler(pickle.Unpickler):
    def __init__(self, pipe: BinaryIO, store: Store) -> None:
        super().__init__(pipe)
        self._store = store
        self.places: list[tuple[int, int]] = []

    def persistent_load(self, pid: int) -> Room:
        start = self._store.reserve(pid)
        self.places.append((start, pid))
        return Room(self._store, start)
