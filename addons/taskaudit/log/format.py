"""How a file of the log starts, and what is said of one that does not, or is damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from taskaudit.times import seconds_of

# How every file starts, digits as zeros.
_HEAD = b'{"timestamp":"0000-00-00T00:00:00.000000Z","event_type":"session"'
_TIME = slice(14, 41)
_DIGIT = re.compile(rb"[0-9]")

HEAD_SIZE = 64 * 1024
"""How many bytes tell whether a file is ours: its first line is shorter."""


class LogError(Exception):
    """The log cannot be used; the message names the file and says why."""


class Damaged(NamedTuple):
    """A line of a log that is no record. `line` counts from 1."""

    path: Path
    line: int
    reason: str


def is_ours(head: bytes) -> bool:
    """Whether a file that starts like this is a log: its first line is a session record, perhaps cut.

    Where another tool has written it anew, with blanks or in another order, that line has to be whole.
    """
    return _HEAD.startswith(_DIGIT.sub(b"0", head[: len(_HEAD)])) or _rewritten(head) is not None


def is_session(head: bytes) -> bool:
    """As `is_ours`, where so much of the first line is there that it can be nothing else."""
    return len(head) >= len(_HEAD) and is_ours(head)


def begun(head: bytes) -> float | None:
    """When the first record of a file was written, in seconds since the epoch; None where it is not whole."""
    if not is_session(head):
        return None
    try:
        return seconds_of(_rewritten(head) or head[_TIME].decode("ascii"))
    except ValueError:
        return None


def _rewritten(head: bytes) -> str | None:
    """The time of a first line that is whole, whatever tool has written it."""
    line = head.partition(b"\n")[0]
    if b'"session"' not in line:
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("event_type") != "session":
        return None
    time, is_whole = record.get("timestamp"), isinstance(record.get("session"), dict)
    return time if is_whole and isinstance(time, str) else None
