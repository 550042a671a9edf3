"""Several logs read into one: told once, and nothing missing without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.log import Damaged, LogError
from taskaudit.log.shapes import NO_HTTP
from taskaudit.story.merged import Merged
from taskaudit.story.told import Told
from tests.samples import JOB_ID
from tests.stories import ask, submit, write_log


def read(*logs: Path) -> Merged:
    merged = Merged()
    for log in logs:
        merged.read(log)
    return merged


def words(*logs: Path) -> str:
    return "; ".join(read(*logs).sessions.coverage().words())


def test_the_totals_of_all_sessions_are_summed(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0), submit(1, None)])
    write_log(first, [ask(5)])
    second = write_log(tmp_path / "b", [ask(9, "SUCCESS")])
    assert words(first, second) == "seen 4 = other 0 + audited 3 + unaudited 1 (aborted 1)"
    assert read(first, second).sessions.coverage().sessions == 3
    assert not read(first, second).sessions.coverage().is_whole


def test_a_session_that_runs_or_was_killed_is_told(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    assert words(log) == "seen 0 = other 0 + audited 0 + unaudited 0; 1 of 1 sessions not counted yet"
    whole = write_log(tmp_path / "whole", [submit(0)])
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(lines[:-1]))
    assert words(whole).endswith("; 1 of 1 sessions still running, or killed")
    assert not read(log).sessions.are_over


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
    assert read(log).sessions.coverage().missing == missing
    assert ("LOST" in words(log)) is bool(missing)


def test_halves_of_a_session_in_two_files_make_it_whole(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    lines = log.read_bytes().splitlines(keepends=True)
    (tmp_path / "even").write_bytes(b"".join([lines[0], *lines[2::2]]))
    (tmp_path / "odd").write_bytes(b"".join([lines[0], *lines[1::2]]))
    assert read(tmp_path / "even").sessions.coverage().missing > 0
    assert read(tmp_path / "odd", tmp_path / "even", log).sessions.coverage().missing == 0


def test_a_verdict_counts_more_than_none(tmp_path: Path) -> None:
    """The same exchange, cut off in one log and whole in the other."""
    whole, cut = submit(0), submit(0, None, exchange_id=submit(0).exchange.exchange_id)
    logs = [write_log(tmp_path / "cut", [cut]), write_log(tmp_path / "whole", [whole])]
    for order in (logs, logs[::-1]):
        (told,) = read(*order).exchanges()
        assert (told.job_id, told.is_audited) == (JOB_ID, True)


@pytest.mark.parametrize(
    "line",
    [
        {"event_type": "submission", "submission": {}},
        {
            "event_type": "finding",
            "finding": {"rule": "TA306"},
            "timestamp": "2026-01-01T00:00:00Z",
            "seq": 9,
        },
        {"event_type": "stats", "stats": {}, "timestamp": "yesterday", "seq": 9, "session_id": "s"},
        {"event_type": "stats", "stats": {}, "timestamp": 7, "seq": 9, "session_id": "s"},
        {"event_type": "unaudited", "unaudited": {}, "timestamp": "2026-01-01T00:00:00Z", "seq": "x"},
    ],
)
def test_a_line_that_lacks_something_is_damaged(tmp_path: Path, line: dict[str, object]) -> None:
    log = write_log(tmp_path / "log", [submit(0)])
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    merged = read(log)
    (damaged,) = merged.damaged
    assert (damaged.path, damaged.line) == (log, 6)
    assert damaged.reason.startswith("not a record: ")
    assert len(list(merged.exchanges())) == 1


def test_damage_is_kept_and_the_rest_read(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([lines[0], b"damaged\n", *lines[2:]]))
    merged = read(log)
    assert merged.damaged[0][:2] == (log, 2)
    assert isinstance(merged.damaged[0], Damaged)
    assert len(list(merged.exchanges())) == 1
    assert merged.sessions.coverage().missing == 1


def test_a_file_is_read_once_by_however_many_paths(tmp_path: Path) -> None:
    """As with `log*`, which names the rotated files and the log that they belong to."""
    log = write_log(tmp_path / "log", [submit(0), ask(5)])
    lines = log.read_bytes().splitlines(keepends=True)
    old = tmp_path / "log.20260921T141320Z-001"
    old.write_bytes(b"".join([lines[0], b"damaged\n", *lines[2:]]))
    log.unlink()
    write_log(log, [submit(9, "another")])
    for paths in ((old, log), (log, old), (log, log)):
        merged = read(*paths)
        assert [each.path for each in merged.damaged] == [old]
        assert merged.sessions.coverage().sessions == 2


def test_a_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("{}\n", encoding="utf-8")
    with pytest.raises(LogError, match="not a log"):
        read(tmp_path / "foreign")


def test_following_takes_what_is_new(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    merged = Merged()
    steps = merged.follow(log)
    assert [next(steps), next(steps)] == [2, 0]
    write_log(log, [ask(5)])
    assert next(steps) == 5
    assert len(list(merged.exchanges())) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 2.0]), st.booleans(), st.booleans(), st.integers(0, 3)), max_size=9
    )
)
def test_exchanges_sort_as_they_must_have_been(facts: list[tuple[float, bool, bool, int]]) -> None:
    all_told = [Told(*each, str(n), "i", None, None, NO_HTTP) for n, each in enumerate(facts)]
    plain = sorted(all_told, key=lambda t: (t.at, t.is_query, t.is_final, t.seq, t.exchange_id))
    assert sorted(all_told) == plain
