"""Times of HAR entries: as programs write them, and where they leave them out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from taskaudit.sources import har_times
from taskaudit.sources.captured import Captured
from taskaudit.sources.har import read_har
from taskaudit.sources.har_times import seconds_of
from taskaudit.sources.window import Window

NINE = 1772442000.0


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T09:00:00Z",
        "2026-03-02T09:00:00.000Z",
        "2026-03-02T09:00:00",
        "2026-03-02 09:00:00",
        "2026/03/02 09:00:00",
        "2026-03-02T09:00Z",
        "2026-03-02t09:00:00z",
        "2026-03-02 09:00:00 UTC",
        "2026-03-02 17:00:00 +0800",
        "2026-03-02T04:00:00.0000000-05:00",
        "2026-03-02T04:00:00.000-0500",
        "2026-03-02T04:00:00.000-05",
        "2026-03-02T09:00:00.00000000000Z",
        " 2026-03-02T09:00:00,000Z ",
        "Mon, 02 Mar 2026 09:00:00 GMT",
        "Mon, 02 Mar 2026 10:00:00 +0100",
        "Mon Mar 02 2026 10:00:00 GMT+0100 (Central European Standard Time)",
        "1772442000",
        "1772442000.000",
        "1772442000000",
        "1772442000000000",
        "1772442000000000000",
        "/Date(1772442000000)/",
        "/Date(1772442000000+0100)/",
    ],
)
def test_written(written: str) -> None:
    assert seconds_of(written) == NINE


@pytest.mark.parametrize(
    "written", ["", "yesterday", "1e9", "0001-01-01T00:00:00+14:00", "-5", "9" * 40, "x" * 9999]
)
def test_no_time(written: str) -> None:
    assert seconds_of(written) is None


def entry(path: str, began: Any = None, took: Any = 1000) -> dict[str, Any]:
    return {
        "startedDateTime": began,
        "time": took,
        "request": {"method": "POST", "url": f"https://a/{path}"},
        "response": {"status": 200, "content": {"text": "{}"}},
    }


def read(*entries: object, passes_by: Callable[[str, str], bool] = lambda *_: False) -> dict[str, float]:
    """When each exchange happened, in order."""
    text = json.dumps({"log": {"entries": entries}}).encode()
    found = list(read_har(Window(io.BytesIO(text)), passes_by))
    captured = [each for each in found if isinstance(each, Captured)]
    assert len(captured) == len(found)
    assert [each.index for each in captured] == sorted(each.index for each in captured)
    return {each.exchange.path or "": each.exchange.at - NINE for each in captured}


def test_one_without_a_time_happened_with_the_one_before() -> None:
    assert read(entry("a", NINE), entry("b"), entry("c", "soon"), entry("d", NINE + 9)) == {
        "/a": 1,
        "/b": 1,
        "/c": 1,
        "/d": 10,
    }


def test_the_first_ones_happened_with_the_first_that_has_a_time() -> None:
    assert list(read(entry("a"), entry("b", ""), entry("c", NINE + 5), entry("d")).items()) == [
        ("/a", 5),
        ("/b", 5),
        ("/c", 6),
        ("/d", 6),
    ]


def test_those_that_are_passed_by_have_times_too() -> None:
    def others(method: str, path: str, query: str) -> bool:
        return path.startswith("/other")

    assert read(entry("a"), entry("other", NINE, -1), entry("b"), passes_by=others) == {"/a": 0, "/b": 0}
    found = read(entry("a", NINE), entry("other", NINE + 4), entry("other2"), entry("b"), passes_by=others)
    assert found == {"/a": 1, "/b": 1}


def test_where_none_has_a_time_all_are_at_0() -> None:
    assert read(entry("a"), entry("b"), entry("c")) == dict.fromkeys(("/a", "/b", "/c"), -NINE)


@pytest.mark.parametrize("took", [None, -1, -500, "", "x", [], float("nan")])
def test_a_time_taken_that_is_unknown(took: object) -> None:
    assert read(entry("a", NINE, took)) == {"/a": 0}


def test_a_time_taken_in_words() -> None:
    assert read(entry("a", NINE, "1500.0 ms")) == {"/a": 1.5}


@pytest.mark.parametrize("limit", ["MOST_HELD", "MOST_BYTES_HELD"])
def test_no_more_than_so_many_wait_for_a_time(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_times, limit, 2)
    found = read(entry("a"), entry("b"), entry("c"), entry("d"), entry("e", NINE), entry("f"))
    assert found == {"/a": -NINE, "/b": -NINE, "/c": -NINE, "/d": -NINE, "/e": 1, "/f": 1}
