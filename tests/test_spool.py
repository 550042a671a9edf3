"""Items put aside come back as they were, from memory or from disk, in their order or sorted."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit import spool
from taskaudit.offline.check import Checked
from taskaudit.spool import Differing, Sorter, Spool, differing, in_order, is_in
from tests.samples import BAD_ERROR, outcome

ITEMS = [
    Checked("a.har", 0, outcome()),
    Checked("b.har", 7, outcome(BAD_ERROR, 400)),
    Checked("b.har", 8, outcome('{"status": "FAIL"}', method="GET", path="/v1/p/jobs/8ab1")),
    Checked("c", 0, outcome(None)),
]


@pytest.fixture(params=[1, 2, 1000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_MOST_IN_BLOCK", request.param)
    monkeypatch.setattr(spool, "_IN_MEMORY", 1)


@pytest.mark.usefixtures("block")
def test_what_went_in_comes_out() -> None:
    with closing(Spool[Checked]()) as kept:
        for item in ITEMS:
            kept.put(item)
        assert list(kept) == list(kept) == ITEMS
        kept.put(ITEMS[0])
        assert list(kept) == [*ITEMS, ITEMS[0]]


def test_large_items_do_not_wait_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(spool._Blocks, "add", lambda _, items: written.append(len(items)))
    with closing(Spool[str]()) as kept:
        for size in (10, spool._HEAVY, 10):
            kept.put("x", size)
    assert written == [2]


@pytest.mark.usefixtures("block")
def test_what_has_a_path_can_be_given_to_another_process(tmp_path: Path) -> None:
    kept, order = Spool[Checked](tmp_path / "kept"), Sorter[tuple[int, str]](tmp_path / "sorted")
    twice = Differing(tmp_path / "twice")
    for number, item in enumerate(ITEMS):
        kept.put(item)
        order.put((-number, item.source))
        twice.put(number // 2, number)
    given = pickle.dumps((kept, order, twice))
    there, sorted_there, twice_there = pickle.loads(given)
    with closing(there), closing(sorted_there), closing(twice_there):
        assert list(there) == ITEMS
        assert [item for _, item in sorted_there] == ["c", "b.har", "b.har", "a.har"]
        assert list(differing([twice_there])) == [0, 1]


@contextmanager
def of_size(run: int, block: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_RUN", run)
        patch.setattr(spool, "_MOST_IN_BLOCK", block)
        yield


_KEYED = st.lists(st.tuples(st.integers(0, 9), st.integers()))


@given(_KEYED, _KEYED, st.integers(1, 12), st.integers(1, 5))
def test_sorted_as_sorted_does(
    keyed: list[tuple[int, int]], more: list[tuple[int, int]], run: int, block: int
) -> None:
    first = itemgetter(0)
    with (
        of_size(run, block),
        closing(Sorter[tuple[int, int]](key=first)) as order,
        closing(Sorter[tuple[int, int]](codec=spool.PLAIN, key=first)) as other,
        closing(Sorter[tuple[int, int]](codec=spool.PLAIN)) as whole,
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
    with of_size(run, 2), closing(Sorter[int](codec=spool.PLAIN)) as order:
        numbers = sorted(range(100), key=lambda number: number - late * (number % 2))
        for number in numbers:
            order.put(number)
        assert len(order.spans()) == 2
        assert list(order) == list(range(100))


def test_heavy_items_do_not_wait_in_memory_to_be_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 100)
    with closing(Sorter[str]()) as order:
        for text in "cab":
            order.put(text, 100)
        assert [span.first for span in order.spans()] == ["a", "b"]
        assert list(order) == ["a", "b", "c"]


PAIRS = st.lists(st.tuples(st.integers(0, 2**63 - 1) | st.integers(0, 5), st.sampled_from([0.0, 1.0, 2.5])))


@given(PAIRS, PAIRS, st.integers(1, 9))
def test_keys_that_come_with_several_values(
    pairs: list[tuple[int, float]], more: list[tuple[int, float]], most: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(Differing()) as some,
        closing(Differing()) as others,
    ):
        patch.setattr(spool, "_MOST_PAIRS", most)
        for kept, given_pairs in ((some, pairs), (others, more)):
            for key, value in given_pairs:
                kept.put(key, value)
        counted = Counter(key for key, _ in {*pairs, *more})
        expected = sorted(key for key, count in counted.items() if count > 1)
        found = differing([some, others])
        assert list(found) == list(differing([others, some])) == expected
        assert [key for key in counted if is_in(key, found)] == [key for key in counted if counted[key] > 1]
