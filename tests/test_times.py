"""Times as they are written, and read again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit import times
from taskaudit.times import day_of, rfc3339, seconds_of


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
    assert (rfc3339(seconds), day_of(seconds)) == (text, text[:10])
    assert seconds_of(text) == seconds


@given(st.floats(-6e10, 2.5e11))
def test_times_are_written_as_datetime_writes_them(seconds: float) -> None:
    plain = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    assert rfc3339(seconds) == plain.replace("+00:00", "Z")


class _OnWindows(datetime):
    """Knows no time before 1970 or after 3000."""

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: object = None) -> _OnWindows:
        raise OSError(22, "Invalid argument")


def test_no_system_has_to_know_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "datetime", _OnWindows)
    assert rfc3339(253402300799.5) == "9999-12-31T23:59:59.500000Z"
    assert rfc3339(-0.5) == "1969-12-31T23:59:59.500000Z"


NO_TIMES = [
    *("", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:00:60Z", "\ud800"),
    *("9999-12-31T23:59:59.999999999-14:00", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00+99:99"),
    *("2026-01-01T00:00:00", "0001-01-01T00:00:00", "2026-01-01"),
]


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_what_is_read_can_be_written(at: datetime) -> None:
    try:
        seconds = seconds_of(at.isoformat())
    except ValueError:
        return
    assert seconds_of(rfc3339(round(seconds, 3))) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        seconds_of(text)
