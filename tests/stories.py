"""Logs with a story: submissions, queries of their jobs, on one proxy or several."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.job_status import StatusVerdict
from taskaudit.exchange import MatchedBy, stable_id
from taskaudit.lifecycle import Lifecycle, Thresholds
from taskaudit.log import LogFile
from taskaudit.policy.policy import EMPTY, Policy
from taskaudit.recording.recorder import Recorder
from tests.samples import CREATE, JOB_ID, auditor, exchange, outcome

START = 1_790_000_000.0
"""The time 0 of a story, in seconds since the epoch: 2026-09-21T14:13:20Z."""


def submit(at: float, job_id: str | None = JOB_ID, status: int = 200, **facts: object) -> Outcome:
    """A submission that is answered `at` seconds into the story; without an id, aborted."""
    body = None if job_id is None else json.dumps({"job_id": job_id})
    known = {"path": CREATE.format(project_id="0123"), "exchange_id": stable_id("submit", at, job_id)}
    return outcome(body, status, **{**known, **_times(at), **facts})


def ask(at: float, status: str | None = "RUNNING", job_id: str = JOB_ID, **more: object) -> Outcome:
    """A query of a job's status; `status` None is an error in its place, `more` stands in the answer too."""
    body = {"job_id": job_id, "status": status, **more} if status is not None else more
    return outcome(
        json.dumps(body),
        500 if status is None else 200,
        method="GET",
        path=f"/v1/0123/jobs/{job_id}",
        exchange_id=stable_id("ask", at, job_id),
        **_times(at),
    )


def resource(at: float, job_id: str = JOB_ID, status: str = "ACTIVE", **facts: object) -> Outcome:
    """A query of what a job is about, `at` seconds into the story."""
    known = {"exchange_id": stable_id("resource", at, job_id), **_times(at), **facts}
    asked = exchange("{}", method="GET", path="/v1/0123/servers/s-0001", **known)
    told = StatusVerdict(status)
    return Outcome(asked, Role.JOB_QUERY, None, job_id, status=told, matched_by=MatchedBy.RESOURCE)


def under(policy: Policy, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The same exchanges, judged by a policy."""
    judge = auditor(policy=policy)
    return [judge.look(each.exchange) if each.route or not each.status else each for each in outcomes]


def write_log(
    path: Path,
    outcomes: Iterable[Outcome],
    *,
    instance: str = "proxy-a",
    stop: bool = True,
    thresholds: Thresholds | None = None,
    policy: Policy = EMPTY,
    ends: float = 1000,
) -> Path:
    """A log that the recorder writes of these exchanges; its clock stands at `ends`."""
    recorder = Recorder(
        LogFile(path),
        instance_id=instance,
        mode="regular",
        config_digest="d" * 64,
        lifecycle=Lifecycle(thresholds),
        policy=policy,
        clock=lambda: START + ends,
    )
    recorder.start()
    for each in outcomes:
        recorder.record(each)
    if stop:
        recorder.stop()
    else:
        recorder.log.close()
    return path


def _times(at: float) -> dict[str, float]:
    return {"started": START + at - 0.25, "ended": START + at}
