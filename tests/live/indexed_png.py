"""PNG with a palette (RFC 2083): what a screenshot of text needs, and a third of the size."""

from __future__ import annotations

import struct
import zlib
from itertools import chain

_MOST = 256
_STEPS = (1, 2, 4, 8, 16, 32, 64)
"""How far apart the values of a colour are: the least that leaves few enough colours is taken."""


def indexed(width: int, height: int, rgba: bytes) -> bytes:
    """The PNG of a picture, given as red, green, blue and alpha of each pixel; alpha is left out."""
    colours: dict[tuple[int, int, int], int] = {}
    for step in _STEPS:
        coarse = rgba.translate(bytes(min(255, round(value / step) * step) for value in range(256)))
        pixels = list(zip(coarse[0::4], coarse[1::4], coarse[2::4], strict=True))
        colours = {colour: number for number, colour in enumerate(dict.fromkeys(pixels))}
        if len(colours) <= _MOST:
            break
    numbers = bytes(map(colours.__getitem__, pixels))
    rows = b"".join(b"\0" + numbers[start : start + width] for start in range(0, width * height, width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(chain.from_iterable(colours))),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
