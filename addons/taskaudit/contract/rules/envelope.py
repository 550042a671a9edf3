"""TA1xx: the envelope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from taskaudit.contract.excerpt import escape
from taskaudit.contract.places import escape_token
from taskaudit.contract.rules.rule import Example, Fault, Rule
from taskaudit.contract.verdict import Kind, Severity
from taskaudit.contract.words import Words

_JOB = '{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
_GOOD = Example(_JOB)

TA101 = Rule(
    "TA101",
    "envelope-missing",
    Severity.ERROR,
    when=Words(
        "the answer is a JSON object with neither job_id nor error",
        "响应是 JSON 对象，但既没有 job_id 也没有 error",
    ),
    why=Words(
        "The client can tell neither that the task was taken nor why it was not. The vendor's SDK takes any "
        "status under 400 for success and hands on a job_id of None.",
        "客户端既不知道任务是否已被受理，也不知道为何未被受理。厂商 SDK 把任何小于 400 的状态码都视为成"
        "功，并继续传递值为 None 的 job_id。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('{"result": "ok"}'),
    good=_GOOD,
)
TA102 = Rule(
    "TA102",
    "envelope-ambiguous",
    Severity.ERROR,
    when=Words("both job_id and error are present", "job_id 与 error 同时存在"),
    why=Words(
        "One client follows the job, another one reports the error: both are right.",
        "一个客户端跟踪任务，另一个客户端报告错误：两者都没有做错。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('{"job_id": "8ab1", "error": {"message": "quota", "code": "Ecs.0001"}}'),
    good=Example('{"job_id": "8ab1"}'),
)
TA103 = Rule(
    "TA103",
    "envelope-foreign",
    Severity.ERROR,
    when=Words(
        "neither, but a known other error dialect: gateway, fault, flat, problem or sdk",
        "既没有 job_id 也没有 error，但属于已知的其他错误格式：gateway、fault、flat、problem 或 sdk",
    ),
    why=Words(
        "Clients that read error.code and error.message find nothing. The vendor's SDK reads the gateway "
        "dialect and the flat one, other clients do not. The sdk dialect is not an answer of an API: the "
        "vendor's SDK prints it of an error. Capture the answer itself to have it audited.",
        "读取 error.code 和 error.message 的客户端什么也找不到。厂商 SDK 能识别 gateway 和 flat 格式，其"
        "他客户端则不能。sdk 格式不是 API 的响应，而是厂商 SDK 打印的错误内容；要审计响应，请抓取 API 的原始"
        "响应。",
    ),
    source="Huawei Cloud API reference; API Gateway error codes; OpenStack Compute API; RFC 9457",
    bad=Example(
        '{"error_msg": "Incorrect IAM authentication information", "error_code": "APIGW.0301"}', status=401
    ),
    good=Example(
        '{"error": {"message": "Incorrect IAM authentication information", "code": "APIGW.0301"}}', status=401
    ),
)
TA104 = Rule(
    "TA104",
    "status-disagrees",
    Severity.ERROR,
    when=Words(
        "a job with an HTTP status of 400 or more, or an error with one under 400",
        "返回任务而 HTTP 状态码不小于 400，或返回错误而状态码小于 400",
    ),
    why=Words(
        "Clients decide by the status before they read the body. The vendor's SDK takes an error under 400 "
        "for success, and raises on a job with 400 or more: the task runs and nobody follows it.",
        "客户端在读取响应体之前先根据状态码做判断。厂商 SDK 会把状态码小于 400 的错误当作成功，并对状态码"
        "不小于 400 的任务抛出异常：任务在执行，却无人跟踪。",
    ),
    source="RFC 9110, section 15; the vendor's Python SDK",
    bad=Example('{"error": {"message": "quota", "code": "Ecs.0001"}}', status=200),
    good=Example('{"error": {"message": "quota", "code": "Ecs.0001"}}', status=403),
)
TA105 = Rule(
    "TA105",
    "job-id-misplaced",
    Severity.ERROR,
    when=Words(
        "no top-level job_id, but a near-miss of its name there, or a job_id one or two levels down",
        "顶层没有 job_id，但顶层有名称与之相近的成员，或者 job_id 位于其下一到两层",
    ),
    why=Words(
        "The task is running, and the client does not find its id: it can neither wait for it nor undo it.",
        "任务正在执行，客户端却找不到它的 ID：既无法等待其结束，也无法撤销。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('{"jobId": "70a599e0-31e7-49b7-b260-868f441e862b"}'),
    good=_GOOD,
)

_NOT_A_LETTER = re.compile(r"[^0-9a-z]+")
_LISTED = 5
_GATEWAY_PAIRS = (
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("errCode", "errMsg"),
    ("errCode", "externalMessage"),
)


def _has(value: dict[str, Any], *names: str) -> bool:
    return all(value.get(name) is not None for name in names)


def _is_sdk(value: dict[str, Any]) -> bool:
    """What an exception of the vendor's SDK is printed as; `error_msg` may stand beside."""
    return _has(value, "status_code", "error_code")


