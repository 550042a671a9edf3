"""What waivers would catch, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language, Words
from taskaudit.story.waivers import Caught, WaiverState

STYLES = {WaiverState.USED: "green", WaiverState.UNUSED: "yellow", WaiverState.EXPIRED: "bold red"}
NONE = Words("no waivers", "没有豁免")
STATES = {
    WaiverState.USED: Words("used", "在用"),
    WaiverState.UNUSED: Words("unused", "未用到"),
    WaiverState.EXPIRED: Words("expired", "已过期"),
}
_CAUGHT = Words("{count} caught, {span} UTC", "命中 {count} 项，{span} UTC")
_WOULD = Words("would still have caught {count}, {span} UTC", "若未过期，仍会命中 {count} 项，{span} UTC")
_SPAN = Words("{first} to {last}", "{first} 至 {last}")
_NOTHING = Words("nothing caught", "没有命中")
_ROUTE = Words("route {route}", "路由 {route}")
_POINTER = Words("pointer {pointer}", "JSON Pointer {pointer}")
_BODY = Words("the whole body", "整个响应体")
_TERMS = Words("until {until}, {owner}: {reason}", "至 {until}，{owner}：{reason}")
_TOTAL = Words("waivers: {count} ({states})", "豁免：共 {count} 条（{states}）")
_AND = Words(", ", "，")


def waiver_lines(tests: Sequence[Caught], language: Language = Language.EN) -> Iterator[Text]:
    """Each waiver in a few lines, and how many there are of each state."""
    for test in tests:
        yield from _entry(test, language)
        yield Text()
    states = Counter(test.state for test in tests)
    told = _AND.of(language).join(
        f"{states[state]} {STATES[state].of(language)}" for state in WaiverState if states[state]
    )
    total = _TOTAL.of(language).format(count=len(tests), states=told)
    yield Text(total if tests else NONE.of(language), "bold")


def _entry(test: Caught, language: Language) -> Iterator[Text]:
    waiver = test.waiver
    yield Text.assemble(
        (waiver.rule, "bold"),
        f" {RULES[waiver.rule].name}  ",
        (STATES[test.state].of(language), STYLES[test.state]),
    )
    limits = []
    if waiver.route is not None:
        limits.append(_ROUTE.of(language).format(route=escape(waiver.route)))
    if waiver.pointer is not None:
        shown = _POINTER.of(language).format(pointer=escape(waiver.pointer))
        limits.append(shown if waiver.pointer else _BODY.of(language))
    if limits:
        yield Text(f"  {_AND.of(language).join(limits)}")
    yield Text(f"  {_count(test, language)}")
    terms = _TERMS.of(language).format(
        until=waiver.until, owner=escape(waiver.owner), reason=escape(waiver.reason)
    )
    yield Text(f"  {terms}", "dim")


def _count(test: Caught, language: Language) -> str:
    if test.first is None or test.last is None:
        return _NOTHING.of(language)
    words = _WOULD if test.is_expired else _CAUGHT
    first, last = (at[:19].replace("T", " ") for at in (test.first, test.last))
    span = first if test.count == 1 else _SPAN.of(language).format(first=first, last=last)
    return words.of(language).format(count=test.count, span=span)
