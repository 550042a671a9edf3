"""How an audit stands, in one line, with all that keeps it from being whole. Said in each language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
from taskaudit.reports.model import Report
from taskaudit.text.terms import SEVERITIES, UNAUDITED, counts_of
from taskaudit.text.waiver_words import with_waived

NOTHING = Words("Nothing was audited", "没有审计到任何交互")
NONE = Words("No findings", "没有发现问题")
CLEAN = Words("{findings} in {exchanges}", "{exchanges}中{findings}")
CLEAN_AS_FAR = Words(
    "{findings} in {exchanges}, but not everything was seen", "{exchanges}中{findings}，但并未看到全部"
)
FOUND = Words("{findings} in {exchanges}", "{exchanges}中有 {findings}")


@dataclass(frozen=True, slots=True)
class Standing:
    """`mood` is `none`, `ok`, `partial` or the worst severity; never `ok` unless everything was audited.

    Waived findings are counted apart.

    `alerts`: what was not seen or is not known, a sentence each.
    """

    mood: str
    verdict: str
    coverage: str
    alerts: tuple[str, ...]


def standing_of(report: Report, language: Language) -> Standing:
    """How it stands."""
    alerts = tuple(words.of(language) for words in _alerts(report))
    mood = _mood(report, bool(alerts))
    return Standing(mood, _verdict(report, mood, language), report.coverage.line(language), alerts)


def audited(report: Report) -> int:
    """Audited exchanges."""
    return report.coverage.totals.audited


def counted(count: int, one: str, many: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {one if count == 1 else many}"


def _mood(report: Report, has_alerts: bool) -> str:
    worst = next((severity.value for severity, count in report.severities.items() if count), None)
    if worst is not None:
        return worst
    return "none" if not audited(report) else "partial" if has_alerts else "ok"


def _verdict(report: Report, mood: str, language: Language) -> str:
    number = audited(report)
    exchanges = Words(
        counted(number, "audited exchange", "audited exchanges"), f"{number} 次已审计的交互"
    ).of(language)
    if mood == "none":
        return NOTHING.of(language)
    waived = sum(count for _, count in report.waived)
    words = {"ok": CLEAN, "partial": CLEAN_AS_FAR}.get(mood, FOUND)
    findings = with_waived(_found(report, language) or NONE.of(language), waived, language)
    return words.of(language).format(findings=findings, exchanges=exchanges)


def _found(report: Report, language: Language) -> str:
    if language is Language.ZH:
        told = (f"{n} 个{SEVERITIES[each].zh}" for each, n in report.severities.items() if n)
        return "、".join(told)
    return ", ".join(
        counted(n, each.value, "infos" if each is Severity.INFO else f"{each}s")
        for each, n in report.severities.items()
        if n
    )


def _alerts(report: Report) -> Iterator[Words]:
    coverage = report.coverage
    if report.since:
        yield Words(
            f"Only what happened since {report.since[:19]}Z is listed; the coverage is that of the whole.",
            f"只列出 {report.since[:19]}Z 以来的内容；覆盖范围是全部日志的。",
        )
    if unaudited := coverage.totals.unaudited.total():
        en, zh = (counts_of(sorted(coverage.totals.unaudited.items()), UNAUDITED, each) for each in Language)
        yield Words(
            f"{counted(unaudited, 'exchange', 'exchanges')} in scope got no verdict: {en}.",
            f"{unaudited} 次应审计的交互没有结论：{zh}。",
        )
    for en, zh in zip(*map(coverage.gaps, Language), strict=True):
        yield Words(f"{en}.", f"{zh}。")
    if coverage.open_sessions:
        yield Words(
            f"{coverage.open_sessions} of {coverage.sessions} sessions are still running, or were killed.",
            f"{coverage.sessions} 个会话中有 {coverage.open_sessions} 个仍在运行，或被强行终止。",
        )
    if damaged := len(report.damaged):
        yield Words(f"{counted(damaged, 'place', 'places')} could not be read.", f"{damaged} 处无法读取。")
    if forgotten := report.evicted:
        yield Words(
            f"{counted(forgotten, 'job was', 'jobs were')} forgotten (remembered_jobs): what came of them "
            "later is not judged.",
            f"有 {forgotten} 个任务被遗忘（remembered_jobs）：其后续不再评判。",
        )
