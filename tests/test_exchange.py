"""Ids that depend on what they are made of alone, and times as they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.exchange import Exchange, rfc3339, stable_id


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (0.5, "1970-01-01T00:00:00.500000Z"),
        (946681200.000001, "1999-12-31T23:00:00.000001Z"),
        (1790000000.25, "2026-09-21T14:13:20.250000Z"),
        (253402300799, "9999-12-31T23:59:59.000000Z"),
    ],
)
def test_times_are_in_utc_with_microseconds(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


def test_an_id_is_the_same_in_every_process() -> None:
    assert stable_id("flow", 1.5, None) == "16b1d939256129a6a3a6081287166c2e"


@given(st.lists(st.text() | st.floats() | st.none(), max_size=4))
def test_any_parts_make_32_hex_digits(parts: list[object]) -> None:
    assert len(bytes.fromhex(stable_id(*parts))) == 16


def test_parts_do_not_run_into_each_other() -> None:
    assert len({stable_id("ab", "c"), stable_id("a", "bc"), stable_id("abc"), stable_id("abc", "")}) == 4


def test_a_lone_surrogate_harms_no_id() -> None:
    assert stable_id("\ud800") != stable_id("\ud801")


@pytest.mark.parametrize(
    ("started", "ended", "at"), [(1.0, 2.0, 2.0), (1.0, None, 1.0), (None, 2.0, 2.0), (None, None, 0.0)]
)
def test_the_time_of_an_exchange(started: float | None, ended: float | None, at: float) -> None:
    assert Exchange("id", None, started=started, ended=ended).at == at


@given(st.floats(-6e10, 2.5e11))
def test_times_are_written_as_datetime_writes_them(seconds: float) -> None:
    plain = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    assert rfc3339(seconds) == plain.replace("+00:00", "Z")
