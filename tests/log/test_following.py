"""A log followed as it grows, across rotations: nothing lost, nothing doubled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taskaudit.log import Damaged, LogError, LogFile, LogSettings, file, follow_log
from taskaudit.log.names import rotated
from taskaudit.log.tidying import compress
from taskaudit.recording.recorder import Recorder
from tests.stories import submit


def test_following_gives_lines_as_they_are_finished(written: bytes, log_path: Path) -> None:
    lines = written.splitlines(keepends=True)
    log_path.write_bytes(lines[0] + lines[1][:10])
    followed = follow_log(log_path)
    assert [next(followed) for _ in range(3)] == [json.loads(lines[0]), None, None]
    with log_path.open("ab") as file:
        file.write(lines[1][10:] + lines[2])
    assert [next(followed) for _ in range(3)] == [json.loads(lines[1]), json.loads(lines[2]), None]
    followed.close()  # type: ignore[attr-defined]


@pytest.fixture
def writing(
    new_recorder: Callable[..., Recorder], log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Recorder:
    """A session that rotates at 64 KiB, and looks at the path when it is told to."""
    monkeypatch.setattr(file, "LOOK", 3600.0)
    recorder = new_recorder(log=LogFile(log_path, LogSettings(rotate_bytes=65536)))
    recorder.start()
    return recorder


def fill(recorder: Recorder, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        recorder.record(submit(number, f"job-{number}"))


def new(followed: Iterator[dict[str, Any] | Damaged | None]) -> list[int]:
    """What there is until there is no more for now."""
    found: list[int] = []
    while (item := next(followed)) is not None:
        assert not isinstance(item, Damaged)
        found.append(item["seq"])
    return found


@pytest.mark.parametrize("count", [1, 50, 150, 500])
def test_across_rotations(writing: Recorder, log_path: Path, count: int) -> None:
    """However many there were since the last look."""
    fill(writing, 150)
    followed = follow_log(log_path)
    found = new(followed)
    for step in range(1200 // count):
        fill(writing, count, 1000 + step * count)
        found += new(followed)
        found += new(followed)  # A file that is left may end with a pause.
    assert len(rotated(log_path)) > 5
    assert found == list(range(len(found)))
    assert len(found) > 1300


def test_rotated_files_that_were_compressed_between_two_looks(writing: Recorder, log_path: Path) -> None:
    fill(writing, 50)
    followed = follow_log(log_path)
    found = new(followed)
    fill(writing, 600, 100)
    for each in rotated(log_path):
        compress(each.path)
    found += new(followed)
    assert len(rotated(log_path)) > 3
    assert found == list(range(len(found)))
    assert len(found) > 650


@pytest.mark.parametrize("create", [True, False])
def test_renamed_by_another_process(writing: Recorder, log_path: Path, create: bool) -> None:
    """The writer goes on in the renamed file until it notices; so does who follows, whenever it began."""
    fill(writing, 5)
    followed = follow_log(log_path)
    found = new(followed)
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    if create:
        log_path.touch()
    late = follow_log(log_path)
    found_late = new(late)
    fill(writing, 5, 5)
    found += new(followed)
    found_late += new(late)
    writing.log.reopen()
    fill(writing, 5, 10)
    found += new(followed) + new(followed)
    found_late += new(late) + new(late)
    assert found == found_late == list(range(18))  # 15, the start, a new file's head, and a fault.


def test_a_log_that_is_gone_is_waited_for(writing: Recorder, log_path: Path) -> None:
    followed = follow_log(log_path)
    assert new(followed) == [0]
    log_path.unlink()
    assert new(followed) == new(followed) == []
    fill(writing, 3)
    assert log_path.exists()
    writing.stop()
    assert new(followed)[:2] == [1, 2]


def test_a_compressed_file_is_read_once(writing: Recorder, log_path: Path) -> None:
    fill(writing, 200)
    (full,) = rotated(log_path)
    compress(full.path)
    followed = follow_log(full.path.with_name(full.path.name + ".zst"))
    assert len(new(followed)) > 50
    assert new(followed) == new(followed) == []


def test_a_log_that_was_never_there(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        next(follow_log(tmp_path / "log"))
