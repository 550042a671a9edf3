"""Work shared out to several processes, which can be stopped, and of which one may die."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

type Advance = Callable[[int], None]
"""Told the bytes that were read."""

_LOOK_EVERY = 0.1
"""Seconds."""
_SHARES_PER_PROCESS = 4


def shared_out[Share, Result](
    work: Callable[[Any, Share], Result],
    setup: Any,
    shares: Sequence[Share],
    *,
    count: int,
    method: Literal["spawn", "fork"],
    advance: Advance | None = None,
) -> Iterator[Result | None]:
    """What `work` makes of the setup and each share, in order; None where a process has died, or none starts.

    At most `count` processes. `fork` starts them at once, and with all that is open here, but may be used
    only where there are no other threads. In `work`, `advanced` is to be called often.
    """
    with ExitStack() as opened:
        try:
            pool, read = opened.enter_context(_pool(work, setup, min(len(shares), count), method))
            with _uninterrupted():
                futures = [pool.submit(_do, share) for share in shares]
        except OSError:  # No more processes are allowed, or there is no /dev/shm for what they share.
            yield from [None] * len(shares)
            return
        for future in futures:
            has_died = _await(future, read, advance)
            yield None if has_died else future.result()


@contextmanager
def _pool(work: Any, setup: Any, count: int, method: str) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    """Processes, and where they count what they have read."""
    # Here, because they take longer to import than a small file to check.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context: Any = get_context(method)
    read, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(count, context, _begin, (work, setup, read, stop))
    try:
        yield pool, read
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def advanced(count: int) -> None:
    """So many bytes more were read. Raises what ends the work when nobody waits for its result any more."""
    if _Worker.stop.is_set():
        raise _Stopped
    with _Worker.read.get_lock():
        _Worker.read.value += count


def in_shares[Item](
    items: Sequence[Item], sizes: Sequence[int], processes: int, worth: int
) -> list[list[Item]]:
    """The items in order, cut into shares of about the same size; one share where more would not pay.

    `worth`: the least size for which another process pays.
    """
    least = max(worth, sum(sizes) // (processes * _SHARES_PER_PROCESS))
    shares: list[list[Item]] = [[]]
    weights = [0]
    for item, size in zip(items, sizes, strict=True):
        if weights[-1] >= least:
            shares.append([])
            weights.append(0)
        shares[-1].append(item)
        weights[-1] += size
    pays = processes > 1 and sum(weight >= worth for weight in weights) > 1
    return shares if pays else [list(items)]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started here do not get the Ctrl-C of the terminal: this one tells them to stop."""
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _await(future: Future[Any], read: Any, advance: Advance | None) -> bool:
    """Tells how far all processes have come until this future is there; whether its process has died."""
    from concurrent.futures.process import BrokenProcessPool

    while not future.done():
        with suppress(TimeoutError):
            future.exception(_LOOK_EVERY if advance else None)
        _tell(read, advance)
    _tell(read, advance)
    return isinstance(future.exception(), BrokenProcessPool)


def _tell(read: Any, advance: Advance | None) -> None:
    with read.get_lock():
        count, read.value = read.value, 0
    if advance and count:
        advance(count)


class _Stopped(Exception):
    """Nobody waits for the result any more."""


class _Worker:
    """What a process is told once, at its start."""

    work: Any
    setup: Any
    read: Any
    stop: Any


def _begin(work: Any, setup: Any, read: Any, stop: Any) -> None:
    _Worker.work, _Worker.setup, _Worker.read, _Worker.stop = staticmethod(work), setup, read, stop


def _do(share: Any) -> Any:
    return _Worker.work(_Worker.setup, share)
