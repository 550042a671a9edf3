"""What sessions saw, by their own totals, and which of their records are in no log."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from taskaudit.contract.words import Language
from taskaudit.log import LogFile
from taskaudit.log.record import decode
from taskaudit.log.settings import LogSettings
from taskaudit.recording.recorder import Recorder
from taskaudit.story.merged import Merged
from taskaudit.story.sessions import Coverage, Sessions
from tests.stories import ask, submit, write_log


def coverage(*logs: Path) -> Coverage:
    merged = Merged()
    for log in logs:
        merged.read(log)
    return merged.coverage()


def words(*logs: Path) -> str:
    told = coverage(*logs)
    return "; ".join([told.line(), *told.gaps()])


def test_the_totals_of_all_sessions_are_summed(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0), submit(1, None)])
    write_log(first, [ask(5)])
    second = write_log(tmp_path / "b", [ask(9, "SUCCESS")])
    assert words(first, second) == "seen 4 = other 0 + audited 3 + unaudited 1 (aborted 1)"
    assert coverage(first, second).sessions == 3
    assert not coverage(first, second).is_whole


def test_a_session_that_runs_or_was_killed_is_told(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    assert words(log) == (
        "seen 1 = other 0 + audited 1 + unaudited 0; 1 of 1 sessions still running, or killed: "
        "as of 2026-09-21 14:30:00 UTC, other not counted yet"
    )
    whole = write_log(tmp_path / "whole", [submit(0)])
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(lines[:-1]))
    assert words(whole).endswith("as of 2026-09-21 14:30:00 UTC, other as of 2026-09-21 14:30:00 UTC")
    assert coverage(log).open_sessions == 1


def test_a_killed_session_is_counted_from_its_records(tmp_path: Path) -> None:
    """Its last totals are older than its last records: they tell only what was none of ours."""
    recorder = Recorder(LogFile(tmp_path / "log"), instance_id="a", mode="regular", config_digest="d" * 64)
    recorder.start()
    recorder.record(submit(0))
    recorder.pass_by()
    recorder.stats()
    for n in range(1, 4):
        recorder.record(submit(n, f"job-{n}"))
    recorder.record(submit(9, None))
    recorder.pass_by()
    recorder.log.close()
    assert words(tmp_path / "log").startswith(
        "seen 6 = other 1 + audited 4 + unaudited 1 (aborted 1); 1 of 1"
    )


def test_a_copy_of_an_open_log_counts_once(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(5)], stop=False)
    lines = log.read_bytes().splitlines(keepends=True)
    (tmp_path / "copy").write_bytes(b"".join(lines[:4]))
    assert coverage(log, tmp_path / "copy").totals.audited == 5


@pytest.mark.parametrize("stop", [True, False])
def test_what_rotation_pruned_is_not_lost(tmp_path: Path, stop: bool) -> None:
    log, files = _rotated(tmp_path, stop=stop)
    assert (coverage(log).missing, coverage(log).pruned) == (0, 0)
    held = sum(len(file.read_bytes().splitlines()) for file in files[:2])
    for file in files[:2]:
        file.unlink()
    assert (coverage(log).missing, coverage(log).pruned) == (0, held)
    assert f"{held} older records pruned by rotation" in words(log)
    assert "LOST" not in words(log)
    files[3].unlink()  # From the middle: nobody prunes there.
    assert coverage(log).missing > 0
    assert coverage(log).pruned == held


def test_a_file_that_holds_the_stop_alone_continues_the_session(tmp_path: Path) -> None:
    recorder = Recorder(LogFile(tmp_path / "log"), instance_id="a", mode="regular", config_digest="d" * 64)
    recorder.start()
    recorder.record(submit(0))
    recorder.stats()
    (tmp_path / "log").rename(tmp_path / "pruned")
    recorder.log.reopen()
    recorder._write([recorder._session("stop")])
    recorder.log.close()
    states = [json.loads(line)["session"] for line in (tmp_path / "log").read_bytes().splitlines()[:1]]
    assert [each["state"] for each in states] == ["continue"]
    assert coverage(tmp_path / "log").missing == 0
    assert coverage(tmp_path / "log").pruned == 3


def test_what_the_session_counts_as_lost_was_not_pruned(tmp_path: Path) -> None:
    """The disk was full at the start: the first file that could be written begins in the middle."""
    recorder = Recorder(LogFile(tmp_path / "log"), instance_id="a", mode="regular", config_digest="d" * 64)
    os.close(recorder.log._fd)  # type: ignore[attr-defined]  # Nothing can be written.
    recorder.start()
    recorder.record(submit(0))
    recorder.log = LogFile(tmp_path / "other")
    recorder.record(submit(1, "b"))
    recorder.log.close()
    assert (coverage(tmp_path / "other").missing, coverage(tmp_path / "other").pruned) == (2, 0)


def _rotated(folder: Path, *, stop: bool) -> tuple[Path, list[Path]]:
    """A log in several files, and those that were rotated, the oldest first."""
    log = LogFile(folder / "log.ndjson", LogSettings(rotate_bytes=65_536))
    recorder = Recorder(log, instance_id="a", mode="regular", config_digest="d" * 64)
    recorder.start()
    for n in range(600):
        recorder.record(submit(n, f"job-{n}"))
    if stop:
        recorder.stop()
    else:
        recorder.log.close()
    files = sorted(folder.glob("log.*-*.ndjson"))
    assert len(files) > 4
    return log.path, files


@pytest.mark.parametrize(
    ("kept", "missing"),
    [([], 0), ([0, 1, 2, 3, 4, 5], 0), ([0, 1], 0), ([5], 5), ([2, 3, 4, 5], 2), ([0, 3, 5], 3)],
)
def test_gaps_are_counted(tmp_path: Path, kept: list[int], missing: int) -> None:
    """It is the second session that is cut, as a log's first line says what the file is."""
    log = write_log(tmp_path / "log", [], stop=False)
    first = log.read_bytes()
    write_log(log, [submit(0), ask(5), ask(9, "SUCCESS")])
    lines = log.read_bytes()[len(first) :].splitlines(keepends=True)
    assert len(lines) == 6
    log.write_bytes(first + b"".join(lines[number] for number in kept))
    assert coverage(log).missing == missing
    assert ("LOST" in words(log)) is bool(missing)


