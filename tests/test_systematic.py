"""A part of the systematic fuzz, of every reader; `make fuzz` runs the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config import loading
from tests.fuzz_inputs import KINDS, seeds
from tests.systematic import DOCUMENTS, damaged, hold_captures, hold_documents, hold_logs, read_capture


@pytest.mark.parametrize("kind", KINDS)
def test_captures(kind: str, tmp_path: Path) -> None:
    assert hold_captures(kind, tmp_path, part=50) == 44


def test_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = loading.load()
    monkeypatch.setattr(loading, "load", lambda *_: loaded)  # It takes longer than a log.
    assert hold_logs(tmp_path, part=100) == 22


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents(kind: str, tmp_path: Path) -> None:
    assert hold_documents(kind, tmp_path, part=50) == 44


def test_each_is_damaged_in_its_own_way() -> None:
    data = bytes(range(256)) * 8
    assert {len(each.data) for each in damaged(data) if each.is_cut} == {n * 2048 // 200 for n in range(200)}
    flips = [each.data for each in damaged(data) if not each.is_cut]
    assert {len(each) for each in flips} == {2048}
    assert len(set(flips)) > 1500


@pytest.mark.parametrize(
    ("kind", "at", "changed"),
    [("har", 5, b"&"), ("flow", 12, b"C"), ("flow", 11, b"\xe3"), ("flow", 6, b"2")],
)
def test_a_damaged_head_costs_one_exchange(kind: str, at: int, changed: bytes, tmp_path: Path) -> None:
    """What the whole of it once found."""
    data = max((each for each in seeds()[kind] if len(each) < 20_000), key=len)
    whole = read_capture(data, tmp_path / "capture")
    assert whole > 2
    assert read_capture(data[:at] + changed + data[at + 1 :], tmp_path / "capture") >= whole - 1
