"""Jobs and findings as a tester sees them, on a narrow terminal and a wide one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.words import Language
from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import Policy
from taskaudit.story.story import Story, tell
from taskaudit.story.tables import (
    findings_lines,
    findings_table,
    jobs_table,
    live_view,
    story_lines,
    timeline,
)
from tests.samples import BAD_ERROR, JOB_ID, auditor, outcome, waiver
from tests.stories import START, ask, resource, submit, write_log

STATE = attrgetter("state")
FROM_HIBERNATE = "ff8080814dbd65d701a0c4507ba00013"
HOSTILE = "\x1b[31m\x9b2J\u202e\u2066\x07\r\n[bold red]\U000e0041"
SUB_JOBS = [{"status": "RUNNING"}, {"status": "SUCCESS"}]
FAILED_SUB_JOBS = [
    {"job_id": "sub-1", "job_type": "createVolume", "status": "SUCCESS"},
    {"job_id": "sub-2", "job_type": "createServer", "status": "FAIL", "error_code": "Ecs.0219"}
    | {"fail_reason": "no subnet address left"},
]

LIFE = [
    submit(0.25),
    submit(5.5, FROM_HIBERNATE, path="/v2/0123/cloudvolumes"),
    *(ask(6 + n / 5, job_id=FROM_HIBERNATE) for n in range(8)),
    *(ask(10 + 5 * n, "RUNNING", sub_jobs=SUB_JOBS) for n in range(12)),
    ask(70, "FAIL", FROM_HIBERNATE, error_code="EVS.2024", fail_reason="no room in the zone " * 4),
    ask(80, "SUCCESS"),
    ask(85, "SUCCESS"),
    ask(85.5, "SUCCESS"),
    submit(86, "never-asked"),
    submit(87, "lost"),
    ask(88, None, "lost", error={"code": "Ecs.0000", "message": "busy"}),
    ask(89, "RUNNING", "from elsewhere"),
    ask(90, None, "None"),
    outcome(BAD_ERROR, 400, started=START + 91, ended=START + 92),
    outcome(BAD_ERROR, 400, started=START + 93, ended=START + 94),
    submit(95, None),
    submit(96, "followed"),
    resource(97, "followed"),
    resource(99, "followed"),
    submit(98, "sub-failed"),
    ask(100, "FAIL", "sub-failed", fail_reason="", sub_jobs=FAILED_SUB_JOBS),
]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    logs = [write_log(tmp_path / str(n), LIFE[n::2], instance=f"proxy-{n}") for n in range(2)]
    return tell(logs)


def shown(parts: Iterable[RenderableType], width: int) -> str:
    """What a terminal gets, without the blanks at the ends of lines."""
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False, emoji=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 160])
def test_jobs(story: Story, width: int, snapshot: SnapshotAssertion) -> None:
    assert (
        shown([jobs_table(story.jobs, width), *story_lines(story, map(STATE, story.jobs))], width) == snapshot
    )


@pytest.mark.parametrize("width", [80, 160])
def test_jobs_in_chinese(story: Story, width: int, snapshot: SnapshotAssertion) -> None:
    parts = [
        jobs_table(story.jobs, width, Language.ZH),
        *story_lines(story, map(STATE, story.jobs), Language.ZH),
    ]
    text = shown(parts, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert text == snapshot


@pytest.mark.parametrize(
    "job_id", [FROM_HIBERNATE, "never-asked", "lost", "from elsewhere", "followed", "sub-failed"]
)
def test_the_story_of_a_job_in_chinese(story: Story, job_id: str, snapshot: SnapshotAssertion) -> None:
    (job,) = (job for job in story.jobs if job.job_id == job_id)
    text = shown(timeline(job, Language.ZH), 80)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert text == snapshot


def test_findings_in_chinese(story: Story, snapshot: SnapshotAssertion) -> None:
    parts = [
        findings_table(story.findings, Language.ZH),
        *findings_lines(story, story.findings, Language.ZH),
    ]
    assert shown(parts, 100) == snapshot


@pytest.mark.parametrize(
    "job_id", [JOB_ID, FROM_HIBERNATE, "never-asked", "lost", "from elsewhere", "followed", "sub-failed"]
)
def test_the_story_of_a_job(story: Story, job_id: str, snapshot: SnapshotAssertion) -> None:
    (job,) = (job for job in story.jobs if job.job_id == job_id)
    assert shown(timeline(job), 80) == snapshot


def test_findings(story: Story, snapshot: SnapshotAssertion) -> None:
    parts = [findings_table(story.findings), *findings_lines(story, story.findings)]
    assert shown(parts, 100) == snapshot


@pytest.mark.parametrize("width", [40, 80, 149, 150, 300])
@pytest.mark.parametrize("length", [36, 41, 255])
def test_job_ids_are_never_cut(tmp_path: Path, width: int, length: int) -> None:
    job_id = ("abcdefghijk" * 30)[:length]
    story = tell([write_log(tmp_path / "log", [submit(0, job_id), ask(5, "RUNNING", job_id)])])
    together = shown([jobs_table(story.jobs, width)], width).replace("\n", "").replace(" ", "")
    assert job_id in together
    assert max(map(len, shown([jobs_table(story.jobs, width)], width).splitlines())) <= width


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("height", [10, 24, 50])
def test_the_live_view_fits_the_terminal(tmp_path: Path, width: int, height: int) -> None:
    log = write_log(tmp_path / "log", [*(submit(n, f"job-{n}") for n in range(60)), ask(70, job_id="job-0")])
    story = tell([log])
    text = shown([live_view(story, story.jobs, width, height)], width)
    assert len(text.splitlines()) <= height
    assert "job-0" in text
    assert "60 jobs: 59 never-queried, 1 open" in text
    assert " more, to which nothing happened since" in text
    text = shown([live_view(story, story.jobs, width, height, Language.ZH)], width)
    assert len(text.splitlines()) <= height
    assert "60 个任务：从未查询 59、未结束 1" in text
    assert " 个，其后没有变化" in text


def test_what_is_not_there_is_loud(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(4)])
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], b"damaged\n", *lines[3:-1]]))
    story = tell([log], Thresholds(table_size=2))
    text = shown(story_lines(story, map(STATE, story.jobs)), 160)
    assert "1 jobs were forgotten" in text
    assert "1 line is no record" in text
    assert "1 records LOST, or not in these logs" in " ".join(text.split())
    assert "1 of 1 sessions still running, or killed" in text
    text = shown(story_lines(story, map(STATE, story.jobs), Language.ZH), 160)
    assert "1 个任务不再跟踪（remembered_jobs）" in text
    assert "1 行不是记录" in text
    assert "1 条记录丢失，或不在这些日志中" in " ".join(text.split())
    assert "1 个会话中有 1 个仍在运行，或已被终止" in text


def test_hostile_text_is_harmless(tmp_path: Path) -> None:
    exchanges = [
        submit(0, HOSTILE, host=HOSTILE, client=HOSTILE, request_id=HOSTILE, path="/x" + HOSTILE),
        ask(1, HOSTILE, HOSTILE, fail_reason=HOSTILE, error_code=HOSTILE, sub_jobs=[{"status": HOSTILE}]),
        ask(2, "SUCCESS", "8ab1", fail_reason=HOSTILE),
        ask(3, None, f"<{HOSTILE}>", code=HOSTILE, message=HOSTILE),
    ]
    story = tell([write_log(tmp_path / "log", exchanges, instance=HOSTILE)])
    assert len(story.jobs) >= 2
    for width in (80, 160):
        parts: list[RenderableType] = [jobs_table(story.jobs, width), findings_table(story.findings)]
        parts += [line for job in story.jobs for line in timeline(job)]
        assert shown(parts, width).replace("\n", "").isprintable()


def test_waived_findings(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    policy = Policy(waivers=[waiver(), waiver("TA505"), waiver("TA204", until="2026-09-20")])
    bad = [auditor(policy=each).look(outcome(BAD_ERROR, 400).exchange) for each in (policy, Policy())]
    again = outcome(BAD_ERROR, 400, ended=START + 100)
    exchanges = [submit(0), bad[0], again, ask(5, "SUCCESS"), ask(10, "SUCCESS"), submit(20)]
    story = tell([write_log(tmp_path / "log", exchanges, policy=policy)], policy=policy)
    parts = [findings_table(story.findings), *findings_lines(story, story.findings), *timeline(story.jobs[0])]
    assert shown(parts, 120) == snapshot
