"""What rotated files are called: `today.20260921T141320Z-001.ndjson`, with `.zst` where it is compressed."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKED = ".zst"
UNFINISHED = ".tmp"


class Stamp(NamedTuple):
    """When a file was rotated away, and its number within that second. Sorts in the order of rotation."""

    time: str
    number: int


class Rotated(NamedTuple):
    """A file that the log itself rotated away; sorts in the order of rotation."""

    stamp: Stamp
    path: Path

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.name.endswith(PACKED)


class Names:
    """Makes names for the rotated files of a log, each greater than the last whatever the clock does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: Stamp | None = None

    def next(self, at: float, *, anew: bool = False) -> Path:
        """A name for a file rotated away `at` (seconds since the epoch); `anew` looks into the folder."""
        if self._last is None or anew:
            there = [each.stamp for each in rotated(self.path)]
            self._last = max([*there, *([self._last] if self._last else [])], default=None)
        time = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
        if self._last is not None and time <= self._last.time:
            self._last = Stamp(self._last.time, self._last.number + 1)
        else:
            self._last = Stamp(time, 1)
        stem, suffix = self.path.stem, self.path.suffix
        return self.path.with_name(f"{stem}.{self._last.time}-{self._last.number:03}{suffix}")


def rotated(path: Path) -> list[Rotated]:
    """The files that the log at `path` rotated away, oldest first; a compressed one behind its original."""
    pattern = _ours(path.stem, path.suffix)
    found = [
        Rotated(Stamp(match[1], int(match[2])), path.with_name(name))
        for name in _names_beside(path)
        if (match := pattern.fullmatch(name))
    ]
    return sorted(found)


def is_rotated(path: Path, other: Path) -> bool:
    """Whether a file has a name that the log at `path` gives, and nobody else."""
    return _ours(path.stem, path.suffix).fullmatch(other.name) is not None


def siblings(path: Path) -> list[Path]:
    """All files that may hold earlier parts of the log at `path`: its own, and those that logrotate makes."""
    ours, outside = _ours(path.stem, path.suffix), _outside(path.stem, path.suffix)
    names = sorted(name for name in _names_beside(path) if ours.fullmatch(name) or outside.fullmatch(name))
    return [path.with_name(name) for name in names]


def unfinished(path: Path) -> list[Path]:
    """What a crash left of a file that was being compressed or rescued."""
    pattern = _ours(path.stem, path.suffix)
    names = (name for name in _names_beside(path) if name.endswith(UNFINISHED))
    return [path.with_name(name) for name in names if pattern.fullmatch(name.removesuffix(UNFINISHED))]


def _names_beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []


@cache
def _ours(stem: str, suffix: str) -> re.Pattern[str]:
    return re.compile(
        rf"{re.escape(stem)}\.([0-9]{{8}}T[0-9]{{6}}Z)-([0-9]{{3,}}){re.escape(suffix)}(?:\.zst)?"
    )


@cache
def _outside(stem: str, suffix: str) -> re.Pattern[str]:
    """logrotate's: `today.ndjson.1`, `today.ndjson-20260921`, `today-20260921.ndjson`, compressed or not."""
    stem, suffix = re.escape(stem), re.escape(suffix)
    date = r"-[0-9]{8}[-_T0-9]*Z?"
    return re.compile(rf"{stem}(?:{suffix}(?:\.[0-9]{{1,5}}|{date})|{date}{suffix})(?:\.gz|\.zst)?")
