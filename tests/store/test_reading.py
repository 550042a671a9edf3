"""The store tells the story of the logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.lifecycle import Thresholds
from taskaudit.store.address import StoreError
from taskaudit.store.reading import tell_store
from taskaudit.story.story import tell
from tests.stories import ask, submit, write_log
from tests.tangles import load, tangle


@pytest.mark.parametrize("seed", range(12))
def test_the_story_is_that_of_the_logs(tmp_path: Path, seed: int) -> None:
    logs, store = tangle(tmp_path, seed), str(tmp_path / "store.db")
    load(store, logs)
    assert tell_store(store) == tell(logs)


def test_the_thresholds_are_the_readers(tmp_path: Path) -> None:
    log, store = write_log(tmp_path / "log", [submit(0), ask(50, "SUCCESS")]), str(tmp_path / "store.db")
    load(store, [log])
    strict = Thresholds(query_within=10)
    assert tell_store(store, strict) == tell([log], strict)
    assert tell_store(store, strict) != tell([log])


def test_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file; taskaudit load LOG --to makes one"):
        tell_store(str(tmp_path / "store.db"))
    assert list(tmp_path.iterdir()) == []
