"""Long logs read by several processes; what comes out is what one would have read.

Only on Linux: there another process starts at once, with all files open that are open here.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from taskaudit.log.sections import Section, in_sections
from taskaudit.processes import Advance, cores, in_shares, shared_out
from taskaudit.story.merged import Merged

_SECTION = 32 * 1024 * 1024
"""Bytes; less is read by the time that another process has told what it has read."""


class _Share(NamedTuple):
    """Sections that one process reads."""

    number: int
    sections: list[Section]


class _Read(NamedTuple):
    """What was read of some sections: of each the number of lines, and of those that are damaged."""

    merged: Merged
    counts: list[tuple[int, int]]


def read_logs(merged: Merged, paths: Iterable[Path], processes: int | None = None) -> None:
    """Takes whole logs, by as many processes as there are cores, or else are given. Raises LogError."""
    count = processes or cores()
    if sys.platform == "linux" and count > 1:
        _read_by_processes(merged, paths, count)
    else:
        for path in paths:
            merged.read(path)


def _read_by_processes(merged: Merged, paths: Iterable[Path], count: int) -> None:
    numbers = itertools.count()
    for sections in in_sections(paths, set(), _SECTION):
        sizes = [section.size for section in sections]
        shares = [_Share(next(numbers), some) for some in in_shares(sections, sizes, count, _SECTION)]
        if len(shares) > 1:
            _include(merged, shares, shared_out(_read, None, shares, count=count, method="fork"))
        else:
            _include(merged, shares, (_read(None, share) for share in shares))


def _include(merged: Merged, shares: Iterable[_Share], reads: Iterable[_Read | None]) -> None:
    lines = 0
    for share, found in zip(shares, reads, strict=True):
        read = found or _read(None, share)  # Where its process has died.
        merged.include(read.merged)
        damaged = iter(read.merged.damaged)
        for section, (count, bad) in zip(share.sections, read.counts, strict=True):
            before = lines if section.start else 0
            merged.damaged += [each._replace(line=each.line + before) for each in islice(damaged, bad)]
            lines = before + count


def _read(_: None, share: _Share, __: Advance | None = None) -> _Read:
    merged, counts = Merged(share.number + 1), []
    for section in share.sections:
        count, before = 0, len(merged.damaged)
        for lines in section.read():
            merged.take(*lines)
            count += len(lines[2])
        counts.append((count, len(merged.damaged) - before))
    return _Read(merged, counts)
