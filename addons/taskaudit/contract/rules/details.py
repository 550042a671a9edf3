"""TA4xx: error.details."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskaudit.contract.rules.rule import Example, Fault, Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

_SOURCE = "Huawei Cloud API reference, task-class responses"


def _answer(details: str) -> Example:
    return Example(f'{{"error": {{"message": "bad", "code": "Ecs.0005", "details": {details}}}}}', status=400)


_GOOD = _answer('[{"code": "Ecs.0039", "message": "no such subnet"}]')
_ABSENT = Example('{"error": {"message": "bad", "code": "Ecs.0005"}}', status=400)

TA401 = Rule(
    "TA401",
    "details-not-array",
    Severity.ERROR,
    when=Words(
        "error.details is of another JSON type than Array (null is TA402)",
        "error.details 的 JSON 类型不是 Array（null 属于 TA402）",
    ),
    why=Words(
        "Clients loop over the entries: over an Object they get its names, over a String its characters.",
        "客户端会遍历其中的条目：遍历 Object 得到的是成员名，遍历 String 得到的是单个字符。",
    ),
    source=_SOURCE,
    bad=_answer('{"code": "Ecs.0039", "message": "no such subnet"}'),
    good=_GOOD,
)
TA402 = Rule(
    "TA402",
    "details-null",
    Severity.WARNING,
    when=Words("error.details is null where absent was meant", "error.details 本应省略，却为 null"),
    why=Words(
        "A client that asks whether the member is there, and then loops over it, raises.",
        "客户端如果先判断该成员是否存在，再去遍历它，就会抛出异常。",
    ),
    source=_SOURCE,
    bad=_answer("null"),
    good=_ABSENT,
)
TA403 = Rule(
    "TA403",
    "details-empty",
    Severity.INFO,
    when=Words("error.details is []", "error.details 为 []"),
    why=Words(
        "Harmless, but it says nothing: absent was meant, or the entries were lost.",
        "没有害处，但也没有任何信息：要么本应省略，要么条目丢失了。",
    ),
    source=_SOURCE,
    bad=_answer("[]"),
    good=_ABSENT,
)
TA404 = Rule(
    "TA404",
    "detail-not-object",
    Severity.ERROR,
    when=Words(
        "an entry of error.details is of another JSON type than Object, null included",
        "error.details 中某个条目的 JSON 类型不是 Object，包括 null",
    ),
    why=Words(
        "Clients read code and message of each entry: that raises, and the first error is hidden too.",
        "客户端会读取每个条目的 code 和 message：这会抛出异常，连最初的错误也被掩盖。",
    ),
    source=_SOURCE,
    bad=_answer('["no such subnet"]'),
    good=_GOOD,
)
TA405 = Rule(
    "TA405",
    "detail-message-not-string",
    Severity.ERROR,
    when=Words(
        "an entry's message is of another JSON type than String, null included",
        "某个条目的 message 的 JSON 类型不是 String，包括 null",
    ),
    why=Words(
        "Typed clients refuse the whole answer because of one entry; others show 'None'.",
        "强类型客户端会因为一个条目而拒绝整个响应；其他客户端会显示“None”。",
    ),
    source=_SOURCE,
    bad=_answer('[{"code": "Ecs.0039", "message": null}]'),
    good=_GOOD,
)
TA406 = Rule(
    "TA406",
    "detail-code-not-string",
    Severity.ERROR,
    when=Words(
        "an entry's code is of another JSON type than String, null included",
        "某个条目的 code 的 JSON 类型不是 String，包括 null",
    ),
    why=Words(
        "Typed clients refuse the whole answer because of one entry; a comparison of codes never matches.",
        "强类型客户端会因为一个条目而拒绝整个响应；错误码的比较永远不会匹配。",
    ),
    source=_SOURCE,
    bad=_answer('[{"code": 39, "message": "no such subnet"}]'),
    good=_GOOD,
)
TA407 = Rule(
    "TA407",
    "detail-empty",
    Severity.WARNING,
    when=Words(
        "an entry of error.details has neither message nor code",
        "error.details 中某个条目既没有 message 也没有 code",
    ),
    why=Words(
        "The entry says nothing; what it was to say stands under names that no client reads.",
        "该条目没有任何信息；它要说明的内容放在了没有客户端会读取的名称下。",
    ),
    source=_SOURCE,
    bad=_answer('[{"reason": "no such subnet"}]'),
    good=_GOOD,
)
TA408 = Rule(
    "TA408",
    "details-misplaced",
    Severity.ERROR,
    when=Words(
        "details stands at the top level instead of inside error", "details 位于顶层，而不在 error 之内"
    ),
    why=Words(
        "Clients look inside error: the details are never shown.",
        "客户端只在 error 之内查找：这些详情永远不会展示出来。",
    ),
    source=_SOURCE,
    bad=Example(
        '{"error": {"message": "bad", "code": "Ecs.0005"}, "details": [{"code": "Ecs.0039"}]}', status=400
    ),
    good=_GOOD,
)


def details_empty(error: dict[str, Any]) -> Iterator[Fault]:
    """TA403."""
    if error.get("details") == []:
        yield TA403.at("/error/details", "entries, or no details at all")


def detail_empty(error: dict[str, Any]) -> Iterator[Fault]:
    """TA407."""
    details = error.get("details")
    for index, detail in enumerate(details if isinstance(details, list) else ()):
        if isinstance(detail, dict) and "message" not in detail and "code" not in detail:
            yield TA407.at(f"/error/details/{index}", '"message" or "code"')


def details_misplaced(value: dict[str, Any]) -> Iterator[Fault]:
    """TA408: only beside an `error` that has no details of its own."""
    error = value.get("error")
    if error is None or "details" not in value:
        return
    if not (isinstance(error, dict) and "details" in error):
        yield TA408.at("/details", "details inside error")
