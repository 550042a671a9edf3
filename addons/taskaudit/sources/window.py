"""A window over a binary stream: bytes ahead of the reader, none behind, so memory stays flat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

CHUNK = 1024 * 1024


class Readable(Protocol):
    """A binary file or pipe; a short read is not the end, an empty one is."""

    def read(self, size: int, /) -> bytes | None: ...


class Window:
    """The unread part of a stream.

    `data` holds what was read and not yet dropped, `at` the reader's place in it. Only `more` changes
    where `data` begins: places in it are good until then, and afterwards relative to `at`, now 0.
    """

    def __init__(
        self, stream: Readable, advance: Callable[[int], None] | None = None, chunk: int = CHUNK
    ) -> None:
        self.data = bytearray()
        self.at = 0
        self.ended = False
        self._stream = stream
        self._advance = advance
        self._chunk = chunk
        self._dropped = 0
        self._counted = 0
        self._lines = 1

    def more(self) -> bool:
        """Drop what lies before `at` and read on; False when the stream has ended.

        Reads at least as much as is unread, so that looking again after each `more` costs linear time.
        """
        self.line()
        self._dropped += self.at
        del self.data[: self.at]
        self.at = 0
        chunk = b"" if self.ended else self._stream.read(max(self._chunk, len(self.data))) or b""
        self.ended = not chunk
        self.data += chunk
        if self._advance and chunk:
            self._advance(len(chunk))
        return not self.ended

    def has(self, count: int) -> bool:
        """Whether `count` bytes from `at` on exist; reads them."""
        while len(self.data) - self.at < count:
            if not self.more():
                return False
        return True

    def take(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end, and step over them."""
        self.has(count)
        taken = bytes(memoryview(self.data)[self.at : self.at + count])
        self.at += len(taken)
        return taken

    def offset(self, at: int | None = None) -> int:
        """The place in the stream, in bytes, of a place in `data` (of `at` by default)."""
        return self._dropped + (self.at if at is None else at)

    def line(self, at: int | None = None) -> int:
        """The line, from 1, of a place in `data` (of `at` by default)."""
        place, counted = self.offset(at), self._counted
        low, high = sorted((place - self._dropped, counted - self._dropped))
        lines = self.data.count(b"\n", low, high)
        self._lines += lines if place > counted else -lines
        self._counted = place  # counts on from here: asking for each entry costs no more than reading
        return self._lines

    def place(self, at: int | None = None) -> str:
        """`line 3, byte 120`, for a message about text."""
        return f"line {self.line(at)}, byte {self.offset(at)}"
