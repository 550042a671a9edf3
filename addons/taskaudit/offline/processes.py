"""Captures read by several processes, where there are several files large enough to pay for that.

What comes out is what one process finds. Only reading and judging is shared out: the life of jobs is told
over all captures together, and printing needs their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from taskaudit.auditor import Auditor
from taskaudit.known_ids import KnownIds
from taskaudit.offline.gathering import Damaged, Gathering
from taskaudit.processes import Advance, cores, shared_out
from taskaudit.sources.captured import Damage

_DIED = "cannot be read: the process that reads it has died"


def gather(
    auditor: Auditor,
    shares: Sequence[Sequence[Path]],
    advance: Advance | None,
    known: KnownIds | None = None,
) -> Iterator[Gathering]:
    """One gathering a share, in order. Where a process dies, that is a damage."""
    # Not by fork: this process may have threads, such as that of the progress bar.
    gatherings = shared_out(
        _gather,
        (auditor, known),
        shares,
        count=cores(),
        method="spawn",
        advance=advance,
    )
    for gathering, share in zip(gatherings, shares, strict=True):
        yield gathering or _lost(share)


def _lost(share: Sequence[Path]) -> Gathering:
    lost = Gathering()
    for path in share:
        lost.unread.put(Damaged(str(path), Damage(str(path), _DIED)))
    return lost


def _gather(
    setup: tuple[Auditor, KnownIds | None], share: Sequence[Path], advance: Advance | None
) -> Gathering:
    auditor, known = setup
    gathering = Gathering(known)
    gathering.read(auditor, share, advance)
    return gathering
