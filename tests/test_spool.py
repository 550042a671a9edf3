"""Items put aside come back as they were, from memory or from disk."""

from __future__ import annotations

import pytest

from taskaudit import spool
from taskaudit.check import Checked
from taskaudit.spool import Spool
from tests.samples import BAD_ERROR, outcome

ITEMS = [
    Checked("a.har", 0, outcome()),
    Checked("b.har", 7, outcome(BAD_ERROR, 400)),
    Checked("b.har", 8, outcome('{"status": "FAIL"}', method="GET", path="/v1/p/jobs/8ab1")),
    Checked("c", 0, outcome(None)),
]


@pytest.mark.parametrize("in_memory", [1, 32 * 1024 * 1024])
def test_what_went_in_comes_out(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", in_memory)
    with Spool[Checked]() as kept:
        places = [kept.put(item) for item in ITEMS]
        assert places == sorted(set(places))
        assert [kept.get(at) for at in reversed(places)] == ITEMS[::-1]
        later = kept.put(ITEMS[0])
        assert (kept.get(later), kept.get(places[1])) == (ITEMS[0], ITEMS[1])


def test_its_file_is_closed_at_the_end() -> None:
    with Spool[int]() as kept:
        kept.put(1)
    with pytest.raises(ValueError, match="closed"):
        kept.put(2)
