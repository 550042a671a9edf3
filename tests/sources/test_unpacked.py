"""Captures that are compressed, or in UTF-16."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.sources import unpacked as under_test
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import read
from taskaudit.sources.unpacked import unpacked
from taskaudit.sources.window import Window

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zlib, fast": lambda data: zlib.compress(data, 1),
    "zstd": lambda data: zstandard.compress(data),
}
ENTRY = (
    b'{"startedDateTime": "2026-03-02T09:00:00Z", "request": {"method": "POST", "url": "https://a/b"},'
    b' "response": {"status": 200, "content": {"text": "{\\"job_id\\": \\"%04d\\"}"}}}'
)
HAR = b'{"log": {"version": "1.2", "entries": [%s]}}' % b",\n".join(ENTRY % n for n in range(2000))


def text_of(data: bytes, chunk: int = 4096) -> tuple[bytes, list[Damage]]:
    window, damages = unpacked(Window(io.BytesIO(data), chunk=chunk))
    return window.take(1 << 30), damages


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("data", [b"", b"{}", HAR, HAR.decode().encode("utf-16")])
@pytest.mark.parametrize("chunk", [1, 4096])
def test_what_is_compressed_is_read(coding: str, data: bytes, chunk: int) -> None:
    text = data.decode("utf-16").encode() if data.startswith(b"\xff\xfe") else data
    assert text_of(CODINGS[coding](data), chunk) == (text, [])


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("chunk", [1, 4096])
def test_utf_16_with_a_mark(charset: str, chunk: int) -> None:
    text = '{"job_id": "任务 \U0001f600"}'
    assert text_of(f"\ufeff{text}".encode(charset), chunk) == (text.encode(), [])


@pytest.mark.parametrize("data", [b"", b"{}", b"x^2 + y^2", b"\x1f\x8b", b"(\xb5/", b"HTTP/1.1 200 OK"])
def test_what_is_neither_is_left_alone(data: bytes) -> None:
    assert text_of(data) == (data, [])


def test_frames_one_after_the_other_and_padding() -> None:
    assert text_of(gzip.compress(b"{}") + gzip.compress(b"[]") + bytes(5000)) == (b"{}[]", [])


@pytest.mark.parametrize("coding", ["gzip", "zlib", "zstd"])
def test_what_comes_before_the_end_of_a_cut_file_is_read(coding: str) -> None:
    packed = CODINGS[coding](HAR)
    found = list(read(io.BytesIO(packed[: len(packed) * 3 // 4])))
    assert sum(isinstance(each, Captured) for each in found) > 500
    assert isinstance(found[-1], Damage)
    assert found[-1].message.startswith("the compressed data is damaged: ")


def test_what_comes_before_damage_is_read_to_the_byte() -> None:
    packed = bytearray(gzip.compress(HAR))
    middle = len(packed) // 2
    packed[middle : middle + 64] = b"\xff" * 64
    text, damages = text_of(bytes(packed))
    assert len(text) > len(HAR) // 4
    assert HAR.startswith(text[: len(HAR) // 4])
    assert middle <= int(damages[0].where.removeprefix("byte ")) <= len(packed)


def test_a_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MOST_EXPANDED", 1 << 20)
    text, damages = text_of(gzip.compress(b"{" + b" " * (8 << 20)))
    assert len(text) <= 2 << 20
    assert "expands to 300 times its size" in damages[0].message


def test_a_large_capture_takes_little_memory() -> None:
    window, _ = unpacked(Window(io.BytesIO(gzip.compress(b'{"a": 1}\n' * 4_000_000, 1))))
    most = read_bytes = 0
    while piece := window.take(65_536):
        read_bytes += len(piece)
        most = max(most, len(window.data))
    assert read_bytes == 36_000_000
    assert most < 4_000_000


@given(st.binary(max_size=400))
@pytest.mark.parametrize(
    "start", [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\xff\xfe", b"\xfe\xff"]
)
def test_never_raises(start: bytes, data: bytes) -> None:
    text_of(start + data)
