"""Jobs are asked for by their ids in whatever order, files and processes the exchanges are read."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskaudit.auditor import Outcome
from taskaudit.offline.check import Check, Checked
from taskaudit.offline.judge import Ids, Judge, missed
from taskaudit.sources.reading import STDIN
from tests.samples import AT, JOB_ID, auditor, exchange

ORDER = "CS2003021100AAAAA"
SUBMITTED = {"job_id": JOB_ID, "order_id": ORDER}


def entry(at: int, method: str, path: str, body: object) -> dict[str, Any]:
    return {
        "startedDateTime": f"2026-03-02T09:00:{at:02}Z",
        "time": 50,
        "request": {"method": method, "url": f"https://swr.example.com{path}", "headers": []},
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps(body), "mimeType": "application/json"},
        },
    }


LIFE = [
    entry(0, "GET", "/v2/p/instances/i", {}),
    entry(1, "GET", f"/v2/p/tasks/{JOB_ID}", {"status": "too early"}),
    entry(5, "POST", "/v2/p/instances", SUBMITTED),
    entry(10, "GET", f"/v2/p/tasks/{JOB_ID}", {"status": "Running"}),
    entry(20, "GET", f"/v2/orders?order={ORDER}", {"status": "Success"}),
    entry(30, "GET", f"/v2/p/tasks/{JOB_ID}", {"id": JOB_ID, "status": "FINISH_SUCC"}),
]
EXPECTED = {
    ("submission", None, JOB_ID, False),
    ("job_query", "job_id", JOB_ID, False),
    ("job_query", "resource", JOB_ID, False),
    ("job_query", "job_id", JOB_ID, True),
}


def har(entries: list[dict[str, Any]]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def told(run: Check, paths: list[Path]) -> set[tuple[str, str | None, str | None, bool]]:
    outcomes = [item.outcome for item in run.over(paths) if isinstance(item, Checked)]
    assert [finding for each in outcomes for finding in each.findings] == []
    assert len(outcomes) == len(EXPECTED)
    assert (run.totals.seen, run.totals.other, run.totals.audited) == (6, 2, 4)
    return {(each.role.value, each.matched_by, each.job_id, each.is_final) for each in outcomes}


def in_one(tmp_path: Path, entries: list[dict[str, Any]]) -> list[Path]:
    path = tmp_path / "one.har"
    path.write_bytes(har(entries))
    return [path]


def in_several(tmp_path: Path, entries: list[dict[str, Any]]) -> list[Path]:
    paths = [tmp_path / f"{n}.har" for n in range(len(entries))]
    for path, each in zip(paths, entries, strict=True):
        path.write_bytes(har([each]))
    return paths


@pytest.mark.parametrize("write", [in_one, in_several])
@pytest.mark.parametrize("seed", range(12))
def test_in_any_order(
    tmp_path: Path, write: Callable[[Path, list[dict[str, Any]]], list[Path]], seed: int
) -> None:
    entries = next(itertools.islice(itertools.permutations(LIFE), seed * 61, None))
    assert told(Check(auditor()), write(tmp_path, entries)) == EXPECTED


@pytest.mark.parametrize("entries", [LIFE, LIFE[::-1]], ids=["in order", "the latest first"])
def test_from_standard_input(monkeypatch: pytest.MonkeyPatch, entries: list[dict[str, Any]]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(har(entries)), encoding="utf-8"))
    assert told(Check(auditor()), [STDIN]) == EXPECTED


def test_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskaudit.offline.check.cores", lambda: 2)
    run = Check(auditor(), worth_a_process=1)
    assert told(run, in_several(tmp_path, LIFE[::-1])) == EXPECTED


def judged(*exchanges: dict[str, Any]) -> tuple[Ids, list[Outcome]]:
    ids = Ids()
    judge = Judge(auditor(), ids)
    outcomes = []
    for at, facts in enumerate(exchanges):
        if not judge.passes_by(facts.get("method", "POST"), facts.get("path", "/"), facts.get("query", "")):
            outcomes.append(judge.look(exchange(ended=AT + at, **facts)))
    return ids, outcomes


ASKED: dict[str, Any] = {"method": "GET", "path": f"/v7/tasks/{JOB_ID}"}
QUERIED: dict[str, Any] = {"method": "GET", "path": f"/v1/p/jobs/{JOB_ID}"}


@pytest.mark.parametrize(
    ("exchanges", "is_missed"),
    [
        ([{}, ASKED], False),
        ([{}, QUERIED], False),
        ([{"path": "/v9/unlisted"}, QUERIED], False),
        ([ASKED], False),
        ([ASKED, {}], True),
        ([QUERIED, {}], True),
        ([{"method": "GET", "path": "/v7", "query": f"a=b&id={JOB_ID}"}, {}], True),
        ([{"method": "POST", "path": "/v7/" + JOB_ID, "body": "{}"}, {}], False),
        ([{"method": "HEAD", "path": "/v7/" + JOB_ID}, {}], False),
    ],
)
def test_whether_all_has_to_be_read_again(exchanges: list[dict[str, Any]], is_missed: bool) -> None:
    ids, _ = judged(*exchanges)
    known = missed([ids])
    assert (known is not None) is is_missed
    if known is not None:
        assert JOB_ID in known


def test_what_one_has_missed_another_knows() -> None:
    one, other = judged(ASKED)[0], judged({})[0]
    assert missed([one, one]) is missed([other, other]) is None
    known = missed([one, other])
    assert known is not None
    assert JOB_ID in known
