"""Content-Encoding is undone, and at a bounded cost."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.coding import Undecodable, undo

LIMIT = 1024 * 1024
BODY = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


def name_of_case(value: object) -> str:
    """Bodies are left out of the names of test cases: in gzip's there is the time."""
    return ascii(value) if isinstance(value, str) else "body"


def encoded(data: bytes, *names: str) -> bytes:
    for name in names:
        data = ENCODERS[name](data)
    return data


@given(st.binary(max_size=5000), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=5))
def test_undoing_gives_back_what_was_encoded(data: bytes, names: list[str]) -> None:
    assert undo(encoded(data, *names), ", ".join(names), LIMIT) == data


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("", BODY),
        ("identity", BODY),
        ("x-gzip", gzip.compress(BODY)),
        (" GZip ", gzip.compress(BODY)),
        ("gzip,", gzip.compress(BODY)),
        ("gzip,\tBR", encoded(BODY, "gzip", "br")),
        ("deflate", raw_deflate(BODY)),
        ("gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
        ("gzip", gzip.compress(BODY[:9]) + bytes(7) + gzip.compress(BODY[9:])),
        ("gzip", gzip.compress(BODY) + bytes(512)),
        ("zstd", zstandard.compress(BODY[:9]) + zstandard.compress(BODY[9:])),
    ],
    ids=name_of_case,
)
def test_what_occurs_in_practice_is_read(header: str, body: bytes) -> None:
    assert undo(body, header, LIMIT) == BODY


@pytest.mark.parametrize("header", ["gzip", "deflate", "br", "zstd", "gzip, br", "snappy"])
def test_an_empty_body_stays_empty(header: str) -> None:
    assert undo(b"", header, LIMIT) == b""


@pytest.mark.parametrize(
    ("header", "body", "found"),
    [
        ("snappy", BODY, 'Content-Encoding "snappy" (unknown)'),
        ("gzip, Compress", BODY, 'Content-Encoding "compress" (unknown)'),
        ("secret-token", BODY, "Content-Encoding of another name (unknown)"),
        ("\x1b[31mred", BODY, "Content-Encoding of another name (unknown)"),
        ("gzip br", BODY, "Content-Encoding of another name (unknown)"),
        (", ".join(["gzip"] * 6), BODY, "Content-Encoding of 6 codings (more than 5)"),
        ("gzip", BODY, "gzip data that is corrupt"),
        ("gzip", gzip.compress(BODY) + b"trailing", "gzip data that is corrupt"),
        ("gzip", gzip.compress(BODY)[:-8] + bytes(8), "gzip data that is corrupt"),
        ("deflate", BODY, "deflate data that is corrupt"),
        ("deflate", zlib.compress(BODY) * 2, "deflate data that is corrupt"),
        ("br", b"\xff" * 64, "br data that is corrupt"),
        ("br", brotli.compress(BODY) + b"trailing", "br data that is corrupt"),
        ("zstd", BODY, "zstd data that is corrupt"),
        ("gzip", gzip.compress(BODY)[:-1], "gzip data cut short"),
        ("deflate", zlib.compress(BODY)[:-1], "deflate data cut short"),
        ("br", brotli.compress(BODY)[:-1], "br data cut short"),
        ("zstd", zstandard.compress(BODY)[:-1], "zstd data cut short"),
    ],
    ids=name_of_case,
)
def test_what_cannot_be_undone_says_why(header: str, body: bytes, found: str) -> None:
    with pytest.raises(Undecodable) as raised:
        undo(body, header, LIMIT)
    assert raised.value.found == str(raised.value) == found


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_body_cut_short_anywhere_is_told(name: str) -> None:
    whole = ENCODERS[name](BODY * 3)
    for length in range(1, len(whole)):
        with pytest.raises(Undecodable, match="cut short"):
            undo(whole[:length], name, LIMIT)


def test_a_zstd_frame_may_not_ask_for_any_amount_of_memory() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(Undecodable, match="window of more than 8388608 bytes"):
        undo(stream.compress(BODY) + stream.flush(), "zstd", LIMIT)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_the_limit_is_met_to_the_byte(name: str) -> None:
    body = ENCODERS[name](bytes(1000))
    assert undo(body, name, 1000) == bytes(1000)
    with pytest.raises(Undecodable, match="more than 999 bytes decoded"):
        undo(body, name, 999)


def bomb(name: str, size: int) -> bytes:
    """Zeros, `size` MiB of them, encoded without ever holding them."""
    if name == "br":
        stream = brotli.Compressor(quality=5)
        return b"".join(stream.process(bytes(1 << 20)) for _ in range(size)) + bytes(stream.finish())
    encoders: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.compressobj(wbits=16 + zlib.MAX_WBITS),
        "deflate": zlib.compressobj,
        "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
    }
    encoder = encoders[name]()
    return b"".join(encoder.compress(bytes(1 << 20)) for _ in range(size)) + bytes(encoder.flush())


# Made in the test: collecting tests is to take no second.
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: bomb("gzip", 300),
    "deflate": lambda: bomb("deflate", 30),
    "br": lambda: bomb("br", 60),
    "zstd": lambda: bomb("zstd", 60),
    "gzip, gzip": lambda: gzip.compress(bomb("gzip", 300)),
    "br, gzip": lambda: gzip.compress(bomb("br", 60)),
    "gzip, br, zstd": lambda: zstandard.compress(brotli.compress(bomb("gzip", 30))),
}


@pytest.mark.slow
@pytest.mark.parametrize("header", BOMBS)
def test_a_bomb_goes_off_in_a_bounded_room(header: str) -> None:
    body = BOMBS[header]()
    pausable = hasattr(brotli.Decompressor, "can_accept_more_data")  # brotli 1.2 and newer
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable, match="bytes decoded"):
            undo(body, header, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < (8 if pausable or "br" not in header else 40) * LIMIT
    finally:
        tracemalloc.stop()


@given(st.binary(min_size=1, max_size=200), st.text(max_size=20))
def test_nothing_but_undecodable_is_raised(body: bytes, header: str) -> None:
    for name in (header, "gzip", "deflate", "br", "zstd"):
        with contextlib.suppress(Undecodable):
            undo(body, name, 1000)
