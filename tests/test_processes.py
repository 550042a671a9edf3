"""Work shared out: results in order, a process that dies is told, and nothing goes on after an end."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import synchronize
from pathlib import Path
from typing import Literal

import pytest

from taskaudit.processes import advanced, cores, in_shares, shared_out

type Method = Literal["spawn", "fork"]
METHODS: tuple[Method, ...] = ("spawn", "fork")


def doubled(setup: int, share: int) -> int:
    advanced(share)
    return setup * share


def dying(setup: int, share: int) -> int:
    if share == setup:
        os.kill(os.getpid(), signal.SIGKILL)
    return share


def failing(_: int, share: int) -> int:
    raise ValueError(f"share {share}")


def waiting(folder: Path, share: int) -> None:
    (folder / str(share)).touch()
    while True:
        advanced(1)
        time.sleep(0.01)


@pytest.mark.parametrize("method", METHODS)
def test_results_come_in_order_and_progress_is_told(method: Method) -> None:
    read: list[int] = []
    results = shared_out(doubled, 2, range(1, 8), count=2, method=method, advance=read.append)
    assert list(results) == [2, 4, 6, 8, 10, 12, 14]
    assert sum(read) == 28


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_dies_has_no_result(method: Method) -> None:
    results = list(shared_out(dying, 1, [0, 1], count=1, method=method))
    assert results[-1] is None
    assert set(results) <= {0, None}


@pytest.mark.parametrize("method", METHODS)
def test_where_no_process_can_be_started_there_is_no_result(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(synchronize.SemLock, "__init__", refused)
    assert list(shared_out(doubled, 2, [1, 2, 3], count=2, method=method)) == [None, None, None]


def test_an_error_is_raised_here() -> None:
    with pytest.raises(ValueError, match="share 0"):
        list(shared_out(failing, 0, [0, 1], count=2, method="fork"))


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
