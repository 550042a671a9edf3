"""What is said of waivers to people, in each language."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Waiver
from taskaudit.contract.words import Language, Words
from taskaudit.policy.policy import BASELINE, NEVER, Policy
from taskaudit.text.terms import in_brackets
from taskaudit.totals import Totals

WAIVED = Words("waived until {until} by {owner}: {reason}", "已豁免，至 {until}，负责人 {owner}：{reason}")
_MORE = Words("{count} more waived", "另有 {count} 项已豁免")
IN_BASELINE = Words("waived: in the baseline {reason}", "已豁免：在基线 {reason} 中")
EXPIRED = Words(
    "the waiver for {what} expired after {until} and is not applied (owner {owner}: {reason})",
    "对 {what} 的豁免已在 {until} 之后过期，不再生效（负责人 {owner}：{reason}）",
)
UNUSED = Words(
    "the waiver for {what} waived nothing (until {until}, owner {owner}: {reason})",
    "对 {what} 的豁免没有用到（至 {until}，负责人 {owner}：{reason}）",
)


def waiver_text(words: Words, waiver: Waiver, language: Language = Language.EN) -> str:
    """One of the texts above on a waiver, in one harmless line."""
    what = " ".join(filter(None, [waiver.rule, waiver.route, waiver.pointer]))
    return words.of(language).format(
        what=escape(what),
        until=escape(waiver.until, 40),
        owner=escape(waiver.owner),
        reason=escape(waiver.reason),
    )


def waived_text(
    until: str | None, owner: str | None, reason: str | None, language: Language = Language.EN
) -> str:
    """Until when findings are waived, by whom and why; empty where none is."""
    if not (until and owner and reason):
        return ""
    words = IN_BASELINE if (owner, until) == (BASELINE, NEVER) else WAIVED
    return waiver_text(words, Waiver("", reason, owner, until), language)


def with_waived(text: str, waived: int, language: Language = Language.EN) -> str:
    """`3 errors (2 more waived)`: a count of findings, with those that are waived counted apart."""
    return text + in_brackets(_MORE.of(language).format(count=waived) if waived else "", language)


def policy_lines(policy: Policy, totals: Totals, language: Language = Language.EN) -> Iterator[Text]:
    """At the end of a run: the waivers that have expired, and those that waived nothing."""
    told = [(EXPIRED, waiver) for waiver in policy.expired]
    told += [(UNUSED, waiver) for waiver in policy.unused(totals.waivers)]
    yield from (Text(waiver_text(words, waiver, language), "yellow") for words, waiver in told)
