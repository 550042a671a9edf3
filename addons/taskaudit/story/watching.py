"""`taskaudit jobs --follow`: the story again each time the logs have grown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import EMPTY, Policy
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import Choice
from taskaudit.story.merged import Merged
from taskaudit.story.story import Story, story_of

POLL = 0.2
"""Seconds between two looks at the logs."""
SHARE = 5
"""How many times as long as the last telling took is waited, so that long logs leave the machine its time."""


def watch(
    paths: Iterable[Path],
    thresholds: Thresholds | None = None,
    policy: Policy = EMPTY,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Story]:
    """The story now, and each time the logs have grown. Does not end. Raises LogError.

    It is told from the beginning each time, as an exchange that ended earlier may stand in a log later.
    """
    merged, is_first = Merged(), True
    logs = [merged.follow(path) for path in paths]
    while True:
        grown = sum([next(log) for log in logs])
        cost = 0.0
        if grown or is_first:
            is_first = False
            began = time.perf_counter()
            yield story_of(merged, thresholds, policy, whole=())
            cost = time.perf_counter() - began
        sleep(max(POLL, SHARE * cost))


class News:
    """Which jobs are not as they were at the last look: submitted, asked for, gone on, ended, found."""

    def __init__(self, choice: Choice | None = None) -> None:
        self._choice = choice or Choice()
        self._known: dict[str, tuple[object, ...]] = {}

    def of(self, story: Story) -> Iterator[JobStory]:
        """Those jobs, in the order of what happened to them last."""
        changed = [job for job in self._choice.of(story.jobs) if self._known.get(job.job_id) != _state(job)]
        for job in sorted(changed, key=lambda job: job.last_seen):
            self._known[job.job_id] = _state(job)
            yield job


def _state(job: JobStory) -> tuple[object, ...]:
    return job.submitted, job.state, job.last_status, job.rules
