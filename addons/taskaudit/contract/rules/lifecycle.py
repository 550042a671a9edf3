"""TA5xx: what the client does next."""

from __future__ import annotations

import re

from taskaudit.contract.rules.rule import Rule, Step
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

_SUBMITTED = Step(0, "POST /v1/p/cloudservers", 200, '{"job_id": "8ab1"}')


def _asked(at: float, status: str = "SUCCESS", asked: str = "8ab1", answered: str = "8ab1") -> Step:
    return Step(at, f"GET /v1/p/jobs/{asked}", 200, f'{{"job_id": "{answered}", "status": "{status}"}}')


_DONE = (_SUBMITTED, _asked(5, "RUNNING"), _asked(10))
_SOURCE = "contract, section 4; Huawei Cloud API reference, querying the status of a job"

TA501 = Rule(
    "TA501",
    "job-never-queried",
    Severity.WARNING,
    when=Words(
        "the job's status was not asked for within the time allowed, or by the end of the run or capture",
        "",
    ),
    why=Words(
        "The answer only says that the task was taken. A client that does not ask takes a task that failed "
        "for one that was done.",
        "",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED,),
    good=_DONE,
)
TA502 = Rule(
    "TA502",
    "job-query-placeholder",
    Severity.ERROR,
    when=Words(
        "a job query whose id is empty, None, null, undefined, {job_id} or the like",
        "",
    ),
    why=Words(
        "The client used a job id it never had: it took an error for success, or read the wrong member.",
        "",
    ),
    source=_SOURCE,
    bad=(Step(0, "GET /v1/p/jobs/None", 404, '{"code": "Common.0011", "message": "no such job"}'),),
    good=_DONE,
)
TA503 = Rule(
    "TA503",
    "job-query-unknown",
    Severity.INFO,
    when=Words(
        "a job query for an id that no submission in this audit returned",
        "",
    ),
    why=Words(
        "The job was submitted before the audit began, or past it; or the client asks for somebody else's.",
        "",
    ),
    source=_SOURCE,
    bad=(_asked(0),),
    good=_DONE,
)
TA504 = Rule(
    "TA504",
    "job-queried-too-often",
    Severity.WARNING,
    when=Words(
        "queries of one job closer together than the interval allowed, more than 3 times in a row",
        "",
    ),
    why=Words(
        "Queries count against the API's rate limit: the gateway then refuses those of everybody else.",
        "",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED, *(_asked(1 + n / 10, "RUNNING") for n in range(5)), _asked(3)),
    good=_DONE,
)
TA505 = Rule(
    "TA505",
    "job-queried-after-end",
    Severity.WARNING,
    when=Words(
        "queries go on after a final status was returned",
        "",
    ),
    why=Words(
        "The client does not see that its job has ended, or never stops asking: it waits for nothing.",
        "",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED, _asked(5), _asked(10)),
    good=_DONE,
)
TA506 = Rule(
    "TA506",
    "job-left-unfinished",
    Severity.INFO,
    when=Words(
        "the job's status was asked for, but the last one seen is not final when the run or capture ends",
        "",
    ),
    why=Words(
        "The client gave up early, or the run ended first: how the task ended is not known.",
        "",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED, _asked(5, "RUNNING")),
    good=_DONE,
)
TA507 = Rule(
    "TA507",
    "task-resubmitted",
    Severity.WARNING,
    when=Words(
        "the same request submitted again by the same client while the earlier job is not final",
        "",
    ),
    why=Words(
        "The task runs twice: two servers, two volumes, two bills. Mostly a retry after a time-out.",
        "",
    ),
    source=_SOURCE,
    bad=(
        _SUBMITTED,
        Step(30, "POST /v1/p/cloudservers", 403, '{"error": {"message": "m", "code": "E.0001"}}'),
        _asked(35),
    ),
    good=_DONE,
)
TA508 = Rule(
    "TA508",
    "job-status-malformed",
    Severity.ERROR,
    when=Words(
        "a 2xx job-query answer that is not an object with a String status, or whose job_id is another's",
        "",
    ),
    why=Words(
        "The client cannot tell whether the task has ended: it raises, or asks for ever.",
        "",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED, _asked(5, answered="8ab2"), _asked(10)),
    good=_DONE,
)

_PLACEHOLDERS = frozenset(
    {
        "",
        "none",
        "null",
        "nil",
        "undefined",
        "nan",
        "[object object]",
        "job_id",
        "jobid",
        "job-id",
        "%s",
        "%d",
    }
)
# {job_id}, ${job_id}, {{job_id}}, <job_id>, :job_id, %job_id%
_TEMPLATE = re.compile(r"\$?\{.*\}|<.*>|:[A-Za-z_]+|%[A-Za-z_]+%", re.DOTALL)


def is_placeholder(job_id: str) -> bool:
    """Whether an id in a job query is what a client prints that has none (TA502)."""
    bare = job_id.strip()
    return bare.lower() in _PLACEHOLDERS or _TEMPLATE.fullmatch(bare) is not None
