"""Undoing Content-Encoding (RFC 9110 §8.4) at a bounded cost.

Every decoder is fed slices so small that what one slice can expand to is bounded (by about 1 MiB), and the
output is counted after each: a bomb is given up as soon as it passes the limit.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, Protocol

import brotli  # type: ignore[import-untyped]  # it ships no types
import zstandard

MOST_CODINGS = 5

_NOT_SUPPORTED = frozenset(
    {
        "aws-chunked",
        "bzip2",
        "compress",
        "dcb",
        "dcz",
        "exi",
        "lz4",
        "lzma",
        "pack200-gzip",
        "snappy",
        "utf-8",
        "x-compress",
        "xz",
    }
)
_ZEROS = re.compile(rb"\0*")

# RFC 9659: no encoder may ask for more in HTTP; without a bound a header of 6 bytes can ask for 2 GiB.
_ZSTD_WINDOW = 8 * 1024 * 1024
# An inner coding may be longer than what it holds: what does not compress grows a little.
_INNER_ROOM = 64 * 1024
_PIECE = 64 * 1024


class Undecodable(ValueError):
    """The Content-Encoding cannot be undone; `found` says why, fit for a finding."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


class _Stream(Protocol):
    """What `zlib.decompressobj` and its like have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Brotli:
    """brotli's decompressor in the shape of zlib's; of trailing data it only tells that there is some."""

    unused_data = b""

    def __init__(self) -> None:
        self._stream: Any = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, /) -> bytes:
        if self.eof:
            raise brotli.error("data after the end")
        return bytes(self._stream.process(data, output_buffer_limit=_PIECE))

    def more(self) -> bytes:
        """Output held back by the buffer limit; empty when there is no more for the input so far."""
        if self._stream.can_accept_more_data():
            return b""
        return bytes(self._stream.process(b"", output_buffer_limit=_PIECE))


class _Coding(NamedTuple):
    start: Callable[[bytes], _Stream]
    """Gives a decoder; it is shown the data, for `deflate` has two formats."""
    slice: int
    """How many bytes are fed at once."""
    repeats: bool
    """Whether one body may hold several members or frames one after the other."""
    failures: tuple[type[Exception], ...]


def _inflate(body: bytes) -> _Stream:
    """The zlib format as RFC 9110 §8.4.1.2 wants it, or the raw one that some servers send for it."""
    zlib_header = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)


def _gunzip(_: bytes) -> _Stream:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _unzstd(_: bytes) -> _Stream:
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


# Slices: deflate expands 1032 times at most; 4 bytes of zstd are at most a block of 128 KiB.
_GZIP = _Coding(_gunzip, 1024, True, (zlib.error,))
_CODINGS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,  # RFC 9110 §8.4.1.3: the same
    "deflate": _Coding(_inflate, 1024, False, (zlib.error,)),
    "br": _Coding(lambda _: _Brotli(), 4096, False, (brotli.error,)),
    "zstd": _Coding(_unzstd, 32, True, (zstandard.ZstdError,)),
}


def undo(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The body without the codings that a Content-Encoding header lists (RFC 9110 §8.4).

    `limit` is in bytes and holds for what is decoded: a body that was never encoded comes back as it is,
    however long, and so does an empty one. Raises `Undecodable` for unknown codings, corrupt or cut short
    data, and for what expands beyond the limit; memory stays within a few MiB of the limit.
    """
    if not body:
        return body
    names = _names(content_encoding)
    for left, name in reversed(list(enumerate(names))):
        bound = limit + _INNER_ROOM if left else limit
        body = _undo_one(body, name, bound)
    return body


def _names(content_encoding: str) -> list[str]:
    """The codings to undo, in the order they were applied."""
    # RFC 9110 §5.6.1.2: empty list elements do not count.
    listed = [name for part in content_encoding.split(",") if (name := part.strip(" \t"))]
    if len(listed) > MOST_CODINGS:
        raise Undecodable(f"Content-Encoding of {len(listed)} codings (more than {MOST_CODINGS})")
    for name in listed:
        if name.lower() not in _CODINGS and name.lower() != "identity":
            raise Undecodable(f"Content-Encoding {_shown(name)} (unknown)")
    return [name.lower() for name in listed if name.lower() != "identity"]


def _shown(name: str) -> str:
    """Headers are not recorded: a name is only shown where it is one that codings are known to have."""
    return f'"{name.lower()}"' if name.lower() in _NOT_SUPPORTED else "of another name"


def _undo_one(body: bytes, name: str, limit: int) -> bytes:
    coding = _CODINGS[name]
    decoded = bytearray()
    try:
        for piece in _pieces(body, name, coding):
            decoded += piece
            if len(decoded) > limit:
                raise Undecodable(f"more than {limit} bytes decoded")
    except coding.failures as error:
        if "memory" in str(error):
            raise Undecodable(f"{name} data with a window of more than {_ZSTD_WINDOW} bytes") from error
        raise Undecodable(f"{name} data that is corrupt") from error
    return bytes(decoded)


def _pieces(body: bytes, name: str, coding: _Coding) -> Iterator[bytes]:
    """The decoded body in pieces of bounded size, member after member."""
    position = 0
    while position < len(body):
        stream = coding.start(body)
        position = yield from _member(stream, body, position, coding.slice)
        if not stream.eof:
            raise Undecodable(f"{name} data cut short")
        padding = _ZEROS.match(body, position)
        position = padding.end() if padding else position
        if position < len(body) and not coding.repeats:
            raise Undecodable(f"{name} data that is corrupt")


def _member(stream: _Stream, body: bytes, position: int, step: int) -> Generator[bytes, None, int]:
    """Decodes from `position` to the end of one member; returns where it ends."""
    while position < len(body) and not stream.eof:
        piece = body[position : position + step]
        position += len(piece)
        yield stream.decompress(piece)
        if isinstance(stream, _Brotli):
            while more := stream.more():
                yield more
    return position - len(stream.unused_data)
