"""TA9xx: the audit itself. These rules have no examples: no answer breaks them."""

from __future__ import annotations

from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

TA901 = Rule(
    "TA901",
    "audit-failed",
    Severity.ERROR,
    when=Words(
        "the audit raised while looking at this exchange; traffic was not affected",
        "审计在检查这次请求和响应时抛出异常；流量不受影响",
    ),
    why=Words(
        "Nothing is known of this exchange: it is counted as unaudited, and the fault is in the audit.",
        "对这次请求和响应一无所知：它计入未审计，故障出在审计自身。",
    ),
    source="the audit itself",
)
TA902 = Rule(
    "TA902",
    "records-lost",
    Severity.ERROR,
    when=Words(
        "records could not be written; says how many and from when to when",
        "记录无法写入；说明丢失了多少条，从何时到何时",
    ),
    why=Words(
        "The log is not whole: job ids of that time may be missing. Traffic was not affected.",
        "日志不完整：这段时间的 job_id 可能缺失。流量不受影响。",
    ),
    source="the audit itself",
)
