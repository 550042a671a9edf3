"""A new file takes the place of a full one: at once, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskaudit.log.format import LogError
from taskaudit.log.names import Names, rotated
from taskaudit.log.opening import is_at, open_log
from taskaudit.log.turning import clear, turn, waiting

AT = 1_790_000_000.0
FIRST = "audit.20260921T141320Z-001.ndjson"


@pytest.fixture
def full(log_path: Path) -> Iterator[int]:
    """A log that is open and holds something."""
    fd = open_log(log_path).fd
    os.write(fd, b"full\n")
    yield fd
    os.close(fd)


def test_the_full_one_gets_another_name(full: int, log_path: Path) -> None:
    fresh = turn(full, Names(log_path), AT)
    assert is_at(fresh, log_path)
    assert is_at(full, log_path.with_name(FIRST))
    assert os.fstat(full).st_nlink == 1
    assert log_path.read_bytes() == b""
    assert sorted(path.name for path in log_path.parent.iterdir()) == sorted([FIRST, log_path.name])
    os.close(fresh)


def test_the_new_one_is_locked_when_it_is_there(full: int, log_path: Path) -> None:
    fresh = turn(full, Names(log_path), AT)
    with pytest.raises(LogError, match="in use"):
        open_log(log_path)
    os.close(fresh)


def test_who_may_read_the_log_may_read_the_next_file(full: int, log_path: Path) -> None:
    log_path.chmod(0o640)
    fresh = turn(full, Names(log_path), AT)
    assert stat.S_IMODE(log_path.stat().st_mode) == 0o640
    os.close(fresh)


def test_nothing_is_ever_overwritten(full: int, log_path: Path) -> None:
    names = Names(log_path)
    taken = names.next(AT)
    for number in range(1, 4):
        taken.with_name(FIRST.replace("001", f"00{number}")).write_text("another's")
    fresh = turn(full, names, AT)
    assert [each.path.read_text() for each in rotated(log_path)] == ["another's"] * 3 + ["full\n"]
    os.close(fresh)


def refuse(*_: object, **__: object) -> None:
    raise OSError(1, "Operation not permitted")


def test_without_hard_links(full: int, log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse)
    fresh = turn(full, Names(log_path), AT)
    assert is_at(fresh, log_path)
    (moved,) = rotated(log_path)
    assert is_at(full, moved.path)
    os.close(fresh)


@pytest.mark.parametrize("failing", [("replace",), ("link", "rename"), ("open",)])
def test_where_it_fails_all_is_as_it_was(
    full: int, log_path: Path, monkeypatch: pytest.MonkeyPatch, failing: tuple[str, ...]
) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with monkeypatch.context() as patch:
        for name in failing:
            patch.setattr(os, name, refuse)
        with pytest.raises(OSError, match="not permitted"):
            turn(full, Names(log_path), AT)
    assert is_at(full, log_path)
    assert [path.name for path in log_path.parent.iterdir()] == [log_path.name]
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)


def test_the_second_rename_fails(full: int, log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, calls = os.rename, iter([True, True, False, True])
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", lambda *names: rename(*names) if next(calls) else refuse())
    with pytest.raises(OSError, match="not permitted"):
        turn(full, Names(log_path), AT)
    assert is_at(full, log_path)


def test_a_file_that_is_not_the_full_one_is_left_alone(full: int, log_path: Path) -> None:
    log_path.rename(log_path.with_name("moved"))
    log_path.write_text("another's", encoding="utf-8")
    with pytest.raises(LogError, match="another file now"):
        turn(full, Names(log_path), AT)
    assert log_path.read_text(encoding="utf-8") == "another's"
    assert rotated(log_path) == []


def test_what_a_crash_between_the_steps_left_is_cleared(full: int, log_path: Path) -> None:
    waiting(log_path).touch()
    os.link(log_path, log_path.with_name(FIRST))
    other = log_path.with_name(FIRST.replace("001", "002"))
    other.write_text("whole")
    backup = log_path.with_name("backup")
    os.link(log_path, backup)
    clear(log_path)
    assert sorted(log_path.parent.iterdir()) == sorted([log_path, other, backup])
