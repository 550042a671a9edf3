"""Items put aside come back as they were, from memory or from disk, in their order."""

from __future__ import annotations

from contextlib import closing

import pytest

from taskaudit.offline.check import Checked
from taskaudit.spool import blocks
from taskaudit.spool import items as kept_items
from taskaudit.spool.items import Spool
from tests.samples import BAD_ERROR, outcome

ITEMS = [
    Checked("a.har", 0, outcome()),
    Checked("b.har", 7, outcome(BAD_ERROR, 400)),
    Checked("b.har", 8, outcome('{"status": "FAIL"}', method="GET", path="/v1/p/jobs/8ab1")),
    Checked("c", 0, outcome(None)),
]


@pytest.fixture(params=[1, 2, 1000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_BLOCK", request.param)
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)


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
    monkeypatch.setattr(blocks.Blocks, "add", lambda _, items: written.append(len(items)))
    with closing(Spool[str]()) as kept:
        for size in (10, kept_items._HEAVY, 10):
            kept.put("x", size)
    assert written == [2]
