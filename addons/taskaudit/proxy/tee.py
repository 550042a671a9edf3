"""A copy of a streamed body, up to a limit, that never disturbs the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Modifier = Callable[[bytes], bytes | Iterable[bytes]]


class Tee:
    """What mitmproxy calls with each chunk of a streamed body, and with b"" at its end.

    mitmproxy crashes the connection when the callable raises, so this one cannot: it keeps bytes in a list
    and hands on what it was given, or what the callable that was there before makes of it.
    """

    def __init__(self, limit: int, before: Modifier | None = None) -> None:
        self._room = limit + 1
        self._chunks: list[bytes] = []
        self._before = before

    def __call__(self, chunk: bytes) -> bytes | Iterable[bytes]:
        if self._room > 0:
            kept = chunk[: self._room]
            self._chunks.append(kept)
            self._room -= len(kept)
        return chunk if self._before is None else self._before(chunk)

    @property
    def body(self) -> bytes | None:
        """The whole body as the origin sent it, or None where it is over the limit."""
        return b"".join(self._chunks) if self._room > 0 else None
