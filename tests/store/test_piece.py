"""One file of a log: plain or compressed, the same lines and the same positions."""

from __future__ import annotations

import gzip
from contextlib import closing
from pathlib import Path

import pytest

from taskaudit.log import LogError
from taskaudit.store import piece
from taskaudit.store.piece import Piece, Position
from tests.stories import submit, write_log


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file with some jobs."""
    return write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(9)])


@pytest.fixture
def packed(plain: Path) -> Path:
    """The same, compressed."""
    made = plain.with_name("log.1.gz")
    made.write_bytes(gzip.compress(plain.read_bytes()))
    return made


def positions(path: Path, known: Position | None = None) -> tuple[list[bytes], list[Position | None]]:
    """All lines, and where it stood after each piece of them."""
    with path.open("rb") as file, closing(file):
        made, lines, stood = Piece(path, file, lambda _log_id: known), [], []
        while taken := made.take():
            lines += taken
            stood.append(made.position)
    return lines, stood


def test_both_stand_where_the_other_does(plain: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece, "CHUNK", 700)
    lines, stood = positions(plain)
    packed_lines, packed_stood = positions(packed)
    assert lines == packed_lines == plain.read_bytes().splitlines(keepends=True)
    assert len(stood) > 3
    assert stood[-1] == packed_stood[-1]
    for known in (*stood, *packed_stood):
        assert known
        assert positions(plain, known)[0] == positions(packed, known)[0] == lines[known.lines :]


@pytest.mark.parametrize("change", [{"ending": "other"}, {"bytes": 10**9}, {"bytes": 5}])
def test_what_is_not_what_it_was_is_read_from_its_start(
    plain: Path, packed: Path, change: dict[str, str | int]
) -> None:
    lines, stood = positions(plain)
    assert stood[-1]
    known = Position(**{**stood[-1]._asdict(), **change})
    assert positions(plain, known)[0] == positions(packed, known)[0] == lines


def test_an_unfinished_line_of_a_compressed_file(plain: Path, packed: Path) -> None:
    packed.write_bytes(gzip.compress(plain.read_bytes()[:-5]))
    with packed.open("rb") as file:
        made = Piece(packed, file, lambda _log_id: None)
        lines = made.take()
        assert made.take() == []
        assert made.rest() == len(lines) + 1 == len(plain.read_bytes().splitlines())


def test_what_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("hello\n", encoding="utf-8")
    with path.open("rb") as file, pytest.raises(LogError, match="is not a log of taskaudit"):
        Piece(path, file, lambda _log_id: None)
