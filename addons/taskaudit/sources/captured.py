"""What reading a capture gives: exchanges, and the places where it could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from taskaudit.exchange import Exchange
from taskaudit.times import is_time


class Captured(msgspec.Struct, frozen=True):
    """An exchange and its 0-based place in its source, counting what is not HTTP or was damaged.

    `member` is the name of the file in an archive; its exchanges are counted by themselves.
    """

    index: int
    exchange: Exchange
    member: str = ""


class Damage(msgspec.Struct, frozen=True):
    """A place that could not be read: data, never an exception.

    `where` names line and byte (counted from 1 and 0), or the path; `message` says what was expected and
    what was found; `index` is the place in the source, where the damage lies in one exchange.
    """

    where: str
    message: str
    index: int | None = None
    member: str = ""


class Skipped(msgspec.Struct, frozen=True):
    """A file that was met in a folder or an archive and is no capture; `message` says what it is."""

    message: str
    member: str = ""


type Reading = Iterator[Captured | Damage | Skipped]

type PassesBy = Callable[[str, str, str], bool]
"""Whether an exchange is passed by, by its method, path and query: it is sound, and counts, but is not given.

Each sound exchange is asked about once.
"""


def nothing(method: str, path: str, query: str) -> bool:
    """Passes by nothing."""
    return False


def moment(seconds: float | None) -> float | None:
    """A time as it was captured, None for one that no clock shows (before 1970, after 9999, not a number)."""
    return seconds if seconds is not None and is_time(seconds) else None


def excerpt(data: bytes | bytearray) -> str:
    """The first of some bytes, escaped, for a message: `b'{'`; `the end of the file` when there is none.

    Never more than one: what is damaged may be a header or a body with a secret in it.
    """
    return repr(bytes(data[:1])) if data else "the end of the file"
