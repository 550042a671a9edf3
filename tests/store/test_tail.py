"""The lines of a log from where the last load ended."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from taskaudit.log import LogError
from taskaudit.store.piece import Position
from taskaudit.store.tail import Tail
from tests.stories import ask, submit, write_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a job."""
    return write_log(tmp_path / "log", [submit(0)])


def tail(log: Path, *known: Position | None) -> Tail:
    """With what is known of logs."""
    positions = {each.log_id: each for each in known if each is not None}
    return Tail(log, positions.get)


def everything(made: Tail) -> list[bytes]:
    """All that can be taken."""
    taken = []
    while lines := made.take()[1]:
        taken += lines
    return taken


def test_all_lines_with_their_numbers(log: Path) -> None:
    made = tail(log)
    assert made.take() == (1, log.read_bytes().splitlines(keepends=True), [])
    assert made.take() == (made.position.lines + 1 if made.position else 0, [], [])
    assert made.position
    assert made.position.bytes == log.stat().st_size
    made.close()


def test_a_log_goes_on_under_any_name(log: Path) -> None:
    first = tail(log)
    everything(first)
    before = first.position
    first.close()
    size = log.stat().st_size
    write_log(log, [submit(1, "new")])
    renamed = log.rename(log.with_name("log.1"))
    second = tail(renamed, before)
    assert b"".join(everything(second)) == renamed.read_bytes()[size:]
    second.close()


@pytest.mark.parametrize("harm", ["shorter", "other"])
def test_a_log_that_is_not_what_it_was_is_read_from_its_start(log: Path, harm: str) -> None:
    first = tail(log)
    everything(first)
    position = first.position
    first.close()
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    if harm == "other":
        write_log(log, [submit(number) for number in range(20)])
    second = tail(log, position)
    assert b"".join(everything(second)) == log.read_bytes()
    second.close()


def test_an_unfinished_line_is_left_for_later(log: Path) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole[:-10])
    made = tail(log)
    number, lines, _ = made.take()
    assert made.rest() == number + len(lines)
    log.write_bytes(whole)
    assert everything(made) == whole.splitlines(keepends=True)[-1:]
    assert made.rest() == 0
    made.close()


def test_a_rotated_log_is_read_to_its_end_and_then_the_new_one(log: Path) -> None:
    made = tail(log)
    everything(made)
    assert not made.go_on()
    write_log(log, [ask(1)])
    old = log.rename(log.with_name("log.1"))
    assert not made.go_on(), "the new one is not there yet"
    added = everything(made)
    assert added == old.read_bytes().splitlines(keepends=True)[-len(added) :]
    write_log(log, [submit(2, "next")])
    with old.open("ab") as late:
        late.write(b"{}\n")
    assert made.go_on()
    assert everything(made) == [b"{}\n"], "what was written before the rotation was seen"
    assert made.go_on()
    assert everything(made) == log.read_bytes().splitlines(keepends=True)
    made.close()


def test_a_log_that_begins_empty(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    made = tail(log)
    assert made.take() == (1, [], [])
    assert made.position is None
    write_log(log, [submit(0)])
    assert everything(made) == log.read_bytes().splitlines(keepends=True)
    assert made.position is not None
    made.close()


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "directory")])
def test_what_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(LogError, match=reason):
        tail(tmp_path / name)


def all_files(made: Tail) -> list[bytes]:
    """All that can be taken, of one file after the other."""
    taken = everything(made)
    while made.go_on():
        taken += everything(made)
    return taken


PACKERS = {".gz": gzip.compress, ".zst": ZstdCompressor().compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_go_on_where_they_were_plain(log: Path, suffix: str) -> None:
    first = tail(log)
    everything(first)
    before = first.position
    first.close()
    size = log.stat().st_size
    write_log(log, [submit(1, "late")])
    text = log.read_bytes()
    packed = log.with_name(f"log.1{suffix}")
    packed.write_bytes(PACKERS[suffix](text))
    log.unlink()
    write_log(log, [submit(2, "new")])
    second = tail(log, before)
    assert second.path == packed
    assert b"".join(all_files(second)) == text[size:] + log.read_bytes()
    second.close()


def test_a_compressed_log_by_its_own_name(log: Path) -> None:
    packed = log.with_name("log.1.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))
    made = tail(packed)
    assert b"".join(all_files(made)) == log.read_bytes()
    again = tail(packed, made.position)
    assert all_files(again) == []
    made.close()
    again.close()


def test_two_rotations_between_two_looks(log: Path) -> None:
    made = tail(log)
    everything(made)
    before = len(log.read_bytes().splitlines())
    write_log(log, [ask(1)])
    added = log.read_bytes().splitlines(keepends=True)[before:]
    for number in (2, 1):
        log.rename(log.with_name(f"log.{number}"))
        write_log(log, [submit(number, f"{number}")])
    later = log.with_name("log.1").read_bytes() + log.read_bytes()
    assert all_files(made) == [*added, *later.splitlines(keepends=True)]
    assert all_files(made) == []
    made.close()


def test_a_log_that_is_copied_and_cut(log: Path) -> None:
    write_log(log, [submit(n, f"{n}") for n in range(20)])
    made = tail(log)
    before = everything(made)
    write_log(log, [ask(1)])
    copy = log.with_name("log.1")
    copy.write_bytes(log.read_bytes())
    log.write_bytes(b"")
    write_log(log, [])
    taken = all_files(made)
    assert set(taken) | set(before) == set((copy.read_bytes() + log.read_bytes()).splitlines(keepends=True))
    assert taken[-1] == log.read_bytes().splitlines(keepends=True)[-1]
    made.close()


def test_damaged_compressed_data_is_told(log: Path) -> None:
    packed = log.with_name("log.1.gz")
    packed.write_bytes(gzip.compress(log.read_bytes())[:-20])
    made = tail(packed)
    damaged = made.take()[2]
    assert [(each.path, "damaged at byte" in each.reason) for each in damaged] == [(packed, True)]
    made.close()


def test_what_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello\n", encoding="utf-8")
    with pytest.raises(LogError, match="is not a log of taskaudit"):
        tail(tmp_path / "x")
