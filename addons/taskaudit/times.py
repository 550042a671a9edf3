"""Times: seconds since the epoch as they are counted with, RFC 3339 in UTC as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import modf

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(seconds: float) -> datetime:
    """Seconds since the epoch as a time, UTC: as `datetime.fromtimestamp`, which on Windows ends in 3000."""
    return _EPOCH + timedelta(seconds=seconds)


def day_of(seconds: float) -> str:
    """The day of a time in seconds since the epoch, UTC: `2026-12-31`."""
    return rfc3339(seconds)[:10]


def rfc3339(seconds: float) -> str:
    """A time in seconds since the epoch as RFC 3339, UTC, with microseconds."""
    part, whole = modf(seconds)
    micros = round(part * 1e6)  # As `timedelta` rounds.
    if not 0 <= micros < 1_000_000:
        return moment_of(seconds).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"{_second(whole)}.{micros:06}Z"


@lru_cache(maxsize=256)  # A log is full of equal seconds.
def _second(whole: float) -> str:
    return moment_of(whole).isoformat()[:19]


def seconds_of(time: str) -> float:
    """Seconds since the epoch of an RFC 3339 time. Raises ValueError, also for one that no clock shows."""
    at = datetime.fromisoformat(time)
    if at.tzinfo is None:
        raise ValueError(f"a time without its offset from UTC: {time!r}")
    seconds = at.timestamp()
    if not is_time(seconds):
        raise ValueError(f"a time before 1970 or after 9999: {time!r}")
    return seconds


def is_time(seconds: float) -> bool:
    """Whether this is a time that can be written, in seconds since the epoch, from 1970 to 9999."""
    return 0 <= seconds <= _LATEST


# The last whole second: a part of it might be rounded up into the year 10000.
_LATEST = 253_402_300_799
