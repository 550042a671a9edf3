"""A session across rotations, its own and other people's: nothing lost, nothing doubled, each thing told."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import wait_until

from taskaudit.log import Damaged, LogError, LogFile, LogSettings, file, read_log
from taskaudit.log.names import rotated
from taskaudit.recording.recorder import Recorder
from taskaudit.story.merged import Merged
from tests.cli.running import run
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import submit

SMALL = LogSettings(rotate_bytes=65_536)
Make = Callable[..., Recorder]


@pytest.fixture
def started(new_recorder: Make, log_path: Path) -> Callable[..., Recorder]:
    """Makes recorders that have started, with settings of the log."""

    def make(**settings: Any) -> Recorder:
        recorder = new_recorder(log=LogFile(log_path, LogSettings(**settings)))
        recorder.start()
        return recorder

    return make


@pytest.fixture(autouse=True)
def looks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is looked at before each write, not once a second."""
    monkeypatch.setattr(file, "LOOK", 0.0)


def records_of(path: Path) -> list[dict[str, Any]]:
    """All records of a log, none damaged."""
    items = list(read_log(path))
    assert [item for item in items if isinstance(item, Damaged)] == []
    return [item for item in items if not isinstance(item, Damaged)]


def faults(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(r["fault"]["reason"], r["fault"]["message"]) for r in records if r["event_type"] == "fault"]


def assert_whole(records: list[dict[str, Any]]) -> None:
    """In order, without a gap, and no record twice."""
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert len({record["record_id"] for record in records}) == len(records)


