"""Captures read by several processes, where there are several files large enough to pay for that.

What comes out is what one process finds. Only reading and judging is shared out: the life of jobs is told
over all captures together, and printing needs their order.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from taskaudit.auditor import Auditor
from taskaudit.offline.gathering import Advance, Damaged, Gathering, cores
from taskaudit.sources.captured import Damage

_LOOK_EVERY = 0.1
"""Seconds."""
_DIED = "cannot be read: the process that read it has died"


def gather(
    auditor: Auditor, shares: Sequence[Sequence[Path]], folder: Path, advance: Advance | None
) -> Iterator[Gathering]:
    """One gathering a share, in order; `folder` holds their files. Where a process dies, that is a damage."""
    # Not by fork: this process may have threads, such as that of the progress bar.
    context = get_context("spawn")
    read, stop = context.Value("q", 0), context.Event()
    count = min(len(shares), cores())
    pool = ProcessPoolExecutor(count, context, _begin, (auditor, read, stop))
    try:
        with _uninterrupted():
            futures = [
                pool.submit(_gather, share, folder / str(number)) for number, share in enumerate(shares)
            ]
        for future, share in zip(futures, shares, strict=True):
            _await(future, read, advance)
            try:
                yield future.result()
            except BrokenProcessPool:
                yield _lost(share)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started here do not get the Ctrl-C of the terminal: this one tells them to stop."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _await(future: Future[Gathering], read: Any, advance: Advance | None) -> None:
    """Tells how far all processes have come until this future is there."""
    is_done = False
    while not is_done:
        is_done = bool(wait([future], _LOOK_EVERY if advance else None).done)
        with read.get_lock():
            count, read.value = read.value, 0
        if advance and count:
            advance(count)


def _lost(share: Sequence[Path]) -> Gathering:
    lost = Gathering()
    for path in share:
        lost.damages.put(Damaged(str(path), Damage(str(path), _DIED)))
    return lost


class _Stopped(Exception):
    """Nobody waits for the result any more."""


class _Worker:
    """What a process is told once, at its start."""

    auditor: Auditor
    read: Any
    stop: Any


def _begin(auditor: Auditor, read: Any, stop: Any) -> None:
    _Worker.auditor, _Worker.read, _Worker.stop = auditor, read, stop


def _gather(paths: Sequence[Path], folder: Path) -> Gathering:
    folder.mkdir()
    gathering = Gathering(folder)
    for damaged in gathering.read(_Worker.auditor, paths, _advance):
        gathering.damages.put(damaged)
    return gathering


def _advance(count: int) -> None:
    if _Worker.stop.is_set():
        raise _Stopped
    with _Worker.read.get_lock():
        _Worker.read.value += count
