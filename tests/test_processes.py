"""Work shared out: results in order, a process that dies is told, and nothing goes on after an end."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from taskaudit.processes import Advance, cores, in_shares, shared_out

type Method = Literal["spawn", "fork"]
METHODS: tuple[Method, ...] = ("spawn", "fork")


def doubled(setup: int, share: int, advance: Advance | None) -> int:
    if advance:
        advance(share)
    return setup * share


def dying(setup: int, share: int, _: object) -> int:
    if share == setup:
        os.kill(os.getpid(), signal.SIGKILL)
    return share


def failing(_: int, share: int, __: object) -> int:
    raise ValueError(f"share {share}")


def process(_: None, share: int, __: object) -> tuple[int, int]:
    return share, os.getpid()


def waiting(folder: Path, share: int, advance: Advance) -> None:
    (folder / str(share)).touch()
    while True:
        advance(1)
        time.sleep(0.01)


@pytest.mark.parametrize("method", METHODS)
def test_results_come_in_order_and_progress_is_told(method: Method) -> None:
    read: list[int] = []
    results = shared_out(doubled, 2, range(1, 8), count=2, method=method, advance=read.append)
    assert list(results) == [2, 4, 6, 8, 10, 12, 14]
    assert sum(read) == 28


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_dies_has_no_result(method: Method) -> None:
    """What is left is done here, where there is no other one."""
    assert list(shared_out(dying, 1, [0, 1, 2], count=1, method=method)) == [0, None, 2]


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("what", ["os.pipe", "os.fork subprocess.Popen", "threading.Thread.start"])
def test_where_no_process_can_be_started_this_one_works(
    method: Method, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in what.split():
        monkeypatch.setattr(name, refused)
    read: list[int] = []
    results = shared_out(doubled, 2, [1, 2, 3], count=2, method=method, advance=read.append)
    assert list(results) == [2, 4, 6]
    assert read == [1, 2, 3]


def test_where_the_process_is_no_python_this_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    results = list(shared_out(process, None, [1, 2, 3], count=2, method="spawn"))
    assert results == [(share, os.getpid()) for share in (1, 2, 3)]


@pytest.mark.parametrize("method", METHODS)
def test_others_work_where_they_can_be_started(method: Method) -> None:
    assert os.getpid() not in {pid for _, pid in shared_out(process, None, [1, 2], count=2, method=method)}


@pytest.mark.parametrize("method", METHODS)
def test_an_error_is_raised_here(method: Method) -> None:
    with pytest.raises(ValueError, match="share 0"):
        list(shared_out(failing, 0, [0, 1], count=2, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_who_stops_listening_ends_the_work(method: Method, tmp_path: Path) -> None:
    results = shared_out(waiting, tmp_path, [0, 1], count=2, method=method, advance=lambda _: listen())

    def listen() -> None:
        if len(list(tmp_path.iterdir())) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(results)


@pytest.mark.parametrize(
    ("sizes", "processes", "shares"),
    [
        ([], 2, [[]]),
        ([5], 2, [[0]]),
        ([50], 2, [[0]]),
        ([50, 50], 2, [[0], [1]]),
        ([50, 50], 1, [[0, 1]]),
        ([50, 1], 2, [[0, 1]]),
        ([50, 1, 50], 2, [[0], [1, 2]]),
        ([4, 4, 4, 4, 4, 4], 2, [[0, 1, 2], [3, 4, 5]]),
        ([4, 4, 4, 4], 2, [[0, 1, 2, 3]]),
        ([10] * 32, 2, [[4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3] for n in range(8)]),
    ],
)
def test_shares_are_cut_where_they_pay(sizes: list[int], processes: int, shares: list[list[int]]) -> None:
    assert in_shares(range(len(sizes)), sizes, processes, worth=10) == shares


def test_cores() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
