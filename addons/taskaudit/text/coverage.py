"""The line without which no result is shown."""

from __future__ import annotations

from taskaudit.contract.words import Language, Words
from taskaudit.text.terms import COMMA, UNAUDITED, in_brackets, name_of
from taskaudit.totals import Totals

_COVERAGE = Words(
    "seen {seen} = other {other} + audited {audited} + unaudited {unaudited}",
    "共 {seen} = 其他 {other} + 已审计 {audited} + 未审计 {unaudited}",
)
_LOST = Words("; records lost {lost}", "；丢失记录 {lost}")


def sums(totals: Totals, language: Language = Language.EN) -> str:
    """What was looked at, and what was not."""
    missed = COMMA.of(language).join(
        f"{name_of(reason, UNAUDITED, language)} {n}" for reason, n in sorted(totals.unaudited.items()) if n
    )
    line = _COVERAGE.of(language).format(
        seen=totals.seen, other=totals.other, audited=totals.audited, unaudited=totals.unaudited.total()
    )
    return line + in_brackets(missed, language)


def coverage_line(totals: Totals, language: Language = Language.EN) -> str:
    """The line without which no result is shown, with the records that could not be written."""
    lost = _LOST.of(language).format(lost=totals.lost) if totals.lost else ""
    return sums(totals, language) + lost
