"""What sessions saw, by their own totals, and which of their records are in no log."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from taskaudit.contract.words import Language
from taskaudit.log.shapes import decode
from taskaudit.story.merged import Merged
from taskaudit.story.sessions import Coverage, Sessions
from tests.stories import ask, submit, write_log


def coverage(*logs: Path) -> Coverage:
    merged = Merged()
    for log in logs:
        merged.read(log)
    return merged.sessions.coverage()


def words(*logs: Path) -> str:
    return "; ".join(coverage(*logs).words())


def test_the_totals_of_all_sessions_are_summed(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0), submit(1, None)])
    write_log(first, [ask(5)])
    second = write_log(tmp_path / "b", [ask(9, "SUCCESS")])
    assert words(first, second) == "seen 4 = other 0 + audited 3 + unaudited 1 (aborted 1)"
    assert coverage(first, second).sessions == 3
    assert not coverage(first, second).is_whole


def test_a_session_that_runs_or_was_killed_is_told(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    assert words(log) == "seen 0 = other 0 + audited 0 + unaudited 0; 1 of 1 sessions not counted yet"
    whole = write_log(tmp_path / "whole", [submit(0)])
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(lines[:-1]))
    assert words(whole).endswith("; 1 of 1 sessions still running, or killed")
    assert coverage(log).open_sessions == 1


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
    assert [*coverage(log).words(Language.ZH)][-1] == "1 个会话中有 1 个尚未计数"


def test_sessions_that_were_read_apart_are_as_those_read_together(tmp_path: Path) -> None:
    """In whichever parts, and whichever part comes first."""
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    write_log(log, [ask(9, "SUCCESS")])
    records = [decode(line) for line in log.read_bytes().splitlines()]
    del records[2]
    whole = noted(records)
    assert whole.coverage().missing == 1
    for at, swapped in itertools.product(range(len(records) + 1), (False, True)):
        parts = [noted(records[:at]), noted(records[at:])]
        together = Sessions()
        for part in reversed(parts) if swapped else parts:
            together.include(part)
        assert together.coverage() == whole.coverage()
        assert together.are_over


def noted(records: list[object]) -> Sessions:
    sessions = Sessions()
    for record in records:
        sessions.note(record)  # type: ignore[arg-type]  # a record, as it is read
    return sessions