def fill(recorder: Recorder, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        recorder.record(submit(number, f"job-{number}"))


@pytest.mark.parametrize("compress", ["none", "zstd"])
def test_every_100_kb(started: Make, log_path: Path, compress: str) -> None:
    recorder = started(rotate_bytes=100_000, compress=compress)
    fill(recorder, 1500)
    recorder.stop()
    files = [each.path for each in rotated(log_path)]
    assert len(files) > 8
    records = records_of(log_path)
    assert_whole(records)
    jobs = [r["submission"]["job_id"] for r in records if r["event_type"] == "submission"]
    assert jobs == [f"job-{number}" for number in range(1500)]
    assert log_path.stat().st_size <= 100_000
    merged = Merged()
    merged.read(log_path)
    assert (merged.coverage().totals.seen, merged.coverage().missing) == (1500, 0)
    assert (merged.coverage().sessions, merged.sessions.are_over) == (1, True)


def test_each_file_starts_with_a_line_that_says_what_it_is(started: Make, log_path: Path) -> None:
    recorder = started(rotate_bytes=100_000)
    fill(recorder, 500)
    recorder.stop()
    firsts = [each.path.read_bytes().splitlines()[0] for each in rotated(log_path)]
    firsts.append(log_path.read_bytes().splitlines()[0])
    states = [json.loads(line)["session"]["state"] for line in firsts]
    assert states == ["start", *["continue"] * (len(firsts) - 1)]
    assert min(map(len, firsts)) > 1024
    assert len({line[:1024] for line in firsts}) == len(firsts) > 2
    (session,) = {json.loads(line)["session_id"] for line in firsts}
    assert session == recorder.stamp.session_id


def test_a_file_that_is_too_large_is_rotated_by_the_next_session(started: Make, log_path: Path) -> None:
    first = started()
    fill(first, 200)
    first.stop()
    second = started(rotate_bytes=100_000)
    second.stop()
    states = [r["session"]["state"] for r in records_of(log_path) if r["event_type"] == "session"]
    assert states == ["start", "stop", "start", "stop"]
    assert log_path.read_bytes().startswith(b'{"timestamp"')
    assert json.loads(log_path.read_bytes().splitlines()[0])["session"]["state"] == "start"


def test_by_age(started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5000.0
    monkeypatch.setattr(file.time, "monotonic", lambda: now)
    monkeypatch.setattr(file.time, "time", lambda: 1_790_000_000.0)
    recorder = started(rotate_seconds=3600)
    fill(recorder, 3)
    now += 3599
    fill(recorder, 3, 3)
    assert rotated(log_path) == []
    now += 2
    fill(recorder, 3, 6)
    assert len(rotated(log_path)) == 1
    assert_whole(records_of(log_path))


def test_the_age_of_a_file_counts_from_its_first_record(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file.time, "time", lambda: 1_790_000_000.0 + 4000)
    started().stop()
    started(rotate_seconds=3600).stop()
    assert len(rotated(log_path)) == 1


def test_an_old_clock_makes_no_file_old(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started().stop()
    monkeypatch.setattr(file.time, "time", lambda: 1_000_000_000.0)
    fill(started(rotate_seconds=3600), 3)
    assert rotated(log_path) == []


@pytest.mark.parametrize("gone", ["rename", "rename and create", "unlink"])
def test_another_process_takes_the_file_away(started: Make, log_path: Path, gone: str) -> None:
    """As logrotate does, with and without `create`, and as `rm` does."""
    recorder = started()
    fill(recorder, 5)
    if gone == "unlink":
        log_path.unlink()
    else:
        log_path.rename(log_path.with_name(log_path.name + ".1"))
    if gone == "rename and create":
        log_path.touch(0o640)
    fill(recorder, 5, 5)
    recorder.stop()
    records = records_of(log_path)
    assert_whole(records)
    assert [r["submission"]["job_id"] for r in records if r["event_type"] == "submission"] == [
        f"job-{number}" for number in range(10)
    ]
    ((reason, message),) = faults(records)
    assert reason == "log_reopened"
    assert ("deleted" if gone == "unlink" else "moved away") in message
    assert recorder.totals.lost == 0


def test_the_path_is_looked_at_once_a_second(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LOOK", 1.0)
    now = 5000.0
    monkeypatch.setattr(file.time, "monotonic", lambda: now)
    recorder = started()
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    fill(recorder, 3)
    assert not log_path.exists()
    now += 1.0
    fill(recorder, 3, 3)
    assert log_path.exists()
    assert_whole(records_of(log_path))


def test_access_stays_as_it_was_unless_another_has_made_the_file(started: Make, log_path: Path) -> None:
    recorder = started()
    for mode, create in ((0o640, False), (0o644, True)):
        log_path.chmod(0o640)
        log_path.unlink()
        if create:
            log_path.touch()
            log_path.chmod(mode)
        recorder.due()
        assert stat.S_IMODE(log_path.stat().st_mode) == mode


def test_reopening_on_demand(started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For SIGHUP: at once, also where nothing is to be written."""
    monkeypatch.setattr(file, "LOOK", 3600.0)
    recorder = started()
    fill(recorder, 1)
    recorder.reopen()
    assert faults(records_of(log_path)) == []
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    recorder.reopen()
    first, fault = map(json.loads, log_path.read_bytes().splitlines())
    assert (first["session"]["state"], fault["fault"]["reason"]) == ("continue", "log_reopened")
    assert_whole(records_of(log_path))


def test_without_traffic_the_timer_notices(started: Make, log_path: Path) -> None:
    recorder = started()
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    recorder.due()
    assert len(log_path.read_bytes().splitlines()) == 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_the_folder_is_removed_and_comes_back(new_recorder: Make, folder: Path, caplog: Any) -> None:
    log = folder / "log.ndjson"
    recorder = new_recorder(log=LogFile(log))
    recorder.start()
    fill(recorder, 5)
    assert recorder.failing is None
    shutil.rmtree(folder)
    recorder.due()
    assert recorder.failing == f"cannot open the log {log}: No such file or directory"
    fill(recorder, 5, 5)
    folder.mkdir()
    fill(recorder, 5, 10)
    assert recorder.failing is None
    recorder.stop()
    records = records_of(log)
    assert_whole(records)
    assert sum(record["event_type"] == "submission" for record in records) == 15
    assert [reason for reason, _ in faults(records)] == ["log_missing", "log_reopened"]
    assert recorder.totals.lost == 0
    assert caplog.text.count("was deleted or moved away") == 1


def test_the_folder_is_removed_for_good(new_recorder: Make, folder: Path, caplog: Any) -> None:
    recorder = new_recorder(log=LogFile(folder / "log"))
    recorder.start()
    fill(recorder, 5)
    shutil.rmtree(folder)
    fill(recorder, 2, 5)
    recorder.stop()
    count = 1 + 5 + 1 + 2 + 7 + 2  # start; a fault; TA501 for each job; the last totals and the stop
    assert f"{count} records are lost with the log, which was deleted" in caplog.text


def test_the_folder_is_moved_away(new_recorder: Make, folder: Path, tmp_path: Path) -> None:
    recorder = new_recorder(log=LogFile(folder / "log"))
    recorder.start()
    folder.rename(tmp_path / "elsewhere")
    fill(recorder, 5)
    assert recorder.failing
    recorder.stop()
    records = records_of(tmp_path / "elsewhere" / "log")
    assert_whole(records)
    assert faults(records)[0][0] == "log_missing"


def test_a_stranger_in_its_place_is_left_alone(started: Make, log_path: Path) -> None:
    recorder = started()
    moved = log_path.with_name("moved")
    log_path.rename(moved)
    log_path.write_text("a stranger\n", encoding="utf-8")
    fill(recorder, 3)
    assert "is not a log of taskaudit" in (recorder.failing or "")
    log_path.unlink()
    fill(recorder, 3, 3)
    assert recorder.failing is None
    records = records_of(moved) + records_of(log_path)
    assert_whole(records)
    assert [reason for reason, _ in faults(records)] == ["log_missing", "log_reopened"]


def test_another_audit_in_its_place_keeps_its_file(started: Make, log_path: Path) -> None:
    recorder = started()
    log_path.rename(log_path.with_name("moved"))
    other = LogFile(log_path)
    fill(recorder, 3)
    assert "in use by another audit" in (recorder.failing or "")
    assert log_path.read_bytes() == b""
    other.close()
    fill(recorder, 3, 3)
    assert recorder.failing is None


def test_a_fifo_in_its_place_blocks_nothing(started: Make, log_path: Path) -> None:
    recorder = started()
    moved = log_path.with_name("moved")
    log_path.rename(moved)
    os.mkfifo(log_path)
    fill(recorder, 2000)  # More than a pipe holds.
    assert "is not a regular file" in (recorder.failing or "")
    assert recorder.stop() is False
    records = records_of(moved)
    assert_whole(records)
    assert faults(records)[0][0] == "log_missing"


@pytest.mark.parametrize("cut", [1, 40, 5000])
def test_what_another_program_cut_is_reported_and_the_next_record_is_whole(
    started: Make, log_path: Path, cut: int
) -> None:
    recorder = started()
    fill(recorder, 20)
    before = log_path.read_bytes()
    os.truncate(log_path, len(before) - cut)
    fill(recorder, 3, 20)
    assert recorder.stop()
    since = log_path.read_bytes().removeprefix(before[: len(before) - cut])
    assert len(since) < log_path.stat().st_size, "what was there before is still there"
    first, *_ = lines = [json.loads(line) for line in since.splitlines() if line]
    assert first["fault"]["reason"] == "log_altered"
    assert f"it is cut by {cut} bytes" in first["fault"]["message"]
    assert sum(line["event_type"] == "submission" for line in lines) == 3
    assert lines[-1]["session"]["state"] == "stop"


def test_what_another_program_appended_is_reported_and_left(started: Make, log_path: Path) -> None:
    recorder = started()
    fill(recorder, 2)
    with log_path.open("ab") as log:
        log.write(b"no record, no line feed")
    fill(recorder, 1, 2)
    assert recorder.stop()
    lines = log_path.read_bytes().splitlines()
    at = lines.index(b"no record, no line feed")
    assert json.loads(lines[at + 1])["fault"]["message"].endswith("it is 23 bytes longer")
    assert [json.loads(line)["seq"] for line in lines[:at] + lines[at + 1 :]] == list(range(len(lines) - 1))


def test_emptied_by_copytruncate_it_is_still_a_log(started: Make, log_path: Path) -> None:
    recorder = started()
    fill(recorder, 3)
    log_path.with_name("copy").write_bytes(log_path.read_bytes())
    os.truncate(log_path, 0)
    fill(recorder, 3, 3)
    recorder.stop()
    assert_whole(records_of(log_path.with_name("copy")) + records_of(log_path))


def refuse(*_: object, **__: object) -> None:
    raise OSError(13, "Permission denied")


def test_a_log_that_cannot_be_rotated_grows(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 5000.0
    monkeypatch.setattr(file.time, "monotonic", lambda: now)
    attempts: list[object] = []

    def refuse_and_count(*names: object) -> None:
        attempts.append(names)
        refuse()

    recorder = started(rotate_bytes=100_000)
    with monkeypatch.context() as patch:
        patch.setattr("taskaudit.log.turning.os.replace", refuse_and_count)
        fill(recorder, 300)
        assert rotated(log_path) == []
        assert len(attempts) == 1
        assert log_path.stat().st_size > 150_000
    now += file.RETRY
    fill(recorder, 5, 300)
    assert len(rotated(log_path)) == 1
    recorder.stop()
    records = records_of(log_path)
    assert_whole(records)
    assert faults(records) == [("rotation_failed", "the log cannot be rotated, and grows: Permission denied")]


def test_what_another_renamed_just_before_a_rotation_is_not_rotated(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LOOK", 3600.0)
    recorder = started()
    fill(recorder, 200)
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    recorder.log.settings = SMALL
    fill(recorder, 1, 200)
    records = records_of(log_path)
    assert_whole(records)
    assert [reason for reason, _ in faults(records)] == ["log_reopened"]
    assert rotated(log_path) == []


def test_what_a_crash_within_a_rotation_left_is_put_right(started: Make, log_path: Path) -> None:
    """The full file had both its names."""
    recorder = started()
    fill(recorder, 3)
    recorder.log.close()
    os.link(log_path, log_path.with_name("audit.20260921T141320Z-001.ndjson"))
    started().stop()
    assert rotated(log_path) == []
    assert len(records_of(log_path)) == 4 + 3


def test_each_file_is_forced_to_the_disk(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
    recorder = started(fsync="batch", rotate_bytes=65536)
    fill(recorder, 400)
    recorder.log.close()
    inodes = {path.stat().st_ino for path in (log_path, *(each.path for each in rotated(log_path)))}
    assert len(inodes) > 2
    assert inodes <= set(synced)


def test_a_disk_that_does_not_answer_keeps_no_log_locked(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = threading.Event()
    monkeypatch.setattr("taskaudit.log.syncing.PATIENCE", 0.01)
    monkeypatch.setattr(os, "fsync", lambda fd: ready.wait(30))
    recorder = started(fsync="batch")
    recorder.log.close()
    LogFile(log_path).close()
    ready.set()


def test_a_notice_that_cannot_be_written_is_no_loss(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = started()
    log_path.rename(log_path.with_name(log_path.name + ".1"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        recorder.due()
    recorder.due()
    records = records_of(log_path)
    assert_whole(records)
    assert [reason for reason, _ in faults(records)] == ["log_reopened"]


def test_a_disk_that_is_full_behind_a_rotation(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new file could be made, but nothing fits into it; it still starts with a session record."""
    recorder = started()
    fill(recorder, 200, 6)
    recorder.log.settings = SMALL
    written = len(log_path.read_bytes().splitlines())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        fill(recorder, 6)
        assert log_path.read_bytes() == b""
        assert recorder.failing == "Permission denied"
    fill(recorder, 1, 300)
    lines = [json.loads(line) for line in log_path.read_bytes().splitlines()]
    assert [line["event_type"] for line in lines] == ["session", "fault", "submission"]
    assert (lines[1]["fault"]["rule"], lines[1]["fault"]["lost"]) == ("TA902", 6)
    assert [line["seq"] for line in lines] == [written + 6, written + 7, written + 8]
    merged = Merged()
    merged.read(log_path)
    assert merged.coverage().missing == 6


def test_records_told_together_have_ids_of_their_own(
    recorder: Recorder, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss is told by a fault record; a fault that comes with it is another one."""
    from taskaudit.log.record import Fault

    body = Fault(reason="audit_failed", rule="TA901", message="m")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        recorder.record(outcome())
    recorder.fault(body)
    records = records_of(log_path)
    assert [reason for reason, _ in faults(records)] == ["records_lost", "audit_failed"]
    assert len({record["record_id"] for record in records}) == len(records)


def test_a_loss_is_told_without_traffic(
    recorder: Recorder, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        recorder.record(outcome(BAD_ERROR, 400))
        recorder.due()
    recorder.due()
    assert [message for _, message in faults(records_of(log_path))] == [
        "2 records could not be written: Permission denied"
    ]
    assert recorder.failing is None


def test_settings_may_change_while_it_runs(started: Make, log_path: Path) -> None:
    recorder = started()
    fill(recorder, 200)
    recorder.log.settings = LogSettings(rotate_bytes=65536, keep_files=1, fsync="batch")
    fill(recorder, 200, 200)
    recorder.log.settings = LogSettings()
    fill(recorder, 200, 400)
    recorder.stop()
    assert len(rotated(log_path)) == 1
    assert log_path.stat().st_size > 65536


@pytest.mark.parametrize("fsync", ["each", "batch"])
def test_a_disk_that_refuses_is_told(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        recorder = started(fsync=fsync)
        fill(recorder, 3)
        recorder.log.settings = LogSettings()  # Waits for the group.
        assert recorder.failing == "fsync failed: Permission denied"
    recorder.log.settings = LogSettings(fsync="each")
    fill(recorder, 1, 3)
    assert recorder.failing is None
    records = records_of(log_path)
    assert_whole(records)
    assert faults(records) == [
        ("sync_failed", "records may not be on the disk: fsync failed: Permission denied")
    ]


def test_each_write_is_on_the_disk_before_it_returns(
    started: Make, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    recorder = started(fsync="each")
    monkeypatch.setattr(os, "fsync", lambda fd: sizes.append(os.fstat(fd).st_size))
    for number in range(3):
        recorder.record(submit(number))
        assert sizes[-1] == log_path.stat().st_size
    assert recorder.committed() is None
    assert len(sizes) == 3


def test_off_forces_nothing(started: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", pytest.fail)
    recorder = started()
    recorder.record(outcome())
    assert recorder.committed() is None


def test_rotated_files_are_not_refused_as_logs_in_use(started: Make, log_path: Path) -> None:
    recorder = started(rotate_bytes=65536)
    fill(recorder, 300)
    LogFile(rotated(log_path)[0].path).close()
    with pytest.raises(LogError, match="in use"):
        LogFile(log_path)


def test_a_link_to_the_log_stays_one(new_recorder: Make, tmp_path: Path, folder: Path) -> None:
    link = tmp_path / "link.ndjson"
    link.symlink_to(folder / "real.ndjson")
    recorder = new_recorder(log=LogFile(link, SMALL))
    recorder.start()
    fill(recorder, 300)
    recorder.stop()
    assert link.is_symlink()
    assert len(rotated(folder / "real.ndjson")) >= 2
    assert_whole(records_of(link))


def test_a_killed_session_leaves_files_that_are_whole(started: Make, log_path: Path) -> None:
    first = started(rotate_bytes=100_000)
    fill(first, 300)
    with log_path.open("ab") as live:
        live.write(b'{"timestamp":"2026')
    first.log.close()
    second = started(rotate_bytes=100_000, compress="zstd")
    fill(second, 300, 300)
    second.stop()
    records = records_of(log_path)
    assert [r["submission"]["job_id"] for r in records if r["event_type"] == "submission"] == [
        f"job-{number}" for number in range(600)
    ]
    assert [reason for reason, _ in faults(records)] == ["log_repaired"]
    assert JOB_ID not in str(records)


COMMANDS = (
    ["jobs", "-f", "csv"],
    ["jobs", "-f", "json"],
    ["findings", "-f", "json"],
    ["report", "-f", "github"],
    ["waivers", "test", "-f", "json", "--config", "{config}"],
    ["load", "--to", "{store}"],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_reads_rotated_and_compressed_files(
    started: Make, log_path: Path, tmp_path: Path, arguments: list[str]
) -> None:
    """What they say is what they say of all lines in one file."""
    recorder = started(rotate_bytes=65_536, compress="zstd")
    fill(recorder, 150)
    recorder.record(outcome(BAD_ERROR, 400))
    wait_until(lambda: bool(list(log_path.parent.glob("*.zst"))), "a compressed file")
    recorder.stop()
    assert len(rotated(log_path)) >= 2
    whole, config = tmp_path / "elsewhere" / log_path.name, tmp_path / "taskaudit.yaml"
    whole.parent.mkdir()
    whole.write_bytes(b"".join(as_line(record) for record in records_of(log_path)))
    config.write_text(
        "waivers: [{rule: TA306, reason: known, owner: me, until: 2099-12-31}]", encoding="utf-8"
    )
    told: list[str] = []
    for log in (log_path, whole):
        words = (word.format(config=config, store=log.parent / "store.db") for word in arguments)
        done = run(*words, log)
        assert done.exit_code == 0
        told.append(done.stdout.replace(str(log.parent), ""))
    assert told[0] == told[1] != ""


def as_line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
