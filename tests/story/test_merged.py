"""Several logs read into one: told once, and nothing missing without a word."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from msgspec import structs

from taskaudit.log import Damaged, LogError
from taskaudit.spool.blocks import Store
from taskaudit.spool.sent import receive, send
from taskaudit.story.merged import Merged
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import START, ask, submit, write_log


def read(*logs: Path) -> Merged:
    merged = Merged()
    for log in logs:
        merged.read(log)
    return merged


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
    assert merged.coverage().missing == 1


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
        assert merged.coverage().sessions == 2


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


def test_a_copy_of_an_exchange_is_told_once(tmp_path: Path) -> None:
    """A capture that was audited again makes another session, with the same exchanges."""
    first = write_log(tmp_path / "a", [submit(0), ask(5)])
    second = write_log(tmp_path / "b", [submit(0), ask(5), ask(9, "SUCCESS")], instance="proxy-b")
    for order in ((first, second), (second, first), (first, second, first)):
        merged = read(*order)
        assert [told.instance for told in merged.exchanges()] == ["proxy-a", "proxy-a", "proxy-b"]
        assert merged.repeated == 2
    copy = tmp_path / "copy"
    copy.write_bytes(first.read_bytes())
    merged = read(first, copy)
    assert len(list(merged.exchanges())) == 2
    assert merged.repeated == 0


def test_an_exchange_that_ended_at_two_times_is_told_once(tmp_path: Path) -> None:
    """Given up by one proxy's account, whole by another one's: the verdict counts, whichever came first."""
    whole, known = submit(5), submit(5).exchange.exchange_id
    for at in (2, 9):
        cut = submit(at, None, exchange_id=known)
        folder = tmp_path / str(at)
        folder.mkdir()
        logs = [write_log(folder / "cut", [cut, ask(3)]), write_log(folder / "whole", [whole, ask(7)])]
        for order in (logs, logs[::-1]):
            merged = read(*order)
            assert [told.at - START for told in merged.exchanges()] == [3, 5, 7]
            assert all(told.is_audited for told in merged.exchanges())
            assert merged.repeated == 1


def test_what_another_one_has_taken(tmp_path: Path) -> None:
    """As one that has taken all."""
    first = write_log(tmp_path / "a", [submit(0), outcome(BAD_ERROR, 400, started=START, ended=START + 2)])
    second = write_log(tmp_path / "b", [submit(0), ask(5)], instance="proxy-b", stop=False)
    one = read(first, second)
    together, part = read(first), Merged(1)
    part.read(second)
    pipe = io.BytesIO()
    send(part, pipe)
    pipe.seek(0)
    together.include(receive(pipe, Store()))
    assert [structs.replace(told, nth=0) for told in together.exchanges()] == [
        structs.replace(told, nth=0) for told in one.exchanges()
    ]
    assert [found[:3] for found in together.findings()] == [found[:3] for found in one.findings()]
    assert len(list(one.findings())) == 1
    assert (together.last, together.repeated) == (one.last, one.repeated)
    assert together.coverage() == one.coverage()
