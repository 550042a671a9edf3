"""How a file of the log starts, and what is said of one that does not, or is damaged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from taskaudit.times import seconds_of

# How every file starts, digits as zeros.
_HEAD = b'{"timestamp":"0000-00-00T00:00:00.000000Z","event_type":"session"'
_TIME = slice(14, 41)
_DIGIT = re.compile(rb"[0-9]")

HEAD_SIZE = len(_HEAD)
"""How many bytes tell whether a file is ours."""


class LogError(Exception):
    """The log cannot be used; the message names the file and says why."""


class Damaged(NamedTuple):
    """A line of a log that is no record. `line` counts from 1."""

    path: Path
    line: int
    reason: str


def is_ours(head: bytes) -> bool:
    """Whether a file that starts like this is a log: its first line is a session record, perhaps cut."""
    return _HEAD.startswith(_DIGIT.sub(b"0", head[:HEAD_SIZE]))


def begun(head: bytes) -> float | None:
    """When the first record of a file was written, in seconds since the epoch; None where it is not whole."""
    if len(head) < HEAD_SIZE or not is_ours(head):
        return None
    try:
        return seconds_of(head[_TIME].decode("ascii"))
    except ValueError:
        return None
