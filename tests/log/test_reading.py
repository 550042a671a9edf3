"""A log is read as far as it can be read, with all its files, each told once."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit.log import Damaged, LogError, LogFile, LogSettings, read_log, reading
from taskaudit.log.names import rotated
from taskaudit.log.tidying import compress
from taskaudit.recording.recorder import Recorder
from tests.stories import submit


def test_reading_gives_every_record_in_order(written: bytes, log_path: Path) -> None:
    assert list(read_log(log_path)) == [json.loads(line) for line in written.splitlines()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"timestamp":', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\x00\x00", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a record"),
        (b"1", "not a record"),
        (b"{}", "not a record"),
        (b'{"event_type": 1}', "not a record"),
        (b'{"event_type": []}', "not a record"),
        (b'{"event_type": "submission"}', "not a record"),
        (b'{"event_type": "submission", "submission": 1}', "not a record"),
    ],
)
def test_a_damaged_line_is_told_and_the_rest_is_read(
    written: bytes, log_path: Path, line: bytes, reason: str
) -> None:
    lines = written.splitlines()
    lines[2:2] = [line]
    log_path.write_bytes(b"\n".join(lines) + b"\n")
    read = list(read_log(log_path))
    damaged = [item for item in read if isinstance(item, Damaged)]
    assert [(each.path, each.line) for each in damaged] == [(log_path, 3)]
    assert damaged[0].reason.startswith(reason)
    assert len(read) == len(lines)


@pytest.mark.parametrize("cut", [1, 20, 60, 300])
def test_a_last_line_that_is_not_finished_is_told(written: bytes, log_path: Path, cut: int) -> None:
    log_path.write_bytes(written + written[:cut])
    *records, last = read_log(log_path)
    assert isinstance(last, Damaged)
    assert last.line == len(records) + 1 == written.count(b"\n") + 1
    assert "not finished" in last.reason


def test_an_empty_log_holds_nothing(log_path: Path) -> None:
    log_path.touch()
    assert list(read_log(log_path)) == []


@pytest.fixture
def parts(new_recorder: Callable[..., Recorder], log_path: Path) -> list[Path]:
    """The files of a closed log, in order, the live one last."""
    recorder = new_recorder(log=LogFile(log_path, LogSettings(rotate_bytes=65536)))
    recorder.start()
    for number in range(400):
        recorder.record(submit(number, f"job-{number}"))
    recorder.log.close()
    return [*(each.path for each in rotated(log_path)), log_path]


def numbers(path: Path) -> list[int]:
    return [item["seq"] for item in read_log(path) if not isinstance(item, Damaged)]


def zipped(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def zstd(path: Path) -> Path:
    compress(path)
    return path.with_name(path.name + ".zst")


def test_a_log_is_read_with_its_rotated_files(parts: list[Path], log_path: Path) -> None:
    assert len(parts) > 3
    whole = numbers(log_path)
    assert whole == list(range(len(whole)))
    assert len(whole) == sum(path.read_bytes().count(b"\n") for path in parts)
    zstd(parts[0])
    assert numbers(log_path) == whole


def test_one_rotated_file_is_read_alone(parts: list[Path]) -> None:
    alone = numbers(parts[1])
    assert 0 < alone[0] < alone[-1]
    assert len(alone) == parts[1].read_bytes().count(b"\n")
    assert numbers(zstd(parts[1])) == alone


def test_the_name_does_not_tell_how_a_file_is_compressed(parts: list[Path], tmp_path: Path) -> None:
    alone = numbers(parts[1])
    assert numbers(zstd(parts[1]).rename(tmp_path / "plain.ndjson")) == alone


def test_what_logrotate_makes_is_read_in_order(parts: list[Path], log_path: Path) -> None:
    """Its numbers count backwards; in a folder `.10` comes before `.2`."""
    whole = numbers(log_path)
    for number, path in enumerate(reversed(parts[:-1]), 9):
        path.rename(log_path.with_name(f"{log_path.name}.{number}"))
    zipped(log_path.with_name(f"{log_path.name}.10"))
    assert numbers(log_path) == whole


def test_sessions_go_by_time_and_files_of_one_by_number(parts: list[Path], log_path: Path) -> None:
    """A clock that was set back while the session ran."""
    whole = numbers(log_path)
    path = parts[2]
    path.write_bytes(path.read_bytes().replace(b'"timestamp":"2026', b'"timestamp":"2025', 1))
    assert numbers(log_path) == whole


def test_a_log_without_its_live_file(parts: list[Path], log_path: Path) -> None:
    last = numbers(log_path)[-1] - log_path.read_bytes().count(b"\n")
    log_path.unlink()
    assert numbers(log_path)[-1] == last


@pytest.mark.parametrize("state", ["both", "linked", "packed"])
def test_a_file_that_is_there_twice_is_read_once(parts: list[Path], log_path: Path, state: str) -> None:
    """Between two steps of a rotation, or of compressing."""
    whole = numbers(log_path)
    if state == "both":
        shutil.copy(parts[0], parts[0].with_name("kept"))
        zstd(parts[0])
        parts[0].with_name("kept").rename(parts[0])
    elif state == "linked":
        os.link(log_path, parts[0].with_name(parts[0].name.replace("-001", "-999")))
    else:
        zstd(Path(shutil.copy(log_path, parts[0].with_name(parts[0].name.replace("-001", "-999")))))
    assert numbers(log_path) == whole


def test_rotated_and_compressed_while_it_is_read(parts: list[Path], log_path: Path) -> None:
    whole = numbers(log_path)
    items = reading.read_lines(log_path)
    read = [next(items)]
    for path in parts[1:-1]:
        zstd(path)
    log_path.rename(log_path.with_name(parts[0].name.replace("-001", "-999")))
    log_path.touch()
    read += items
    records = list(map(reading.record_of, read))
    assert [record["seq"] for record in records if not isinstance(record, Damaged)] == whole


def test_a_file_that_is_deleted_while_the_log_is_read_is_passed_by(parts: list[Path], log_path: Path) -> None:
    items = reading.read_lines(log_path)
    next(items)
    parts[1].unlink()
    assert {path for path, *_ in items} == set(parts) - {parts[1]}


def test_a_compressed_file_that_is_cut_short_is_told(parts: list[Path], log_path: Path) -> None:
    whole = numbers(log_path)
    packed = zstd(parts[1])
    data = packed.read_bytes()
    packed.write_bytes(data[: len(data) // 2])
    (damaged,) = [item for item in read_log(log_path) if isinstance(item, Damaged)]
    assert (damaged.path, damaged.line) == (packed, 1)
    assert (
        damaged.reason
        == f"the compressed data is damaged at byte {len(data) // 2} (the zstd data ends early)"
    )
    assert set(numbers(log_path)) < set(whole)


def test_what_is_before_and_behind_damage_is_read(
    parts: list[Path], log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskaudit.log.tidying._CHUNK", 10_000)
    whole = numbers(log_path)
    packed = zstd(parts[1])
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 0xFF
    packed.write_bytes(data)
    read = numbers(log_path)
    damaged = [item for item in read_log(log_path) if isinstance(item, Damaged)]
    assert damaged
    assert all(each.path == packed and each.line > 1 for each in damaged)
    lost = set(whole) - set(read)
    assert 0 < len(lost) < 40
    assert read == [number for number in whole if number not in lost]


def test_paths_that_lead_to_the_same_files(parts: list[Path], log_path: Path) -> None:
    """As `audit*` does: each file is read once, whichever path comes first."""
    whole = len(numbers(log_path))
    for paths in (parts, parts[::-1]):
        read: set[reading.Inode] = set()
        assert sum(len(list(reading.read_lines(path, read))) for path in paths) == whole


def test_other_files_in_the_folder_are_not_read(parts: list[Path], log_path: Path) -> None:
    whole = numbers(log_path)
    log_path.with_name(f"{log_path.name}.1").write_text("not a log\n")
    log_path.with_name(f"{log_path.name}.2").touch()
    log_path.with_name(f"{log_path.name}.partial-17").write_text('{"timestamp":')
    shutil.copy(parts[0], log_path.with_name("another.ndjson"))
    assert numbers(log_path) == whole


def test_a_compressed_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_bytes(gzip.compress(b"{}\n"))
    with pytest.raises(LogError, match="not a log of taskaudit"):
        list(read_log(tmp_path / "foreign"))
