"""What is said of waivers to people, in each language."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Waiver
from taskaudit.contract.words import Language, Words
from taskaudit.policy.policy import Policy
from taskaudit.totals import Totals

WAIVED = Words("waived until {until} by {owner}: {reason}", "已豁免，至 {until}，负责人 {owner}：{reason}")
WAIVED_ONE_OF = Words(
    "{count} of {total} waived, until {until} by {owner}: {reason}",
    "{total} 项中已豁免 {count} 项，至 {until}，负责人 {owner}：{reason}",
)
COUNTED = Words("{count} waived", "已豁免 {count} 项")
_AND = Words("; {waived}", "；{waived}")
EXPIRED = Words(
    "the waiver for {what} expired after {until} and is not applied (owner {owner}: {reason})",
    "对 {what} 的豁免已在 {until} 之后过期，不再生效（负责人 {owner}：{reason}）",
)
UNUSED = Words(
    "the waiver for {what} waived nothing (until {until}, owner {owner}: {reason})",
    "对 {what} 的豁免没有用到（至 {until}，负责人 {owner}：{reason}）",
)


def waiver_text(words: Words, waiver: Waiver, language: Language = Language.EN, **facts: object) -> str:
    """One of the texts above on a waiver, in one harmless line."""
    what = " ".join(filter(None, [waiver.rule, waiver.route, waiver.pointer]))
    return words.of(language).format(
        what=escape(what),
        until=escape(waiver.until, 40),
        owner=escape(waiver.owner),
        reason=escape(waiver.reason),
        **facts,
    )


def waived_text(
    count: int, total: int, until: str, owner: str, reason: str, language: Language = Language.EN
) -> str:
    """That findings are waived, all or some of them."""
    words = WAIVED if count == total else WAIVED_ONE_OF
    return waiver_text(words, Waiver("", reason, owner, until), language, count=count, total=total)


def with_waived(text: str, waived: int, language: Language = Language.EN) -> str:
    """A count of findings with how many of them are waived; as it was where none is."""
    return (
        text + _AND.of(language).format(waived=COUNTED.of(language).format(count=waived)) if waived else text
    )


def policy_lines(policy: Policy, totals: Totals, language: Language = Language.EN) -> Iterator[Text]:
    """At the end of a run: the waivers that have expired, and those that waived nothing."""
    told = [(EXPIRED, waiver) for waiver in policy.expired]
    told += [(UNUSED, waiver) for waiver in policy.unused(totals.waivers)]
    yield from (Text(waiver_text(words, waiver, language), "yellow") for words, waiver in told)
