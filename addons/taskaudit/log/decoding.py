"""Compressed files as chunks of text. What they are is told by their first bytes, not by their names."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

_CHUNK = 64 * 1024


class Broken(NamedTuple):
    """The compressed data is damaged, or ends early. `at`: the offset in the compressed file."""

    at: int
    reason: str


class _Coding(NamedTuple):
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


_CODINGS = (
    _Coding("zstd", b"\x28\xb5\x2f\xfd", _new_zstd, _zstd_error),
    _Coding("gzip", b"\x1f\x8b\x08", lambda: zlib.decompressobj(31), lambda: zlib.error),
)


def coding_of(file: BinaryIO) -> _Coding | None:
    """How a file is compressed, or None; it stands at its start afterwards."""
    head = file.read(4)
    file.seek(0)
    return next((coding for coding in _CODINGS if head.startswith(coding.magic)), None)


def decoded(file: BinaryIO, coding: _Coding) -> Iterator[bytes | Broken]:
    """The text in chunks, frame after frame; behind damage the next frame that can be read."""
    error, frame, pending = coding.error(), None, b""
    while True:
        if not pending:
            pending = file.read(_CHUNK)
            if not pending:
                break
        frame = frame or coding.new()
        try:
            yield frame.decompress(pending)
        except error as failed:
            yield Broken(file.tell() - len(pending), str(failed))
            frame, pending = None, _from_next_frame(file, pending, coding.magic)
        else:
            pending = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        yield Broken(file.tell(), f"the {coding.name} data ends early")


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


def _from_next_frame(file: BinaryIO, pending: bytes, magic: bytes) -> bytes:
    """The rest from where another frame may begin; what it began with itself is passed over."""
    while True:
        found = pending.find(magic, 1)
        if found >= 0:
            return pending[found:]
        more = file.read(_CHUNK)
        if not more:
            return b""
        pending = pending[-len(magic) :] + more