def _is_gateway(value: dict[str, Any]) -> bool:
    return any(_has(value, *pair) for pair in _GATEWAY_PAIRS)


def _is_fault(value: dict[str, Any]) -> bool:
    """OpenStack's `{"badRequest": {"message", "code"}}`: a single member, whatever its name."""
    if len(value) != 1:
        return False
    (inner,) = value.values()
    return isinstance(inner, dict) and "message" in inner and "code" in inner


def _is_flat(value: dict[str, Any]) -> bool:
    return _has(value, "code", "message")


def _is_problem(value: dict[str, Any]) -> bool:
    """RFC 9457. Its `status` is a Number; resources have a `type` and a String `status` too."""
    status = value.get("status")
    return isinstance(status, int) and not isinstance(status, bool) and ("type" in value or "title" in value)


DIALECTS = {
    "sdk": _is_sdk,
    "gateway": _is_gateway,
    "fault": _is_fault,
    "flat": _is_flat,
    "problem": _is_problem,
}


def dialect(value: dict[str, Any]) -> str | None:
    """The first known error dialect that `value` speaks, or None."""
    return next((name for name, speaks in DIALECTS.items() if speaks(value)), None)


def envelope_missing(value: dict[str, Any]) -> Iterator[Fault]:
    """TA101, and TA105 where the job id stands elsewhere."""
    yield TA101.at("", '"job_id" or "error"', f"Object with {_names(value)}")
    pointer = next(_misplaced(value), None)
    if pointer is not None:
        yield TA105.at(pointer, 'a top-level "job_id"')


def envelope_ambiguous(value: dict[str, Any]) -> Iterator[Fault]:
    """TA102."""
    yield TA102.at("", 'one of "job_id" and "error"', 'Object with both "job_id" and "error"')


def envelope_foreign(value: dict[str, Any]) -> Iterator[Fault]:
    """TA103; names the dialect."""
    found = (
        "Object in the sdk error dialect: what the vendor's SDK prints of an error, not an answer of the API"
        if _is_sdk(value)
        else f"Object in the {dialect(value)} error dialect"
    )
    yield TA103.at("", '"job_id" or "error"', found)


def status_disagrees(kind: Kind, status: int | None) -> Iterator[Fault]:
    """TA104; `status` None is unknown."""
    if status is None:
        return
    if kind is Kind.JOB and status >= 400:
        yield TA104.at("", "a status under 400 with a job", f"HTTP {status}")
    if kind is Kind.ERROR and status < 400:
        yield TA104.at("", "a status of 400 or more with an error", f"HTTP {status}")


_OTHERS_ERRORS = frozenset({"title", "status", "errors", "traceback"})
"""Members of errors of Keystone, of Google's APIs and of Heat."""


def names_envelope(value: dict[str, Any]) -> bool:
    """Whether a member of an envelope is there that is not plainly another API's (contract, section 2).

    An `error` alone is, where it is no Object (OAuth, JSON-RPC), or has members that ours has not.
    """
    if "job_id" in value:
        return True
    error = value.get("error")
    return isinstance(error, dict) and "jsonrpc" not in value and _OTHERS_ERRORS.isdisjoint(error)


def is_near_miss(name: str) -> bool:
    """Whether a member's name is `job_id` but for letter case, blanks and punctuation."""
    return _NOT_A_LETTER.sub("", name.lower()) == "jobid"


def _names(value: dict[str, Any]) -> str:
    """The first few members' names; their values may be secret."""
    listed = ", ".join(f'"{escape(name, 40)}"' for name in islice(value, _LISTED))
    more = len(value) - _LISTED
    return f"{listed} and {more} more" if more > 0 else listed or "no members"


def _misplaced(value: dict[str, Any]) -> Iterator[str]:
    """Pointers to where the job id may be meant to be: near-misses of its name first, then by depth."""
    yield from (f"/{escape_token(name)}" for name in value if is_near_miss(name))
    yield from (f"/{at}/job_id" for at in _holders(value))
    for name, member in value.items():
        yield from (f"/{escape_token(name)}/{at}/job_id" for at in _holders(member))


def _holders(value: Any) -> Iterator[str]:
    """Tokens of the members, or entries, of `value` that are Objects with a job id."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        if isinstance(inner, dict) and "job_id" in inner:
            yield escape_token(str(key))
