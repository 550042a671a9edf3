"""Logs watched as they grow."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.job_state import JobState
from taskaudit.story.jobs import Choice
from taskaudit.story.story import tell
from taskaudit.story.watching import POLL, News, watch
from tests.samples import JOB_ID
from tests.stories import ask, submit, write_log


def test_the_story_is_told_again_when_a_log_has_grown(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0)], stop=False)
    second = write_log(tmp_path / "b", [], stop=False, instance="proxy-b")
    rests: list[float] = []

    def rest(span: float) -> None:
        rests.append(span)
        if len(rests) == 2:
            write_log(second, [ask(5, "SUCCESS")], stop=False)

    stories = watch([first, second], sleep=rest)
    assert [job.state for job in next(stories).jobs] == ["never-queried"]
    assert rests == []
    assert [job.state for job in next(stories).jobs] == ["final"]
    assert len(rests) == 2
    assert min(rests) >= POLL


def test_a_long_telling_is_followed_by_a_long_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "log", [submit(0)])
    clock = iter([0.0, 3.0])
    monkeypatch.setattr("taskaudit.story.watching.time.perf_counter", lambda: next(clock))

    class Rested(Exception):
        """Ends the watch."""

    def rest(span: float) -> None:
        assert span == 15
        raise Rested

    stories = watch([log], sleep=rest)
    next(stories)
    with pytest.raises(Rested):
        next(stories)


def test_news_are_jobs_that_are_not_as_they_were(tmp_path: Path) -> None:
    steps = [
        submit(0),
        submit(1, "8ab1"),
        ask(2),
        ask(3),
        ask(4, "SUCCESS"),
        *(ask(n, "SUCCESS") for n in (5, 6)),
    ]
    expected = [[JOB_ID], ["8ab1"], [JOB_ID], [], [JOB_ID], [], [JOB_ID]]
    news = News()
    for number, changed in enumerate(expected, 1):
        log = write_log(tmp_path / str(number), steps[:number], stop=False, ends=6)
        assert [job.job_id for job in news.of(tell([log]))] == changed


def test_news_of_the_wanted_jobs_only(tmp_path: Path) -> None:
    story = tell([write_log(tmp_path / "log", [submit(0), submit(1, "8ab1"), ask(2, "FAIL")])])
    assert [job.job_id for job in News(Choice(state=JobState.FAILED)).of(story)] == [JOB_ID]
