"""Lists put aside, here or by another process, and what is told where there is no room."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from taskaudit.offline.check import Checked
from taskaudit.spool import blocks
from taskaudit.spool.blocks import OBJECTS, PLAIN, Blocks, Codec, SpoolError, new_folder
from taskaudit.spool.differing import Differing, differing
from taskaudit.spool.items import Spool
from taskaudit.spool.sorter import Sorter
from tests.spool.test_items import ITEMS


@pytest.fixture(params=[1, 2, 1000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_BLOCK", request.param)
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)


@pytest.mark.usefixtures("block")
def test_what_has_a_path_can_be_given_to_another_process(tmp_path: Path) -> None:
    kept, order = Spool[Checked](tmp_path / "kept"), Sorter[tuple[int, str]](tmp_path / "sorted")
    twice = Differing(tmp_path / "twice")
    for number, item in enumerate(ITEMS):
        kept.put(item)
        order.put((-number, item.source))
        twice.extend([number // 2], [number])
    given = pickle.dumps((kept, order, twice))
    there, sorted_there, twice_there = pickle.loads(given)
    with closing(there), closing(sorted_there), closing(twice_there):
        assert list(there) == ITEMS
        assert [item for _, item in sorted_there] == ["c", "b.har", "b.har", "a.har"]
        assert list(differing([twice_there])) == [0, 1]


@pytest.mark.parametrize(
    ("codec", "lists"),
    [(OBJECTS, [[{1}, None], ["x"]]), (PLAIN, [[(1.5, "\ud800", b"x", True)], [None, ()]])],
)
def test_each_list_comes_back(codec: Codec, lists: list[list[Any]], tmp_path: Path) -> None:
    for path in (None, tmp_path / "blocks"):
        with closing(Blocks(path, codec)) as kept:
            for each in lists:
                kept.add(each)
            assert len(kept) == 2
            assert [kept.get(number) for number in (1, 0)] == lists[::-1]


def test_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is told where, and why; nothing more is said when what was not written is let go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = Blocks(tmp_path / "none" / "blocks", PLAIN)
    with pytest.raises(SpoolError) as told:
        kept.add([1])
    expected = f"cannot put aside what was read in {tmp_path} (TMPDIR): No such file or directory"
    assert str(told.value) == expected
    assert len(kept) == 0
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with ExitStack() as opened, pytest.raises(SpoolError, match="No such file"):
        new_folder(opened)


def test_a_folder_is_deleted_with_all_that_is_in_it() -> None:
    with ExitStack() as opened:
        folder = new_folder(opened)
        (folder / "file").touch()
    assert not folder.exists()
