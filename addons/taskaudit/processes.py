"""Work shared out to several processes, of which one may die. They end when this one does, however it does.

Each has two pipes to this process and nothing else in common with it: no shared memory, no named file. From
one it reads its work, and ends where that pipe does; into the other it writes what it has read, and results.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, NoReturn, cast

from taskaudit.failure import Failure
from taskaudit.spool.blocks import Store
from taskaudit.spool.sent import receive, send

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import Thread

type Advance = Callable[[int], None]
"""Takes the number of bytes that were read."""
type Work[Share, Result] = Callable[[Any, Share, Advance | None], Result]
"""Makes something of the setup and a share."""

_LOOK_EVERY = 0.1
"""Seconds."""
_SHARES_PER_PROCESS = 4
_READY, _READ, _DONE, _FAILED = range(4)
_START = "import sys; sys.path[:] = sys.argv[1:]; from taskaudit.processes import run_worker; run_worker()"
_HAS_ENDED = (EOFError, OSError, pickle.UnpicklingError)


def shared_out[Share, Result](
    work: Work[Share, Result],
    setup: Any,
    shares: Sequence[Share],
    *,
    count: int,
    method: Literal["spawn", "fork"],
    advance: Advance | None = None,
) -> Iterator[Result | None]:
    """What `work` makes of the setup and each share, in order; None where its process has died.

    At most `count` processes; where none can be started, or none is left, this one does the work. `fork`
    starts them at once, and with all that is open here, but may be used only where there are no threads.
    """
    with ExitStack() as opened:
        pool = _Pool((work, setup, advance is not None), shares)
        opened.enter_context(pool.of(min(len(shares), count), _forked if method == "fork" else _spawned))
        for share, future in zip(shares, pool.futures, strict=True):
            pool.wait(future, advance)
            yield future.result() if future.done() else work(setup, share, advance)


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


class _Process(NamedTuple):
    """Another process, and this one's ends of the pipes to it."""

    asked: BinaryIO
    told: BinaryIO
    end: Callable[[], object]


class _Pool:
    """What is waited for of several processes; for each of them there is a thread here."""

    def __init__(self, task: tuple[Work[Any, Any], Any, bool], shares: Sequence[Any]) -> None:
        from concurrent.futures import Future

        self.futures: list[Future[Any]] = [Future() for _ in shares]
        self._task = task
        self._waiting = zip(shares, self.futures, strict=True)
        self._threads: list[Thread] = []
        self._store = Store()
        self._read: deque[int] = deque()

    @contextmanager
    def of(self, count: int, start: Callable[[Sequence[_Process]], _Process]) -> Iterator[None]:
        """With as many processes as can be started, perhaps none; they are ended at the end."""
        from threading import Thread

        processes: list[_Process] = []
        try:
            with suppress(OSError, RuntimeError), _uninterrupted():  # No more processes, files, or threads.
                while len(processes) < count:
                    processes.append(start(processes))
                for process in processes:
                    thread = Thread(target=self._serve, args=(process,), daemon=True)
                    thread.start()
                    self._threads.append(thread)
            yield
        finally:
            for process in processes:
                process.end()
            for thread in self._threads:
                thread.join()
            for process in processes:
                with suppress(OSError):  # It has not taken all.
                    process.asked.close()
                process.told.close()

    def wait(self, future: Future[Any], advance: Advance | None) -> None:
        """Until it is done, or nobody is there to do it; meanwhile tells how far all have come."""
        from concurrent.futures import wait

        while not future.done() and any(thread.is_alive() for thread in self._threads):
            wait([future], _LOOK_EVERY)
            self._tell(advance)
        self._tell(advance)

    def _serve(self, process: _Process) -> None:
        """Gives a process one share after the other, as long as it lives."""
        with suppress(*_HAS_ENDED):
            send(self._task, process.asked)
            receive(process.told, self._store)  # Only a process that is ready takes a share.
            for share, future in self._waiting:
                try:
                    self._ask(process, share, future)
                except _HAS_ENDED:
                    future.set_result(None)
                    raise
                except Failure as error:
                    future.set_exception(error)

    def _ask(self, process: _Process, share: Any, future: Future[Any]) -> None:
        send(share, process.asked)
        while (answer := receive(process.told, self._store))[0] == _READ:
            self._read.append(answer[1])
        kind, value = answer
        if kind == _DONE:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _tell(self, advance: Advance | None) -> None:
        while self._read:
            count = self._read.popleft()
            if advance:
                advance(count)


def _spawned(_: Sequence[_Process]) -> _Process:
    """A new Python, which does not load the script that this one runs."""
    import subprocess  # Here, because most captures are read without.

    started = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, *sys.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def end() -> None:
        started.kill()
        started.wait()

    assert started.stdin is not None
    assert started.stdout is not None
    return _Process(cast(BinaryIO, started.stdin), cast(BinaryIO, started.stdout), end)


def _forked(others: Sequence[_Process]) -> _Process:
    """A copy of this process; `others` were started before."""
    assert hasattr(os, "fork")
    assert hasattr(signal, "SIGKILL")
    kill = signal.SIGKILL
    with ExitStack() as undone:
        asked_there, asked = _pipe(undone)
        told, told_there = _pipe(undone)
        pid = os.fork()
        if not pid:
            for each in (*others, _Process(asked, told, list)):  # Else these would not see their pipes end.
                os.close(each.asked.fileno())
                os.close(each.told.fileno())
            _run(asked_there, told_there)
        undone.pop_all()
    asked_there.close()
    told_there.close()

    def end() -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, kill)
            os.waitpid(pid, 0)

    return _Process(asked, told, end)


def _pipe(opened: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """What is read from, and what is written to."""
    read, written = os.pipe()
    return opened.enter_context(open(read, "rb")), opened.enter_context(open(written, "wb"))


def run_worker() -> NoReturn:
    """What a process does that was spawned by `shared_out`; what it prints goes nowhere."""
    told = open(os.dup(1), "wb")  # noqa: SIM115 - open until the end
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    _run(sys.stdin.buffer, told)


def _run(asked: BinaryIO, told: BinaryIO) -> NoReturn:
    """Works in a thread, while this one waits for the end of the pipe, or of the process behind it."""
    from concurrent.futures import ThreadPoolExecutor

    try:
        work, setup, tells = receive(asked, Store())
        advance = partial(_say, told, _READ) if tells else None
        pool = ThreadPoolExecutor(1)
        pool.submit(_say, told, _READY, None)
        while True:
            share = receive(asked, Store())
            pool.submit(work, setup, share, advance).add_done_callback(partial(_answer, told))
    finally:
        os._exit(1)


def _answer(told: BinaryIO, done: Future[Any]) -> None:
    with ExitStack() as failed:
        failed.callback(os._exit, 1)
        error = done.exception()
        _say(told, *((_FAILED, error) if error else (_DONE, done.result())))
        failed.pop_all()


def _say(told: BinaryIO, kind: int, value: Any) -> None:
    send((kind, value), told)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started here do not get the Ctrl-C of the terminal: this one ends them."""
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
