"""Outcomes as text, in the manner of a good linter. Everything from the traffic is made harmless first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.job_status import StatusVerdict
from taskaudit.contract.phrases import spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding, Kind, Severity
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import MatchedBy
from taskaudit.sources.captured import Damage
from taskaudit.text.coverage import coverage_line
from taskaudit.text.frame import Line, faults_of, frames, plain
from taskaudit.text.terms import (
    COMMA,
    KINDS,
    SEVERITIES,
    UNAUDITED,
    count_of,
    counts_of,
    in_brackets,
    name_of,
)
from taskaudit.text.waiver_words import waived_text, with_waived
from taskaudit.totals import Totals

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}

_STDIN = Words("standard input", "标准输入")
_MORE_TIMES = Words("  {rule} {count} more times", "  {rule} 另有 {count} 次")
_SUBMISSIONS = Words(
    "submissions: {submissions}{kinds}; job queries: {queries}",
    "提交：{submissions}{kinds}；任务查询：{queries}",
)
_MISSED = Words("{count} not audited", "未审计 {count}")
_FINDINGS = Words("findings: ", "问题：")
_NO_FINDINGS = Words("no findings", "没有问题")
_NOTHING_AUDITED = Words("nothing was audited", "没有审计任何内容")
_FORGOTTEN = Words(
    "jobs forgotten because there were too many to follow: {count}", "因任务过多而不再跟踪的任务：{count}"
)
_NOT_AUDITED = Words("not audited: {reason}", "未审计：{reason}")
_JOB_QUERY = Words("job query {job_id} {status}", "任务查询 {job_id} {status}")
_RESOURCE_QUERY = Words("query of the resource of job {job_id} {status}", "查询任务 {job_id} 的资源 {status}")
_NAME = Words(" {name} ", " {name}")
_SEVERITY = Words("({severity})", "（{severity}）")
_THE_BODY = Words("the body", "响应体")
_FOUND = Words("expected {expected}, found {found}", "期望：{expected}；实际：{found}")
_WHY = Words("What this means for clients", "对客户端的影响")
_TIMES = Words("  {count} times", "  {count} 次")
_PASSED = Words(
    "files skipped, which are no captures: {count} (listed with --verbose)",
    "已跳过的非捕获文件：{count}（用 --verbose 列出）",
)
_DIFFERENCE = Words("{where}: expected {expected}, found {found}", "{where}，期望：{expected}；实际：{found}")


def headline(outcome: Outcome, language: Language = Language.EN) -> str:
    """One line on one exchange: what was asked, what came back, and the rules broken."""
    parts = [_verdict_words(outcome, language), request_line(outcome)]
    rules = list(dict.fromkeys(_short(finding) for finding in outcome.findings))
    return " ".join(filter(None, [*parts, *rules]))


def _short(finding: Finding) -> str:
    return f"{finding.rule} (waived)" if finding.waived else finding.rule


def _source(source: str, language: Language) -> str:
    return _STDIN.of(language) if source == "-" else escape(source, 1000)


def request_line(outcome: Outcome) -> str:
    """Method, host and path, route, status: what there is of them."""
    exchange = outcome.exchange
    status = exchange.answer.status if exchange.answer else None
    parts = [
        exchange.method and escape(exchange.method, 20),
        escape((exchange.host or "") + (exchange.path or "")),
        outcome.route and f"({outcome.route.name})",
        status is not None and f"HTTP {status}",
    ]
    return " ".join(part for part in parts if part)


def outcome_text(
    source: str, index: int, outcome: Outcome, language: Language = Language.EN
) -> Iterator[Text]:
    """An outcome: its head, then each finding with its place in the body; `why_text` says why they matter."""
    asked = request_line(outcome)
    yield Text.assemble(
        (_source(source, language), "bold"),
        (f"[{index}] ", "dim"),
        f"{asked} -> " if asked else "-> ",
        (_verdict_words(outcome, language), _verdict_style(outcome)),
    )
    for finding, lines in zip(outcome.findings, _frames(outcome), strict=True):
        yield from _finding_text(finding, lines, language)
    if outcome.verdict:
        for rule, count in outcome.verdict.omitted:
            yield Text(_MORE_TIMES.of(language).format(rule=rule, count=count), "dim")
    if outcome.findings:
        yield Text()


def finding_line(source: str, index: int, finding: Finding, language: Language = Language.EN) -> Text:
    """`capture.har[3] TA306 /error/code expected String, found Number 400`."""
    facts = {name: spoken(getattr(finding, name), language) for name in ("expected", "found")}
    return Text.assemble(
        f"{_source(source, language)}[{index}] ",
        (finding.rule, STYLES[finding.severity]),
        f" {escape(finding.pointer)} " if finding.pointer else " ",
        _FOUND.of(language).format(**facts),
    )


def why_text(rules: Mapping[str, int], language: Language = Language.EN) -> Iterator[Text]:
    """What each of the rules found means for a client, with how often it was broken."""
    if rules:
        yield Text(_WHY.of(language), "bold")
    for code, count in sorted(rules.items()):
        times = Text(_TIMES.of(language).format(count=count), "dim") if count > 1 else Text()
        yield Text.assemble("  ", (code, "bold"), f" {RULES[code].name}", times)
        yield Text(f"    {RULES[code].why.of(language)}", "dim")
    if rules:
        yield Text()


def summary_text(totals: Totals, evicted: int = 0, language: Language = Language.EN) -> Iterator[Text]:
    """What the run found, with the coverage line; `evicted` jobs were too many to follow."""
    yield Text(
        _SUBMISSIONS.of(language).format(
            submissions=totals.roles[Role.SUBMISSION],
            kinds=in_brackets(_kinds(totals, language), language),
            queries=totals.roles[Role.JOB_QUERY],
        )
    )
    yield _found_text(totals, language)
    if evicted:
        yield Text(_FORGOTTEN.of(language).format(count=evicted), "yellow")
    yield Text(coverage_line(totals, language), "dim" if not totals.unaudited.total() else "yellow")


def damage_text(source: str, damage: Damage) -> Text:
    """A place of a source that could not be read."""
    at = f"{source}[{damage.index}]" if damage.index is not None else source
    place = "" if damage.where in ("", source) else f"damaged at {damage.where}: "
    return Text.assemble((f"{escape(at, 1000)}: ", "bold"), (place, "red"), escape(damage.message, 1000))


def passed_text(source: str, what: str) -> Text:
    """A file that is no capture."""
    return Text.assemble((f"{escape(source, 1000)}: ", "bold"), escape(what, 1000), style="dim")


def passed_count(count: int, language: Language = Language.EN) -> Iterator[Text]:
    """How many files are no captures; nothing where there are none."""
    if count:
        yield Text(_PASSED.of(language).format(count=count), "dim")


def _kinds(totals: Totals, language: Language) -> str:
    kinds = counts_of(sorted(totals.kinds.items()), KINDS, language)
    missed = totals.roles[Role.SUBMISSION] - totals.kinds.total()
    told = _MISSED.of(language).format(count=missed) if missed else ""
    return COMMA.of(language).join(filter(None, [kinds, told]))


def _found_text(totals: Totals, language: Language) -> Text:
    found = [
        Text(count_of(totals.counting[each], each, SEVERITIES, language), STYLES[each])
        for each in Severity
        if totals.counting[each]
    ]
    waived = with_waived("", totals.waived.total(), language)
    if found:
        text = Text(_FINDINGS.of(language)).append_text(Text(COMMA.of(language)).join(found))
        return text.append(waived)
    if totals.audited:
        return Text(_NO_FINDINGS.of(language) + waived, "green")
    return Text(_NOTHING_AUDITED.of(language), "yellow")


def _verdict_words(outcome: Outcome, language: Language) -> str:
    if outcome.unaudited is not None:
        return _NOT_AUDITED.of(language).format(reason=name_of(outcome.unaudited, UNAUDITED, language))
    if outcome.verdict is None:
        status = outcome.status or StatusVerdict()
        is_resource = outcome.matched_by is MatchedBy.RESOURCE
        words = (_RESOURCE_QUERY if is_resource else _JOB_QUERY).of(language)
        job_id, state = escape(outcome.job_id or "", 80), escape(status.status or "", 40)
        head = words.format(job_id=job_id, status=state).rstrip()
        reason = " ".join(escape(part, 80) for part in status.reason if part)
        return f"{head}: {reason}" if reason else head
    verdict = outcome.verdict
    kind = name_of(verdict.kind, KINDS, language)
    if verdict.job_id is not None:
        return f"{kind} {escape(verdict.job_id, 80)}"
    if verdict.kind is Kind.ERROR and verdict.error_code is not None:
        return f"{kind} {escape(verdict.error_code, 80)}"
    return kind


def _verdict_style(outcome: Outcome) -> str:
    counting = [finding.severity for finding in outcome.findings if not finding.waived]
    if counting:
        return STYLES[min(counting, key=lambda severity: severity.rank)]
    return "yellow" if outcome.unaudited is not None else "green"


def _finding_text(finding: Finding, lines: list[Line], language: Language) -> Iterator[Text]:
    yield Text.assemble(
        ("  ", ""),
        (finding.rule, STYLES[finding.severity]),
        (_NAME.of(language).format(name=finding.name), "bold"),
        (_SEVERITY.of(language).format(severity=name_of(finding.severity, SEVERITIES, language)), "dim"),
    )
    if finding.waived:
        terms = finding.waived.until, finding.waived.owner, finding.waived.reason
        yield Text(f"    {waived_text(*terms, language)}", "yellow")
    difference = _DIFFERENCE.of(language).format(
        where=escape(finding.pointer) or _THE_BODY.of(language),
        expected=spoken(finding.expected, language),
        found=spoken(finding.found, language),
    )
    yield Text(f"    {difference}")
    for row in plain(lines).split("\n") if lines else ():
        marked = row.rstrip("^") != row and row.lstrip(" |").strip("^") == ""
        yield Text(f"   {row}", STYLES[finding.severity] if marked else "")


def _frames(outcome: Outcome) -> list[list[Line]]:
    """The place of each finding in the body, where that can be had."""
    text, findings = outcome.text, outcome.findings
    return [[] for _ in findings] if text is None else frames(text, faults_of(text, findings))
