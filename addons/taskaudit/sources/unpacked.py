"""Captures that are compressed, or in UTF-16: windows over what they hold, in flat memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from taskaudit.sources.captured import Damage
from taskaudit.sources.window import CHUNK, Window

if TYPE_CHECKING:
    from taskaudit.log.decoding import Coding

PIECE = 1024
"""Compressed bytes undone at once: what they can expand to has to fit into memory."""
MOST_EXPANDED, MOST_TIMES = 256 * 1024 * 1024, 300
"""What expands to more bytes than this, and to more than so many times its size, is a bomb and no capture."""

A_BOMB = f"expected a capture, found data that expands to {MOST_TIMES} times its size; reading stops there"
_HEAD = 1024
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def unpacked(window: Window) -> tuple[Window, list[Damage]]:
    """A window over what is compressed or in UTF-16, both undone; the damage that shows while it is read."""
    damages: list[Damage] = []
    window.has(_HEAD)
    if coding := _coding(window):
        window = Window(_Chunks(_expanded(window, coding, damages)))
        window.has(2)
    if charset := _UTF_16.get(bytes(window.data[window.at : window.at + 2])):
        window.at += 2
        window = Window(_Chunks(_as_utf_8(window, charset)))
    return window, damages


def _coding(window: Window) -> Coding | None:
    head = bytes(window.data[window.at : window.at + _HEAD])
    if not head.startswith((b"\x1f\x8b", b"\x28\xb5", *_ZLIB)):
        return None
    # Only here, since most captures are not compressed.
    from taskaudit.log.decoding import CODINGS, Coding

    if head.startswith(_ZLIB) and _inflates(head):
        return Coding("zlib", head[:2], zlib.decompressobj, lambda: zlib.error)
    return next((coding for coding in CODINGS if head.startswith(coding.magic)), None)


def _inflates(head: bytes) -> bool:
    """Two bytes are not enough to tell: a text may begin with `x^`."""
    try:
        zlib.decompressobj().decompress(head)
    except zlib.error:
        return False
    return True


class _Chunks:
    """Chunks as a stream. A read gives somewhat more than was asked for, and less only at the end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int, /) -> bytes:
        data = bytearray()
        while len(data) < size and (chunk := next(self._chunks, None)) is not None:
            data += chunk
        return bytes(data)


class _Packed:
    """A window as `decoded` reads it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def read(self, size: int, /) -> bytes:
        return self._window.take(size)

    def tell(self) -> int:
        return self._window.offset()


def _expanded(window: Window, coding: Coding, damages: list[Damage]) -> Iterator[bytes]:
    from taskaudit.log.decoding import Broken, decoded

    total = 0
    for chunk in decoded(_Packed(window), coding, PIECE):
        if isinstance(chunk, Broken):
            damages.append(Damage(f"byte {chunk.at}", f"the compressed data is damaged: {chunk.reason}"))
            continue
        total += len(chunk)
        if total > MOST_EXPANDED and total > MOST_TIMES * window.offset():
            damages.append(Damage(f"byte {window.offset()}", A_BOMB))
            return
        yield chunk


def _as_utf_8(window: Window, charset: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(charset)("replace")
    while piece := window.take(CHUNK):
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()
