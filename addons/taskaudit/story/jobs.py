"""`taskaudit jobs`: the jobs in logs, chosen, and put as lines of JSON, CSV or text."""

from __future__ import annotations

import difflib
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

from msgspec import Struct, defstruct, structs

from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language, Words
from taskaudit.job_state import JobState
from taskaudit.story.job_story import JobStory, QueryStep
from taskaudit.story.story import Story
from taskaudit.story.told import Found
from taskaudit.text.json_line import json_line
from taskaudit.text.terms import STATES, counts_of, name_of
from taskaudit.times import rfc3339

COLUMNS = (
    "submitted",
    "job_id",
    "route",
    "method",
    "host",
    "path",
    "http_status",
    "client",
    "request_id",
    "instance",
    "queries",
    "last_status",
    "state",
    "ended",
    "took",
    "error_code",
    "fail_reason",
    "rules",
)

_AT = COLUMNS.index("queries")
_Line = defstruct("_Line", COLUMNS)
_BEFORE, _AFTER = attrgetter(*COLUMNS[:_AT]), attrgetter(*COLUMNS[_AT + 1 : -1])

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

_NO_JOBS = Words("no jobs in the log", "日志中没有任务")
_ONE_JOB = Words("{count} job", "{count} 个任务")
_JOBS = Words("{count} jobs", "{count} 个任务")
_SOME_JOBS = Words("{count} of {all} jobs", "{all} 个任务中的 {count} 个")
_COLON = Words(": ", "：")
NOT_SEEN = Words("(not seen)", "（未见提交）")
"""In the place of a submission that is in no log."""
TOOK = Words("took {span}", "耗时 {span}")

_SUB_JOB = ("job_id", "job_type", "error_code", "fail_reason")
_MOST_NAMED = 3
_MOST_COMPARED = 5000
"""With how many ids, the latest, one that is not found is compared: it takes long."""

# Hibernate's UUIDHexGenerator: the machine's address and start, then 48 bits of milliseconds, then a counter.
_TIMED_ID = re.compile(r"ff8080[0-9a-f]{10}([0-9a-f]{12})[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs are wanted. `since`: RFC 3339, UTC."""

    state: JobState | None = None
    route: str | None = None
    since: str | None = None

    def of(self, jobs: Iterable[JobStory]) -> Iterator[JobStory]:
        """Those jobs that are wanted, in their order."""
        return (job for job in jobs if self._has(job))

    def _has(self, job: JobStory) -> bool:
        return (
            (self.state is None or job.state is self.state)
            and (self.since is None or job.first_seen >= self.since)
            and (self.route is None or any(_matches(self.route, at) for at in (job.route, job.path)))
        )


def since(text: str, last: float) -> float:
    """A time, seconds since the epoch: given as RFC 3339, or back from `last`, the time of the latest record.

    A time without an offset is UTC, as all times that are shown. Raises ValueError that says what is right.
    """
    if span := _SPAN.fullmatch(text.strip()):
        seconds = float(span[1]) * _SECONDS[span[2].lower()]
        return max(0.0, last - seconds)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        right = "a time such as 2026-09-21T14:00:00Z, or how far back from the last record: 15m, 2h, 3d"
        raise ValueError(f'--since "{escape(text, 40)}" is no time; give {right}') from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def job_named(story: Story, job_id: str) -> JobStory:
    """The job with that id. Raises LookupError that names the nearest."""
    begun: list[str] = []
    latest = deque[str](maxlen=_MOST_COMPARED)
    for job in story.jobs:
        if job.job_id == job_id:
            return job
        if job_id and len(begun) < _MOST_NAMED and job.job_id.startswith(job_id):
            begun.append(job.job_id)
        latest.append(job.job_id)
    near = begun or difflib.get_close_matches(job_id, latest, n=_MOST_NAMED)
    hint = f"; did you mean {' or '.join(escape(each) for each in near)}?" if near else ""
    raise LookupError(f'no job "{escape(job_id)}" among {len(story.jobs)} in the log{hint}')


def created_at(job_id: str) -> str | None:
    """When a job id of the form `ff8080...` was made, RFC 3339: its hex digits 16 to 27 are milliseconds.

    None for other ids, and where the digits give no time at which there could have been such a job.
    """
    timed = _TIMED_ID.fullmatch(job_id)
    if timed is None:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(timed[1], 16) % 2**47)
    return rfc3339(at.timestamp()) if int(timed[1], 16) < 2**47 and 2005 <= at.year < 2100 else None


