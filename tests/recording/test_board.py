"""The running audit tells what its log tells afterwards, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaudit.auditor import Outcome
from taskaudit.lifecycle import Lifecycle, Thresholds
from taskaudit.log import LogFile
from taskaudit.recording import board as bounds
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.reports.model import live_report
from taskaudit.story.job_story import JobStory
from taskaudit.story.story import tell
from tests.reports.runs import RUN, refused, report_on
from tests.samples import JOB_ID, outcome
from tests.stories import START, ask, submit

ALLOWED = Thresholds(query_within=20, min_interval=1, table_size=1000)
BOTH = '{"job_id": "a/b", "error": {"message": "", "code": 400, "details": null}}'
"""An answer with findings of codes before and after TA204."""


def watched(
    path: Path, outcomes: Iterable[Outcome], board: Board | None = None, thresholds: Thresholds = ALLOWED
) -> Board:
    """A board that has seen a whole session, which is also in the log at `path`."""
    board = board or Board()
    recorder = Recorder(
        LogFile(path),
        instance_id="proxy-a",
        mode="regular",
        config_digest="d" * 64,
        lifecycle=Lifecycle(thresholds),
        board=board,
        clock=lambda: START + 1000,
    )
    recorder.start()
    for each in outcomes:
        recorder.record(each)
    recorder.stop()
    return board


def same_story(board: Board, path: Path) -> None:
    live, logged = board.story(), tell([path], ALLOWED)
    assert live.jobs == logged.jobs
    assert live.findings == logged.findings
    assert live.coverage.line() == logged.coverage.line()
    assert [*live.coverage.gaps()] == [*logged.coverage.gaps()]
    assert (live.evicted, live.unlisted, live.damaged) == (logged.evicted, 0, logged.damaged)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "ask", "refuse", "both", "abort"]),
        st.sampled_from(["a", "b", "None", "a/b"]),
        st.sampled_from(["RUNNING", "SUCCESS", "FAIL", None]),
        st.sampled_from([0.25, 0.5, 2.0, 25.0]),
    ),
    max_size=16,
)


def exchanges(steps: Iterable[tuple[str, str, str | None, float]]) -> list[Outcome]:
    made, at = [], 1.0
    for what, job_id, status, pause in steps:
        at += pause
        match what:
            case "submit":
                made.append(submit(at, job_id, request_digest=job_id))
            case "ask":
                made.append(ask(at, status, job_id))
            case "refuse":
                made.append(refused(at))
            case "both":
                made.append(refused(at, BOTH))
            case _:
                made.append(submit(at, None, request_digest="a"))
    return made


@settings(max_examples=60)
@given(STEPS)
def test_it_tells_what_the_log_tells(steps: list[tuple[str, str, str | None, float]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log"
        same_story(watched(path, exchanges(steps)), path)


def test_a_whole_run_is_reported_alike(tmp_path: Path) -> None:
    path = tmp_path / "log"
    board = watched(path, RUN, thresholds=Thresholds())
    live, logged = live_report(board, START + 5000), report_on(path)
    assert (live.jobs, live.findings, live.operations) == (logged.jobs, logged.findings, logged.operations)
    assert (live.period, live.made, live.states) == (logged.period, logged.made, logged.states)
    assert (live.kinds, live.rules, live.severities) == (logged.kinds, logged.rules, logged.severities)


def test_findings_on_one_exchange_stand_in_order_of_code(tmp_path: Path) -> None:
    path = tmp_path / "log"
    board = watched(path, [refused(1, BOTH), refused(2, BOTH)])
    (job,) = board.story().jobs
    rules = [found.rule for found in job.findings]
    assert rules[:4] == sorted(rules[:4])
    assert "TA204" in rules
    same_story(board, path)


def test_a_job_by_its_id_and_a_finding_by_its_fingerprint(tmp_path: Path) -> None:
    board = watched(tmp_path / "log", RUN)
    job = board.job(JOB_ID)
    assert job is not None
    assert (job.state, job.asked) == ("failed", 2)
    assert board.job("unheard-of") is None
    counts = {found.fingerprint: found.count for found in board.story().findings}
    assert {each: board.count(each) for each in counts} == counts
    assert board.count("unheard-of") == 0


def test_each_change_is_counted(tmp_path: Path) -> None:
    board = Board()
    assert board.changes == 0
    watched(tmp_path / "log", RUN, board)
    assert board.changes > len(RUN) / 2


def test_several_sessions_are_one_story(tmp_path: Path) -> None:
    board = Board()
    watched(tmp_path / "a", [submit(1)], board)
    watched(tmp_path / "b", [ask(5, "SUCCESS")], board)
    (job,) = board.story().jobs
    assert (job.submitted is not None, job.state) == (True, "final")
    coverage = board.story().coverage
    assert (coverage.sessions, coverage.totals.seen) == (2, 2)


def test_before_anything_happened() -> None:
    story = Board().story()
    assert (story.jobs, story.findings, story.coverage.totals.seen) == ((), (), 0)
    assert Board().period is None


def test_of_many_jobs_the_latest_are_kept(tmp_path: Path) -> None:
    board = watched(tmp_path / "log", [submit(n, f"job-{n}") for n in range(1, 11)], Board(most_jobs=3))
    story = board.story()
    assert [job.job_id for job in story.jobs] == ["job-8", "job-9", "job-10"]
    assert story.unlisted == 7
    assert sum(found.count for found in story.findings if found.rule == "TA501") == 10


def test_a_job_that_comes_back_is_known_again(tmp_path: Path) -> None:
    jobs = [submit(n, f"job-{n}") for n in range(1, 6)]
    again = [
        ask(10, "SUCCESS", "job-1"),
        *(submit(n, f"job-{n}") for n in range(20, 25)),
        ask(50, "SUCCESS", "job-1"),
        ask(51, "SUCCESS", "job-1"),
    ]
    board = watched(tmp_path / "log", [*jobs, *again], Board(most_jobs=3))
    job = board.job("job-1")
    assert job is not None
    assert (job.submitted is not None, job.state, job.asked, job.took) == (True, "final", 3, 9)
    assert "TA505" in job.rules
    assert board.story().unlisted == 10 - 3


def test_of_jobs_put_aside_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ASIDE", 2)
    jobs = [submit(n, f"job-{n}") for n in range(1, 6)]
    board = watched(tmp_path / "log", [*jobs, ask(10, "RUNNING", "job-1")], Board(most_jobs=1))
    job = board.job("job-1")
    assert job is not None
    assert job.submitted is None


@pytest.fixture
def few_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_QUERIES", 4)


def hammered(status_at: dict[int, str], number: int = 20) -> list[Outcome]:
    return [submit(1), *(ask(2 + n / 4, status_at.get(n, "RUNNING")) for n in range(number))]


def only(board: Board) -> JobStory:
    (job,) = board.story().jobs
    return job


@pytest.mark.usefixtures("few_queries")
def test_of_many_queries_the_first_and_the_last_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    job = only(watched(path, hammered({0: "INIT", 19: "FAIL"})))
    whole = tell([path], ALLOWED).jobs[0]
    assert (len(job.queries), job.unlisted, job.asked) == (4, 16, 20)
    assert [step.time for step in job.queries] == [whole.queries[n].time for n in (0, 1, 18, 19)]
    assert (job.state, job.took, job.ended, job.rules) == (whole.state, whole.took, whole.ended, whole.rules)


@pytest.mark.usefixtures("few_queries")
@pytest.mark.parametrize("end", [0, 1, 2, 3, 10, 18, 19])
def test_the_end_of_a_job_is_never_forgotten(tmp_path: Path, end: int) -> None:
    path = tmp_path / "log"
    finals = dict.fromkeys(range(end, 20), "SUCCESS")
    job = only(watched(path, hammered(finals)))
    whole = tell([path], ALLOWED).jobs[0]
    assert (job.took, job.ended, job.asked, job.rules) == (whole.took, whole.ended, 20, whole.rules)


@pytest.mark.usefixtures("few_queries")
def test_an_id_that_is_answered_again_and_again_does_not_grow(tmp_path: Path) -> None:
    board = watched(tmp_path / "log", [submit(n) for n in range(1, 30)])
    job = only(board)
    assert len(job.findings) <= 5
    assert "TA204" in job.rules
    assert sum(found.count for found in board.story().findings if found.rule == "TA204") == 28


@pytest.mark.usefixtures("few_queries")
@pytest.mark.parametrize("most_jobs", [1, 2])
def test_what_is_kept_is_bounded(tmp_path: Path, most_jobs: int) -> None:
    """Not even of findings on exchanges that are forgotten anything is left."""
    many = [each for n in range(1, 9) for each in (submit(n * 10, "a"), submit(n * 10 + 1, "b"))]
    asked = [ask(200 + n / 8, "SUCCESS", "ab"[n % 2]) for n in range(200)]
    board = watched(tmp_path / "log", [*many, *asked], Board(most_jobs))
    assert len(board._jobs) == most_jobs
    for kept in board._jobs.values():
        assert len(kept.findings) <= len(kept.draft.exchanges) <= 9
    assert len(board._on) <= 9 * most_jobs


def test_of_many_kinds_of_findings_the_counts_still_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_GROUPS", 3)
    bodies = [refused(n, path=f"/v{n}/things") for n in range(1, 8)]
    board = watched(tmp_path / "log", [*bodies, refused(9, '{"error": {}}')])
    found = board.story().findings
    assert len(found) == 5
    assert {each.rule: 0 for each in found} == {"TA302": 0, "TA305": 0, "TA306": 0}
    assert sum(each.count for each in found if each.rule == "TA306") == 7


def test_a_snapshot_stays_as_it_is(tmp_path: Path) -> None:
    board = watched(tmp_path / "one", [*RUN, *(ask(50 + n, job_id="many") for n in range(200))])
    snapshot, before = board.snapshot(), live_report(board, START)
    assert live_report(snapshot, START) == before
    watched(tmp_path / "two", [*RUN, refused(99), *(ask(300 + n, job_id="many") for n in range(200))], board)
    assert live_report(board, START) != before
    assert live_report(snapshot, START) == before


@pytest.mark.parametrize("more", [0, 1, 100_000])
def test_jobs_with_very_long_ids_are_counted_once(tmp_path: Path, more: int) -> None:
    job_id = "j" * (bounds.LONGEST_ID + more)
    board = watched(tmp_path / "log", [submit(1, job_id), submit(2, job_id + "k"), submit(3, job_id)])
    story = board.story()
    assert (len(story.jobs), story.unlisted) == ((0, 2) if more else (1, 1))
    assert all(len(each.example.job_id or "") <= bounds.LONGEST_ID for each in story.findings)
    assert {each.rule for each in story.findings} >= {"TA203", "TA204"}


def test_an_exchange_without_a_time_has_no_part_in_the_period(tmp_path: Path) -> None:
    board = watched(tmp_path / "log", [outcome(started=None, ended=None), submit(5, "b")])
    assert board.period == (START + 5, START + 5)


def test_records_that_could_not_be_written_are_on_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(log: LogFile, lines: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogFile, "append", full)
    board = watched(tmp_path / "log", [submit(1)])
    assert only(board).job_id == JOB_ID
    coverage = board.story().coverage
    assert coverage.missing > 1
    assert not coverage.is_whole