def test_halves_of_a_session_in_two_files_make_it_whole(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    lines = log.read_bytes().splitlines(keepends=True)
    (tmp_path / "even").write_bytes(b"".join([lines[0], *lines[2::2]]))
    (tmp_path / "odd").write_bytes(b"".join([lines[0], *lines[1::2]]))
    assert coverage(tmp_path / "even").missing > 0
    assert coverage(tmp_path / "odd", tmp_path / "even", log).missing == 0


def test_it_is_told_in_chinese(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    assert (
        coverage(log)
        .line(Language.ZH)
        .endswith("；1 个会话中有 1 个仍在运行，或已被终止：截至 2026-09-21 14:30:00 UTC，其他尚未计数")
    )


def test_sessions_that_were_read_apart_are_as_those_read_together(tmp_path: Path) -> None:
    """In whichever parts, and whichever part comes first."""
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    write_log(log, [ask(9, "SUCCESS")])
    records = [decode(line) for line in log.read_bytes().splitlines()]
    del records[2]
    whole = noted(records)
    assert whole.coverage({}).missing == 1
    for at, swapped in itertools.product(range(len(records) + 1), (False, True)):
        parts = [noted(records[:at]), noted(records[at:])]
        together = Sessions()
        for part in reversed(parts) if swapped else parts:
            together.include(part)
        assert together.coverage({}) == whole.coverage({})
        assert together.are_over


def noted(records: list[object]) -> Sessions:
    sessions = Sessions()
    for record in records:
        sessions.note(record)  # type: ignore[arg-type]  # a record, as it is read
    return sessions