def counted(states: Iterable[JobState], most: int, language: Language = Language.EN) -> str:
    """`3 of 5 jobs: 1 open, 2 final`, of the states of jobs; `most` is how many there are in all."""
    if not most:
        return _NO_JOBS.of(language)
    counts = Counter(states)
    shown = counts.total()
    head = _SOME_JOBS if shown != most else _ONE_JOB if shown == 1 else _JOBS
    told = counts_of(((state, counts[state]) for state in JobState), STATES, language)
    return head.of(language).format(count=shown, all=most) + (_COLON.of(language) + told if told else "")


def cells(job: JobStory) -> tuple[object, ...]:
    """The values in the order of `COLUMNS`; of the queries their number."""
    return *_BEFORE(job), job.asked, *_AFTER(job), " ".join(job.rules)


def as_json(job: JobStory) -> str:
    """A job as one line of JSON, with `COLUMNS` for members; `rules` is an array."""
    return json_line(_line(job))


def whole(job: JobStory) -> dict[str, Any]:
    """As its line has it, with all queries in `steps`, findings with their place, and `created` by the id."""
    return {
        **structs.asdict(_line(job)),
        "created": created_at(job.job_id),
        "findings": [_finding(found) for found in job.findings],
        "steps": [_step(step) for step in job.queries],
    }


def one_line(job: JobStory, language: Language = Language.EN) -> str:
    """A job as it stands, for a view that goes on as jobs come; the time is that of its last step."""
    words = (
        job.last_seen,
        job.job_id,
        job.operation or NOT_SEEN.of(language),
        f"HTTP {job.http_status}" if job.http_status else "",
        job.last_status or "",
        name_of(job.state, STATES, language),
        TOOK.of(language).format(span=seconds(job.took)) if job.took is not None else "",
        why_failed(job),
        " ".join(job.rules),
    )
    return "  ".join(escape(word) for word in words if word)


def why_failed(told: JobStory | QueryStep) -> str:
    """Code and reason of a failure, what there is of them."""
    return ": ".join(part for part in (told.error_code, told.fail_reason) if part)


def seconds(span: float) -> str:
    """A span of time as people read it: `0.25 s`, `5.2 s`, `1m 05s`, `2h 03m`."""
    if abs(span) < 59.95:
        return f"{span:.2g} s" if abs(span) < 1 else f"{span:.1f} s"
    minutes, rest = divmod(round(span), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def _matches(wanted: str, text: str | None) -> bool:
    if text is None:
        return False
    text, wanted = text.lower(), wanted.lower()
    return wanted in text or fnmatchcase(text, wanted)


def _line(job: JobStory) -> Struct:
    return _Line(*_BEFORE(job), job.asked, *_AFTER(job), job.rules)


def _step(step: QueryStep) -> dict[str, Any]:
    return {
        "time": step.time,
        "by_resource": step.by_resource,
        "status": step.status,
        "error_code": step.error_code,
        "fail_reason": step.fail_reason,
        "sub_jobs": dict(step.sub_jobs),
        "sub_job": dict(zip(_SUB_JOB, step.sub_job, strict=True)) if step.sub_job else None,
        "http_status": step.http_status,
        "instance": step.instance,
        "findings": [_finding(found) for found in step.findings],
    }


def _finding(found: Found) -> dict[str, Any]:
    line = {key: value for key, value in found._asdict().items() if key != "at"}
    waiver = found.waiver
    told = {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until} if waiver else None
    return {**line, "waiver": told}
