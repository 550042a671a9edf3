"""What came of each operation: counted once, by role and name, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from taskaudit.catalogue import Role
from taskaudit.story.merged import Merged
from taskaudit.story.operations import OTHERS, Operation, Operations, by_operation
from taskaudit.story.story import Story, story_of
from tests.reports.runs import RUN, refused
from tests.stories import ask, write_log


def told(log: Path) -> tuple[Merged, Story]:
    merged = Merged()
    merged.read(log)
    return merged, story_of(merged)


def table(log: Path, most: int = 1000) -> tuple[tuple[Operation, ...], Story]:
    merged, story = told(log)
    operations = Operations(most)
    for each in merged.exchanges():
        operations.add(each)
    return operations.table(story.findings), story


def test_each_operation_with_its_answers_and_findings(tmp_path: Path) -> None:
    operations, _ = table(write_log(tmp_path / "log", RUN))
    create, unlisted, query = operations[1], operations[0], operations[2]
    assert [each.title for each in operations] == [
        "POST /v9/things",
        "POST ecs:CreateServers",
        "GET ecs:ShowJob",
    ]
    assert (create.role, create.seen, create.audited) == (Role.SUBMISSION, 7, 5)
    assert create.kinds == (("error", 3), ("job", 2))
    assert create.unaudited == (("aborted", 1), ("streamed", 1))
    assert create.rules == (("TA003", 1), ("TA304", 1), ("TA306", 2), ("TA501", 1))
    assert (unlisted.kinds, unlisted.rules) == ((("error", 1),), (("TA306", 1),))
    assert (query.role, query.audited, query.kinds, query.rules) == (Role.JOB_QUERY, 3, (), (("TA502", 1),))


def test_a_path_with_values_is_one_operation(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [refused(n, path=f"/v9/things/{n}") for n in range(1, 4)])
    operations, _ = table(log)
    assert [(each.title, each.audited) for each in operations] == [("POST /v9/things/{}", 3)]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 1000])
def test_however_few_are_kept_nothing_is_lost(tmp_path: Path, most: int) -> None:
    merged, _ = told(write_log(tmp_path / "log", RUN))
    operations, story = table(tmp_path / "log", most)
    assert len([each for each in operations if each.name != OTHERS]) == min(most, 3)
    for role in (Role.SUBMISSION, Role.JOB_QUERY):
        expected = sum(each.is_query == (role is Role.JOB_QUERY) for each in merged.exchanges())
        assert sum(each.seen for each in operations if each.role is role) == expected
    found = sum(count for each in operations for _, count in each.rules)
    assert found == sum(each.count for each in story.findings)


def counts(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(found)


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_findings_are_found_where_they_are_counted(tmp_path: Path, most: int) -> None:
    operations, story = table(write_log(tmp_path / "log", RUN), most)
    grouped = by_operation(operations, story.findings)
    assert set(grouped) == {each.key for each in operations if each.rules}
    for each in operations:
        here: dict[str, int] = {}
        for found in grouped.get(each.key, []):
            here[found.rule] = here.get(found.rule, 0) + found.count
        assert here == counts(each.rules)


def test_a_finding_whose_exchange_was_lost_still_counts(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [refused(1), ask(2, None, "None")])
    lines = log.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'"event_type":"submission"' not in line]
    log.write_bytes(b"".join(kept))
    (lost, query), _ = table(log)
    assert (lost.role, lost.seen, lost.rules) == (Role.SUBMISSION, 0, (("TA306", 1),))
    assert query.seen == 1


def test_the_table_leaves_the_counts_as_they_are(tmp_path: Path) -> None:
    merged, story = told(write_log(tmp_path / "log", RUN))
    operations = Operations()
    first = operations.table(story.findings)
    for each in merged.exchanges():
        operations.add(each)
    assert all(each.seen == 0 for each in first)
    assert operations.table(story.findings) == operations.table(story.findings)
    assert [each.rules for each in operations.table(())] == [(), (), ()]
