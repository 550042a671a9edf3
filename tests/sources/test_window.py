"""The window over a stream."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from taskaudit.sources.window import Window


@given(st.binary(max_size=200), st.lists(st.integers(1, 30), max_size=20), st.integers(1, 40))
def test_gives_every_byte_once_and_knows_where(data: bytes, counts: list[int], chunk: int) -> None:
    window = Window(io.BytesIO(data), chunk=chunk)
    at = 0
    for count in counts:
        assert window.take(count) == data[at : at + count]
        at = min(at + count, len(data))
        assert window.offset() == at
        assert window.line() == 1 + data.count(b"\n", 0, at)
        assert window.line(0) == 1 + data.count(b"\n", 0, window.offset(0))
