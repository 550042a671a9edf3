"""TA2xx: job_id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taskaudit.contract.rules.rule import Example, Fault, Rule, Step
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

_GOOD = Example('{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}')

TA201 = Rule(
    "TA201",
    "job-id-not-string",
    Severity.ERROR,
    when=Words(
        "job_id is of another JSON type than String, null included",
        "job_id 的 JSON 类型不是 String，包括 null",
    ),
    why=Words(
        "Typed clients refuse the whole answer. Others print the value into the URL of the status query: "
        "/jobs/None, or a large number in floating point.",
        "强类型客户端会拒绝整个响应。其他客户端会把该值直接拼进查询任务状态的 URL：/jobs/None，或者一个浮"
        "点形式的大数。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('{"job_id": null}'),
    good=_GOOD,
)
TA202 = Rule(
    "TA202",
    "job-id-empty",
    Severity.ERROR,
    when=Words("job_id is empty, or white space only", "job_id 为空或仅含空白字符"),
    why=Words(
        "The status query becomes GET .../jobs/: another resource, mostly 404, and the job is lost.",
        "查询任务状态的请求变成 GET .../jobs/：那是另一个资源，多半返回 404，任务就此丢失。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('{"job_id": ""}'),
    good=_GOOD,
)
TA203 = Rule(
    "TA203",
    "job-id-unsafe",
    Severity.WARNING,
    when=Words(
        "job_id has a character outside RFC 3986's unreserved set, or is longer than 255",
        "job_id 含有 RFC 3986 非保留字符（unreserved）以外的字符，或长度超过 255",
    ),
    why=Words(
        "The id goes into a URL path. A slash, a blank or a percent sign makes it another path unless every "
        "client escapes it; servers and proxies cut long ones.",
        "该 ID 要放进 URL 路径。含有斜杠、空格或百分号时，除非每个客户端都做转义，否则就成了另一个路径；"
        "过长的 ID 会被服务器和代理截断。",
    ),
    source="RFC 3986, section 2.3",
    bad=Example('{"job_id": "jobs/8ab1"}'),
    good=Example('{"job_id": "jobs-8ab1"}'),
)

TA204 = Rule(
    "TA204",
    "job-id-reused",
    Severity.ERROR,
    when=Words(
        "the same job id was answered to two different submissions", "两次不同的提交返回了同一个 job_id"
    ),
    why=Words(
        "Two tasks, one id: whoever asks for it learns how one of them ended, and takes it for the other.",
        "两个任务共用一个 ID：查询者得到的是其中一个任务的结果，却以为是另一个的。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=(
        Step(0, "POST /v1/p/cloudservers", 200, '{"job_id": "8ab1"}'),
        Step(1, "POST /v2/p/cloudvolumes", 200, '{"job_id": "8ab1"}'),
        Step(2, "GET /v1/p/jobs/8ab1", 200, '{"job_id": "8ab1", "status": "SUCCESS"}'),
    ),
    good=(
        Step(0, "POST /v1/p/cloudservers", 200, '{"job_id": "8ab1"}'),
        Step(1, "POST /v2/p/cloudvolumes", 200, '{"job_id": "8ab2"}'),
        Step(2, "GET /v1/p/jobs/8ab1", 200, '{"job_id": "8ab1", "status": "SUCCESS"}'),
        Step(3, "GET /v1/p/jobs/8ab2", 200, '{"job_id": "8ab2", "status": "SUCCESS"}'),
    ),
)

_LONGEST = 255
_SAFE = re.compile(rf"[A-Za-z0-9\-._~]{{1,{_LONGEST}}}")


def is_safe(job_id: str) -> bool:
    """Whether a job id can stand in the path of a URL as it is."""
    return _SAFE.fullmatch(job_id) is not None


def job_id_empty(job_id: str) -> Iterator[Fault]:
    """TA202."""
    if not job_id.strip():
        yield TA202.at("/job_id", "a non-blank String")


def job_id_unsafe(job_id: str) -> Iterator[Fault]:
    """TA203."""
    if len(job_id) > _LONGEST:
        yield TA203.at("/job_id", f"at most {_LONGEST} characters", f"String of {len(job_id)} characters")
    elif job_id and not is_safe(job_id):
        yield TA203.at("/job_id", "only letters, digits and -._~")
