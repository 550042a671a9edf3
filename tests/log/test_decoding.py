"""Compressed files: known by their bytes, read frame by frame, damage told with its place."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from zstandard import ZstdCompressor

from taskaudit.log.decoding import Broken, coding_of, decoded, same_text

TEXT = b"".join(b'{"n": %d}\n' % number for number in Random(7).choices(range(10**9), k=20_000))
HALVES = TEXT[:100_000], TEXT[100_000:]


def zstd(text: bytes) -> bytes:
    return ZstdCompressor(write_checksum=True).compress(text)


def read(data: bytes) -> tuple[bytes, list[Broken]]:
    file = BytesIO(data)
    coding = coding_of(file)
    assert coding is not None
    chunks = list(decoded(file, coding))
    text = b"".join(chunk for chunk in chunks if isinstance(chunk, bytes))
    return text, [chunk for chunk in chunks if isinstance(chunk, Broken)]


@pytest.mark.parametrize("pack", [zstd, gzip.compress])
def test_all_frames_are_read(pack: object) -> None:
    assert callable(pack)
    assert read(pack(TEXT)) == (TEXT, [])
    assert read(b"".join(map(pack, HALVES))) == (TEXT, [])


@pytest.mark.parametrize("pack", [zstd, gzip.compress])
@pytest.mark.parametrize("cut", [1, 7, 30_000])
def test_what_was_cut_short_is_read_as_far_as_it_goes(pack: object, cut: int) -> None:
    assert callable(pack)
    data = pack(HALVES[0]) + pack(HALVES[1])[:-cut]
    text, (broken,) = read(data)
    assert text.startswith(HALVES[0])
    assert TEXT.startswith(text)
    assert broken.at == len(data)
    assert "ends early" in broken.reason


def test_a_frame_behind_damage_is_read() -> None:
    first, second = map(zstd, HALVES)
    damaged = bytearray(first)
    damaged[len(first) // 2] ^= 0xFF
    damaged[-1] ^= 0xFF
    text, broken = read(bytes(damaged) + second)
    assert text.endswith(HALVES[1])
    assert broken
    assert broken[0].at < len(first)


def test_damage_to_the_end() -> None:
    text, broken = read(zstd(HALVES[0]) + b"\x28\xb5\x2f\xfd" + b"\xff" * 200_000)
    assert text == HALVES[0]
    assert broken


def test_text_is_not_compressed() -> None:
    file = BytesIO(TEXT)
    assert coding_of(file) is None
    assert file.read() == TEXT


@pytest.mark.parametrize(
    ("packed", "same"),
    [
        (zstd(HALVES[0]) + zstd(HALVES[1]), True),
        (zstd(TEXT[:-1]), False),
        (zstd(TEXT + b"\n"), False),
        (zstd(TEXT.swapcase()), False),
        (zstd(TEXT)[:-5], False),
        (b"", False),
    ],
)
def test_the_same_text(tmp_path: Path, packed: bytes, same: bool) -> None:
    (tmp_path / "plain").write_bytes(TEXT)
    (tmp_path / "packed").write_bytes(packed)
    assert same_text(tmp_path / "plain", tmp_path / "packed") is same
