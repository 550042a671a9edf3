"""Jobs chosen, and put as lines for people and machines."""

from __future__ import annotations

import csv
import io
import json
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from taskaudit.contract.words import Language
from taskaudit.job_state import JobState
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import (
    COLUMNS,
    Choice,
    as_json,
    cells,
    counted,
    created_at,
    job_named,
    one_line,
    seconds,
    since,
    whole,
)
from taskaudit.story.story import Story, tell
from taskaudit.text.spreadsheet import as_csv
from taskaudit.times import rfc3339
from tests.samples import JOB_ID
from tests.stories import START, ask, submit, write_log

VOLUMES = "/v2/0123/cloudvolumes"
STATE = attrgetter("state")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Three jobs: one that ended, one of volumes that failed, one that nobody asked for."""
    exchanges = [
        submit(0),
        ask(5),
        ask(65.5, "SUCCESS"),
        submit(10, "8ab1", path=VOLUMES),
        ask(70, "FAIL", "8ab1", error_code="EVS.2024", fail_reason="no room"),
        submit(100, "=1+1", path="/v9/things"),
    ]
    return tell([write_log(tmp_path / "log", exchanges, ends=200)])


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Choice(), [JOB_ID, "8ab1", "=1+1"]),
        (Choice(state=JobState.FAILED), ["8ab1"]),
        (Choice(state=JobState.OPEN), []),
        (Choice(route="ecs:CreateServers"), [JOB_ID]),
        (Choice(route="create"), [JOB_ID, "8ab1"]),
        (Choice(route="e?s:*"), [JOB_ID, "8ab1"]),
        (Choice(route="cloudvolumes"), ["8ab1"]),
        (Choice(route="/v9/*"), ["=1+1"]),
        (Choice(route="nothing"), []),
        (Choice(since="2026-09-21T14:13:30.000000Z"), ["8ab1", "=1+1"]),
        (Choice(since="2026-09-21T14:13:30.000001Z"), ["=1+1"]),
        (Choice(JobState.FINAL, "ecs", "2026-09-21T14:13:20.000000Z"), [JOB_ID]),
    ],
)
def test_choosing(story: Story, choice: Choice, chosen: list[str]) -> None:
    assert [job.job_id for job in choice.of(story.jobs)] == chosen


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("90s", "2026-09-21T14:11:50.000000Z"),
        ("15m", "2026-09-21T13:58:20.000000Z"),
        ("2h", "2026-09-21T12:13:20.000000Z"),
        ("3d", "2026-09-18T14:13:20.000000Z"),
        ("1w", "2026-09-14T14:13:20.000000Z"),
        ("1.5 H", "2026-09-21T12:43:20.000000Z"),
        ("99999w", "1970-01-01T00:00:00.000000Z"),
        ("2026-09-21T14:00:00Z", "2026-09-21T14:00:00.000000Z"),
        ("2026-09-21T16:00:00.5+02:00", "2026-09-21T14:00:00.500000Z"),
        ("2026-09-21 14:00:00", "2026-09-21T14:00:00.000000Z"),
        ("2026-09-21", "2026-09-21T00:00:00.000000Z"),
    ],
)
def test_since(given: str, meant: str) -> None:
    assert rfc3339(since(given, START)) == meant


@pytest.mark.parametrize("given", ["", "yesterday", "15", "m", "-5m", "2026-13-01", "15 minutes", "\x1b[31m"])
def test_no_time(given: str) -> None:
    with pytest.raises(ValueError, match="is no time; give a time such as 2026") as raised:
        since(given, START)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("job_id", "created"),
    [
        ("ff8080814dbd65d7014dbe0d84db0013", "2015-06-04T"),
        ("ff8080817f8e188b0180a9a50bf86a00", "2022-05-09T"),
        ("ff808081000000000000000000000000", None),
        ("ff8080814dbd65d7ffffffffffff0013", None),
        ("8a8080814dbd65d7014dbe0d84db0013", None),
        ("ff8080814dbd65d7014dbe0d84db00130", None),
        (JOB_ID, None),
        ("", None),
    ],
)
def test_the_time_within_an_id(job_id: str, created: str | None) -> None:
    told = created_at(job_id)
    assert told is None if created is None else told is not None and told.startswith(created)


def test_a_job_by_its_id(story: Story) -> None:
    assert job_named(story, "8ab1").job_id == "8ab1"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (JOB_ID[:8], f"did you mean {JOB_ID}"),
        (JOB_ID.replace("e", "f"), f"did you mean {JOB_ID}"),
        ("8ab2", "did you mean 8ab1"),
        ("zzz", 'no job "zzz" among 3 in the log'),
        ("", 'no job ""'),
        ("\x1b[31m", r'no job "\\u001b'),
    ],
)
def test_the_nearest_ids_are_named(story: Story, wanted: str, hint: str) -> None:
    with pytest.raises(LookupError, match=hint):
        job_named(story, wanted)


def test_counting(story: Story) -> None:
    assert counted(map(STATE, story.jobs), 3) == "3 jobs: 1 never-queried, 1 final, 1 failed"
    assert counted(map(STATE, story.jobs[:1]), 3) == "1 of 3 jobs: 1 final"
    assert counted(map(STATE, story.jobs[:1]), 1) == "1 job: 1 final"
    assert counted([], 3) == "0 of 3 jobs"
    assert counted([], 0) == "no jobs in the log"
    assert counted(map(STATE, story.jobs), 3, Language.ZH) == "3 个任务：从未查询 1、已结束 1、已失败 1"
    assert counted(map(STATE, story.jobs[:1]), 3, Language.ZH) == "3 个任务中的 1 个：已结束 1"
    assert counted([], 3, Language.ZH) == "3 个任务中的 0 个"
    assert counted([], 0, Language.ZH) == "日志中没有任务"


def test_json(story: Story) -> None:
    line = json.loads(as_json(story.jobs[1]))
    assert tuple(line) == COLUMNS
    told = {name: line[name] for name in ("state", "queries", "took", "error_code", "fail_reason", "rules")}
    assert told == {
        "state": "failed",
        "queries": 1,
        "took": 60.0,
        "error_code": "EVS.2024",
        "fail_reason": "no room",
        "rules": [],
    }


TEXT = st.none() | st.text(st.characters(), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, st.text(max_size=20), st.none() | st.floats(0, 1e9), st.none() | st.integers(0, 999), TEXT)
def test_a_line_of_json_holds_what_the_columns_do(
    story: Story, path: str | None, job_id: str, took: float | None, status: int | None, reason: str | None
) -> None:
    facts = {"path": path, "job_id": job_id, "took": took, "http_status": status, "fail_reason": reason}
    for job in story.jobs:
        told = structs.replace(job, **facts)
        plain = {**dict(zip(COLUMNS, cells(told), strict=True)), "rules": told.rules}
        assert json.loads(as_json(told)) == json.loads(json.dumps(plain))


def test_a_whole_story_as_json(story: Story) -> None:
    line = whole(story.jobs[0])
    assert (line["queries"], line["created"], line["findings"]) == (2, None, [])
    assert [step["status"] for step in line["steps"]] == ["RUNNING", "SUCCESS"]
    _, finding = whole(story.jobs[2])["findings"]
    assert (finding["rule"], finding["severity"], finding["pointer"]) == ("TA501", "warning", "/job_id")


def test_csv(story: Story) -> None:
    text = as_csv([COLUMNS, *map(cells, story.jobs)])
    first, second, third = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["job_id"], first["took"], first["queries"], first["state"]) == (
        JOB_ID,
        "65.5",
        "2",
        "final",
    )
    assert (second["fail_reason"], second["rules"]) == ("no room", "")
    assert (third["job_id"], third["ended"], third["rules"]) == ("'=1+1", "", "TA203 TA501")


def test_one_line(story: Story) -> None:
    assert [one_line(job) for job in story.jobs] == [
        f"2026-09-21T14:14:25.500000Z  {JOB_ID}  ecs:CreateServers  HTTP 200  SUCCESS  final  took 1m 06s",
        "2026-09-21T14:14:30.000000Z  8ab1  evs:CreateVolume  HTTP 200  FAIL  failed  took 1m 00s  "
        "EVS.2024: no room",
        "2026-09-21T14:15:00.000000Z  =1+1  POST /v9/things  HTTP 200  never-queried  TA203 TA501",
    ]


def test_one_line_is_harmless(tmp_path: Path) -> None:
    hostile = "a\x1b[31m\u202e\n"
    log = write_log(tmp_path / "log", [submit(0, hostile, host=hostile, path="/\n/x")])
    (job,) = tell([log]).jobs
    assert isinstance(job, JobStory)
    assert job.job_id == hostile
    assert one_line(job).isprintable()


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (0, "0 s"),
        (0.254, "0.25 s"),
        (-0.5, "-0.5 s"),
        (5.24, "5.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1m 00s"),
        (65, "1m 05s"),
        (3599.9, "1h 00m"),
        (7380, "2h 03m"),
    ],
)
def test_spans_as_people_read_them(span: float, shown: str) -> None:
    assert seconds(span) == shown
