"""What kinds, severities, states and reasons are called where people read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from taskaudit.contract.verdict import Kind, Severity
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import Unaudited
from taskaudit.job_state import JobState

type Names = Mapping[str, Words]

KINDS: Final[Names] = {
    Kind.UNREADABLE: Words("unreadable", "无法读取"),
    Kind.AMBIGUOUS: Words("ambiguous", "有歧义"),
    Kind.JOB: Words("job", "任务"),
    Kind.ERROR: Words("error", "错误"),
    Kind.ORDER: Words("order", "订单"),
    Kind.ACCEPTED: Words("accepted", "已受理"),
    Kind.FOREIGN: Words("foreign", "其他错误格式"),
    Kind.UNRECOGNISED: Words("unrecognised", "无法识别"),
}
SEVERITIES: Final[Names] = {
    Severity.ERROR: Words("error", "错误"),
    Severity.WARNING: Words("warning", "警告"),
    Severity.INFO: Words("info", "提示"),
}
UNAUDITED: Final[Names] = {
    Unaudited.STREAMED: Words("streamed", "流式传输"),
    Unaudited.TOO_LARGE: Words("too_large", "过大"),
    Unaudited.NOT_CAPTURED: Words("not_captured", "未保存"),
    Unaudited.INTERIM: Words("interim", "临时响应"),
    Unaudited.ABORTED: Words("aborted", "已中断"),
    Unaudited.INTERNAL_ERROR: Words("internal_error", "内部错误"),
}
STATES: Final[Names] = {
    JobState.NOT_ASKED_YET: Words("not asked yet", "尚未查询"),
    JobState.NEVER_QUERIED: Words("never-queried", "从未查询"),
    JobState.BY_RESOURCE: Words("by-resource", "按资源跟踪"),
    JobState.OPEN: Words("open", "未结束"),
    JobState.NO_STATUS: Words("no-status", "无状态"),
    JobState.FINAL: Words("final", "已结束"),
    JobState.FAILED: Words("failed", "已失败"),
}

COMMA: Final = Words(", ", "、")
"""Between the parts of a list."""
_COUNT = Words("{count} {name}", "{name} {count}")
_IN_BRACKETS = Words(" ({text})", "（{text}）")


def name_of(value: str, names: Names, language: Language) -> str:
    """What `value` is called; as it is where it has no name, as a later version's has none here."""
    return names[value].of(language) if value in names else value


def count_of(count: int, value: str, names: Names, language: Language) -> str:
    """`2 error`."""
    return _COUNT.of(language).format(count=count, name=name_of(value, names, language))


def counts_of(counts: Iterable[tuple[str, int]], names: Names, language: Language) -> str:
    """`2 error, 1 info`: those that are not 0."""
    told = (count_of(count, value, names, language) for value, count in counts if count)
    return COMMA.of(language).join(told)


def in_brackets(text: str, language: Language) -> str:
    """The text in brackets, after something else; nothing for an empty one."""
    return _IN_BRACKETS.of(language).format(text=text) if text else ""
