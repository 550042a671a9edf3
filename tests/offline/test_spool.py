"""Items put aside come back as they were, from memory or from disk, in their order or sorted."""

from __future__ import annotations

import pickle
from contextlib import closing
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.offline import spool
from taskaudit.offline.check import Checked
from taskaudit.offline.spool import Sorter, Spool, merged
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
    kept, order = Spool[Checked](tmp_path / "kept"), Sorter[int, str](tmp_path / "sorted")
    for number, item in enumerate(ITEMS):
        kept.put(item)
        order.put(-number, item.source)
    given = pickle.dumps((kept, order))
    with closing(pickle.loads(given)[0]) as there:
        assert list(there) == ITEMS
    with closing(pickle.loads(given)[1]) as there:
        assert [item for _, item in there] == ["c", "b.har", "b.har", "a.har"]


_KEYED = st.lists(st.tuples(st.integers(0, 9), st.integers()))


@given(_KEYED, _KEYED, st.integers(1, 12), st.integers(1, 5))
def test_sorted_as_sorted_does(
    keyed: list[tuple[int, int]], more: list[tuple[int, int]], run: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_RUN", run)
        patch.setattr(spool, "_MOST_IN_BLOCK", block)
        with closing(Sorter[int, int]()) as order, closing(Sorter[int, int]()) as other:
            for key, item in keyed:
                order.put(key, item)
            for key, item in more:
                other.put(key, item)
            assert list(order) == list(order) == sorted(keyed, key=itemgetter(0))
            assert list(merged([iter(order), iter(other)])) == sorted([*keyed, *more], key=itemgetter(0))
