"""A service worker's copies of exchanges."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest

from taskaudit.sources.captured import Captured
from taskaudit.sources.har import read_har
from taskaudit.sources.har_copies import WITHIN
from taskaudit.sources.window import Window


def entry(text: str | None = "{}", *, marked: bool = False, **request: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "startedDateTime": "2026-03-02T09:00:00Z",
        "request": {"method": "POST", "url": "https://a/b", "postData": {"text": "{}"}} | request,
        "response": {"status": 200, "content": {"text": text}, "_fetchedViaServiceWorker": marked},
    }
    return copy.deepcopy(made)


def read(*entries: dict[str, Any]) -> list[int]:
    """The places of those that are given."""
    found = read_har(Window(io.BytesIO(json.dumps({"log": {"entries": entries}}).encode())))
    return [each.index for each in found if isinstance(each, Captured)]


def on_the_entry(made: dict[str, Any]) -> dict[str, Any]:
    made["_fetchedViaServiceWorker"] = made["response"].pop("_fetchedViaServiceWorker")
    return made


PAGE, WORKER = entry(marked=True), entry()
RUNNING, OTHER = entry('{"status": "RUNNING"}'), entry(url="https://a/c")


@pytest.mark.parametrize(
    ("entries", "given"),
    [
        ([PAGE, WORKER], [0]),
        ([WORKER, PAGE], [0]),
        ([on_the_entry(entry(marked=True)), WORKER], [0]),
        ([WORKER, OTHER, PAGE], [0, 1]),
        ([PAGE, WORKER, PAGE, WORKER], [0, 2]),
        ([WORKER, PAGE, WORKER, PAGE], [0, 2]),
        ([PAGE, PAGE, WORKER, WORKER], [0, 1]),
        ([PAGE, entry(None)], [0]),
        ([PAGE, entry(postData=None)], [0]),
        # No copies: nobody is marked, both are, or they differ.
        ([WORKER, WORKER], [0, 1]),
        ([PAGE, PAGE], [0, 1]),
        ([PAGE, WORKER, WORKER], [0, 2]),
        ([PAGE, RUNNING], [0, 1]),
        ([PAGE, OTHER], [0, 1]),
        ([PAGE, entry(method="PUT")], [0, 1]),
        ([PAGE, entry(postData={"text": "[]"})], [0, 1]),
        ([entry(None, marked=True), WORKER], [0, 1]),
        ([PAGE, {"request": WORKER["request"]}], [0, 1]),
    ],
)
def test_which_are_copies(entries: list[dict[str, Any]], given: list[int]) -> None:
    assert read(*entries) == given


@pytest.mark.parametrize("pair", [[PAGE, WORKER], [WORKER, PAGE]])
def test_a_copy_is_looked_for_among_the_last_entries_only(pair: list[dict[str, Any]]) -> None:
    first, second = pair
    for between, given in ((WITHIN - 1, WITHIN), (WITHIN + 1, WITHIN + 3)):
        others = [entry(url=f"https://a/{number}") for number in range(between)]
        assert len(read(first, *others, second)) == given


def test_long_answers_are_not_remembered() -> None:
    long = "x" * 70_000
    assert read(entry(long), entry(long, marked=True)) == [0, 1]
