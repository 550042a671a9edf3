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
_SOURCE = "Huawei Cloud API reference, querying the status of a job"

TA501 = Rule(
    "TA501",
    "job-never-queried",
    Severity.WARNING,
    when=Words(
        "neither the job's status nor anything else that the submission returned was asked for within the "
        "time allowed, or by the end of the run or capture; info where neither the submission nor a query of "
        "its job is in the catalogue",
        "在规定的时间内，或到运行或抓包结束时，没有查询过该任务的状态，也没有查询过提交所返回的其他 ID；"
        "如果目录中既没有该提交，也没有查询其任务的接口，则级别为 info",
    ),
    why=Words(
        "The answer only says that the task was taken. A client that does not ask takes a task that failed "
        "for one that was done.",
        "响应只说明任务已被受理。不查询状态的客户端会把失败的任务当作已经完成。",
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
        "查询任务状态时，ID 为空，或者是 None、null、undefined、{job_id} 之类的占位符",
    ),
    why=Words(
        "The client used a job id it never had: it took an error for success, or read the wrong member.",
        "客户端使用了它从未得到过的 job_id：它把错误当成了成功，或者读错了成员。",
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
        "a job query for an id that no submission in this audit returned, nor any job status as the id of a "
        "sub-job",
        "查询任务状态时，所用的 ID 在本次审计中没有任何提交返回过，也没有作为子任务 ID 出现在任何任务状态中",
    ),
    why=Words(
        "The job was submitted before the audit began, or past it; or the client asks for somebody else's.",
        "任务在审计开始之前就已提交，或者提交时绕过了审计；也可能客户端查询的是别人的任务。",
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
        "queries of one job closer together than nine tenths of the interval allowed, more than 3 times in a "
        "row",
        "对同一任务的查询，间隔小于允许值的十分之九，且连续超过 3 次",
    ),
    why=Words(
        "Queries count against the API's rate limit: the gateway then refuses those of everybody else.",
        "查询会占用 API 的流控配额：之后网关会拒绝其他所有人的查询。",
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
        "queries go on after a final status was returned: from the second one on, as many clients read the "
        "job once more for its result",
        "已返回终态之后，仍继续查询：从第二次起算，因为许多客户端会再读取一次任务以获得结果",
    ),
    why=Words(
        "The client does not see that its job has ended, or never stops asking: it waits for nothing.",
        "客户端没有发现任务已经结束，或者从不停止查询：它在白白等待。",
    ),
    source=_SOURCE,
    bad=(_SUBMITTED, _asked(5), _asked(10), _asked(15)),
    good=(*_DONE, _asked(10.1)),
)
TA506 = Rule(
    "TA506",
    "job-left-unfinished",
    Severity.INFO,
    when=Words(
        "the job's status was asked for and read, but the last one seen is not final when the run or capture "
        "ends",
        "查询并得到了任务状态，但到运行或抓包结束时，最后一次得到的状态不是终态",
    ),
    why=Words(
        "The client gave up early, or the run ended first: how the task ended is not known.",
        "客户端过早放弃，或者运行先结束了：任务的最终结果不得而知。",
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
        "前一个任务尚未到达终态，同一客户端就再次提交了相同的请求",
    ),
    why=Words(
        "The task runs twice: two servers, two volumes, two bills. Mostly a retry after a time-out.",
        "任务会执行两次：两台服务器、两块云硬盘、两份账单。多半是超时后的重试。",
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
        "查询任务状态得到 2xx 响应，但它不是带有 String 类型 status 的对象，或者其中的 job_id 属于另一个任务",
    ),
    why=Words(
        "The client cannot tell whether the task has ended: it raises, or asks for ever.",
        "客户端无法判断任务是否已经结束：要么抛出异常，要么无休止地查询下去。",
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
_LONGEST = max(map(len, _PLACEHOLDERS))
# {job_id}, ${job_id}, {{job_id}}, <job_id>, :job_id, %job_id%
_TEMPLATE = re.compile(r"\$?\{.*\}|<.*>|:[A-Za-z_]+|%[A-Za-z_]+%", re.DOTALL)


def is_placeholder(job_id: str) -> bool:
    """Whether an id in a job query is what a client prints that has none (TA502)."""
    if len(job_id) > _LONGEST and job_id.isalnum():
        return False
    bare = job_id.strip()
    return bare.lower() in _PLACEHOLDERS or _TEMPLATE.fullmatch(bare) is not None
