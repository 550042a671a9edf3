"""Spools sent through a pipe come out as they were; several share one file there, and may go on there."""

from __future__ import annotations

import io
import pickle

import pytest

from taskaudit.offline.check import Checked
from taskaudit.spool import blocks
from taskaudit.spool.blocks import Store
from taskaudit.spool.differing import Differing, differing
from taskaudit.spool.items import Spool
from taskaudit.spool.sent import receive, send
from taskaudit.spool.sorter import Sorter
from tests.spool.test_items import ITEMS

type Spools = tuple[Spool[Checked], Sorter[tuple[int, str]], Differing]


def filled() -> Spools:
    kept, order, twice = Spool[Checked](), Sorter[tuple[int, str]](), Differing()
    for number, item in enumerate(ITEMS):
        kept.put(item)
        order.put((-number, item.source))
        twice.extend([number // 2], [number])
    return kept, order, twice


@pytest.mark.parametrize("block", [1, 2, 1000])
@pytest.mark.parametrize("in_memory", [1, 10_000])
def test_what_is_sent_is_received(block: int, in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_BLOCK", block)
    monkeypatch.setattr(blocks, "IN_MEMORY", in_memory)
    pipe, store = io.BytesIO(), Store()
    for _ in range(2):
        send(filled(), pipe)
    pipe.seek(0)
    received: list[Spools] = [receive(pipe, store), receive(pipe, store)]
    for kept, order, twice in received:
        kept.put(ITEMS[0])
        assert list(kept) == [*ITEMS, ITEMS[0]]
        assert [item for _, item in order] == ["c", "b.har", "b.har", "a.har"]
        assert list(differing([twice])) == [0, 1]
    assert list(received[0][0]) == [*ITEMS, ITEMS[0]]


def test_a_sender_that_dies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_BLOCK", 1)
    pipe = io.BytesIO()
    send(filled(), pipe)
    whole = pipe.getvalue()
    for size in range(0, len(whole), 7):
        with pytest.raises((EOFError, pickle.UnpicklingError)):
            receive(io.BytesIO(whole[:size]), Store())
