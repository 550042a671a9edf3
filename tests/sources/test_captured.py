"""Times and excerpts of what was captured."""

from __future__ import annotations

import math

import pytest

from taskaudit.sources.captured import excerpt, moment


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (0, True),
        (0.5, True),
        (1_790_000_000.25, True),
        (253_402_300_799, True),
        (253_402_300_799.9, False),
        (253_402_300_800, False),
        (-1, False),
        (math.nan, False),
        (math.inf, False),
        (None, False),
    ],
)
def test_times_that_a_clock_shows(seconds: float | None, kept: bool) -> None:
    assert moment(seconds) == (seconds if kept else None)


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b"", "the end of the file"), (b"{", "b'{'"), (b"\x1b[31m", r"b'\x1b'"), (b"secret", "b's'")],
)
def test_an_excerpt_shows_one_byte(data: bytes, shown: str) -> None:
    assert excerpt(data) == excerpt(bytearray(data)) == shown
