from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.reports.charts import Bar, activity, bars
from taskaudit.story.operations import Counts
from taskaudit.story.story import tell
from tests.stories import ask, submit, write_log


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((), ()),
        ((("a", 0),), ()),
        ((("a", 1), ("b", 4)), (Bar("b", 4, 100.0), Bar("a", 1, 25.0))),
        ((("b", 2), ("a", 2)), (Bar("a", 2, 100.0), Bar("b", 2, 100.0))),
    ],
)
def test_bars_are_shares_of_the_largest(counts: Counts, expected: tuple[Bar, ...]) -> None:
    assert bars(counts) == expected


def test_activity_counts_every_exchange_once(log_path: Path) -> None:
    outcomes = [submit(0), ask(1), ask(2), ask(60, "SUCCESS"), submit(60, "j-2")]
    found = activity(tell([write_log(log_path, outcomes)]).jobs)
    assert found is not None
    assert sum(column.submissions for column in found.columns) == 2
    assert sum(column.queries for column in found.columns) == 3
    assert found.busiest == 2
    assert found.columns[-1].submissions_height == found.columns[-1].queries_height == 50.0


@pytest.mark.parametrize("at", [(), (1,)])
def test_no_picture_of_too_little(log_path: Path, at: tuple[float, ...]) -> None:
    assert activity(tell([write_log(log_path, map(submit, at))]).jobs) is None
