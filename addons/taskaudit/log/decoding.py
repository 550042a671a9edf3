"""Compressed files as chunks of text. What they are is told by their first bytes, not by their names."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

_CHUNK = 64 * 1024


class Source(Protocol):
    """What compressed data is read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""

    def tell(self) -> int:
        """The offset of what is read next."""


class Broken(NamedTuple):
    """The compressed data is damaged, or ends early. `at`: the offset in the compressed file."""

    at: int
    reason: str


class Coding(NamedTuple):
    """A format of compression: its name, its first bytes, and how to undo it."""

    name: str
    magic: bytes
    new: Callable[[], Any]
    error: Callable[[], type[Exception]]


def _new_zstd() -> Any:
    # Here, because most logs are not compressed.
    from zstandard import ZstdDecompressor

    return ZstdDecompressor().decompressobj()


def _zstd_error() -> type[Exception]:
    from zstandard import ZstdError

    return ZstdError


CODINGS = (
    Coding("zstd", b"\x28\xb5\x2f\xfd", _new_zstd, _zstd_error),
    Coding("gzip", b"\x1f\x8b\x08", lambda: zlib.decompressobj(31), lambda: zlib.error),
)


def coding_of(file: BinaryIO) -> Coding | None:
    """How a file is compressed, or None; it stands at its start afterwards."""
    head = file.read(4)
    file.seek(0)
    return next((coding for coding in CODINGS if head.startswith(coding.magic)), None)


def decoded(file: Source, coding: Coding, piece: int = _CHUNK) -> Iterator[bytes | Broken]:
    """The text in chunks, frame after frame; behind damage the next frame that can be read.

    `piece` is how many bytes are undone at once: deflate makes 1032 times as much of them at most.
    """
    error, frame, pending = coding.error(), None, b""
    while True:
        if not pending:
            pending = file.read(piece)
            if not pending:
                break
        if frame is None and not pending.strip(b"\0"):
            pending = b""  # What pads a file to a block.
            continue
        frame = frame or coding.new()
        before = frame.copy() if hasattr(frame, "copy") else None
        try:
            yield frame.decompress(pending)
        except error as failed:
            good = yield from _up_to_damage(before, pending, error)
            yield Broken(file.tell() - len(pending) + good, _reason(failed))
            frame, pending = None, _from_next_frame(file, pending, coding.magic)
        else:
            pending = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        yield Broken(file.tell(), f"the {coding.name} data ends early")


def _up_to_damage(frame: Any, pending: bytes, error: type[Exception]) -> Generator[bytes, None, int]:
    """What a piece gives before the byte that cannot be undone; gives back where that is.

    `frame` is None where that cannot be had.
    """
    at = 0
    with suppress(error):
        while frame and at < len(pending):
            yield frame.decompress(pending[at : at + 1])
            at += 1
    return at


def _reason(error: Exception) -> str:
    """`invalid block type`, without the number that zlib puts before it."""
    return str(error).rpartition("while decompressing data: ")[2]


def same_text(plain: Path, packed: Path) -> bool:
    """Whether a compressed file holds exactly what a plain one does. Raises OSError."""
    with plain.open("rb") as text, packed.open("rb") as file:
        coding = coding_of(file)
        if coding is None:
            return False
        for chunk in decoded(file, coding):
            if isinstance(chunk, Broken) or text.read(len(chunk)) != chunk:
                return False
        return not text.read(1)


def _from_next_frame(file: Source, pending: bytes, magic: bytes) -> bytes:
    """The rest from where another frame may begin; what it began with itself is passed over."""
    while True:
        found = pending.find(magic, 1)
        if found >= 0:
            return pending[found:]
        more = file.read(_CHUNK)
        if not more:
            return b""
        pending = pending[-len(magic) :] + more
