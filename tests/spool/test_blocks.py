"""Lists put aside, here or by another process, and what is told where there is no room."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from taskaudit.spool import blocks
from taskaudit.spool.blocks import OBJECTS, PLAIN, Blocks, Codec, SpoolError


@pytest.fixture(params=[1, 2, 1000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_IN_BLOCK", request.param)
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)


@pytest.mark.parametrize(
    ("codec", "lists"),
    [(OBJECTS, [[{1}, None], ["x"]]), (PLAIN, [[(1.5, "\ud800", b"x", True)], [None, ()]])],
)
def test_each_list_comes_back(codec: Codec, lists: list[list[Any]], tmp_path: Path) -> None:
    with closing(Blocks(codec)) as kept:
        for each in lists:
            kept.add(each)
        assert len(kept) == 2
        assert [kept.get(number) for number in (1, 0)] == lists[::-1]


def test_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is told where, and why; nothing more is said when what was not written is let go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)
    kept = Blocks(PLAIN)
    with pytest.raises(SpoolError) as told:
        kept.add([1])
    expected = f"cannot put aside what was read in {tmp_path}/none (TMPDIR): No such file or directory"
    assert str(told.value) == expected
    assert len(kept) == 0


def test_no_file_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So none is left, however the process ends."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(blocks, "IN_MEMORY", 1)
    with closing(Blocks(PLAIN)) as kept:
        kept.add(["x" * 1000])
        assert list(tmp_path.iterdir()) == []
