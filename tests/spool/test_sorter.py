"""Items sorted as `sorted` does, in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.spool import blocks, sorter
from taskaudit.spool.blocks import PLAIN
from taskaudit.spool.sorter import Sorter, in_order


@contextmanager
def of_size(run: int, block: int, runs: int = 64) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorter, "_MOST_RUNS", runs)
        patch.setattr(sorter, "_RUN", run)
        patch.setattr(blocks, "MOST_IN_BLOCK", block)
        yield


_KEYED = st.lists(st.tuples(st.integers(0, 9), st.integers()))


@given(_KEYED, _KEYED, st.integers(1, 12), st.integers(1, 5), st.integers(2, 5))
def test_sorted_as_sorted_does(
    keyed: list[tuple[int, int]], more: list[tuple[int, int]], run: int, block: int, runs: int
) -> None:
    first = itemgetter(0)
    with (
        of_size(run, block, runs),
        closing(Sorter[tuple[int, int]](key=first)) as order,
        closing(Sorter[tuple[int, int]](codec=PLAIN, key=first)) as other,
        closing(Sorter[tuple[int, int]](codec=PLAIN)) as whole,
    ):
        for item in keyed:
            order.put(item)
            whole.put(item)
        for item in more:
            other.put(item)
        assert list(order) == list(order) == sorted(keyed, key=first)
        assert list(whole) == sorted(keyed)
        together = list(in_order([*order.spans(), *other.spans()], first))
        assert together == sorted([*keyed, *more], key=first)


@given(st.integers(0, 3), st.integers(4, 9))
def test_what_comes_a_little_late_makes_no_second_run(late: int, run: int) -> None:
    """Nothing is to be merged then, which is what costs."""
    with of_size(run, 2), closing(Sorter[int](codec=PLAIN)) as order:
        numbers = sorted(range(100), key=lambda number: number - late * (number % 2))
        for number in numbers:
            order.put(number)
        assert len(order.spans()) == 2
        assert list(order) == list(range(100))


def test_however_items_come_few_runs_are_read_at_once() -> None:
    """As each of them needs memory."""
    with of_size(1, 4, 3), closing(Sorter[int](codec=PLAIN)) as order:
        for number in reversed(range(1000)):
            order.put(number)
        assert len(order.spans()) <= 3 * 6 + 1
        assert list(order) == list(order) == list(range(1000))
        order.put(-1)
        assert list(order) == list(range(-1, 1000))


def test_heavy_items_do_not_wait_in_memory_to_be_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "IN_MEMORY", 100)
    with closing(Sorter[str]()) as order:
        for text in "cab":
            order.put(text, 100)
        assert [span.first for span in order.spans()] == ["a", "b"]
        assert list(order) == ["a", "b", "c"]
