"""The tee is total: it never raises, and never changes what passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.proxy.tee import Tee


@given(st.lists(st.binary(max_size=20)), st.integers(min_value=0, max_value=60))
def test_what_passes_is_what_came(chunks: list[bytes], limit: int) -> None:
    tee = Tee(limit)
    assert [tee(chunk) for chunk in [*chunks, b""]] == [*chunks, b""]
    whole = b"".join(chunks)
    assert tee.body == (whole if len(whole) <= limit else None)


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [([], True), ([10], True), ([5, 5], True), ([11], False), ([5, 6], False), ([10, 1], False)],
)
def test_the_limit(sizes: list[int], kept: bool) -> None:
    tee = Tee(10)
    for size in sizes:
        tee(b"x" * size)
    assert (tee.body == b"x" * sum(sizes)) is kept


def test_memory_is_bounded() -> None:
    tee = Tee(10)
    for _ in range(1000):
        tee(b"x" * 1000)
    assert sum(map(len, tee._chunks)) == 11


def test_what_was_there_before_still_changes_the_stream() -> None:
    tee = Tee(100, lambda chunk: [chunk.upper(), b"!"])
    assert tee(b"abc") == [b"ABC", b"!"]
    assert tee.body == b"abc"
