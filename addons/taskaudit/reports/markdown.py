"""The report as Markdown for a ticket or a wiki (GitHub's flavour: tables).

Whatever comes from the traffic stands in code spans: there Markdown and HTML mean nothing, no address becomes
a link, and nobody is mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from taskaudit import __version__
from taskaudit.contract.phrases import spoken
from taskaudit.contract.words import Language, Words
from taskaudit.reports.model import Report
from taskaudit.reports.shown import (
    LONGEST,
    about,
    clock,
    notes,
    request_line,
    rule_named,
    rule_title,
    source_of,
    waived,
    why,
    worst_first,
)
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import Example, FoundStory
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import seconds, why_failed
from taskaudit.story.operations import Counts, Operation
from taskaudit.text.markdown import code
from taskaudit.text.terms import COMMA, KINDS, SEVERITIES, STATES, UNAUDITED, Names
from taskaudit.text.waiver_words import with_waived

MOST_FINDINGS = 200
MOST_JOBS = 50
MOST_OPERATIONS = 200
MOST_LINES = 20
"""How many files, and places that could not be read, are listed."""
_NONE = "–"
_PIPE = re.compile(r"(\\*)\|")

WORDS = {
    "title": Words("Task audit report", "任务审计报告"),
    "sources": Words("Told from:", "来源："),
    "damage": Words("What could not be read", "无法读取的内容"),
    "findings": Words("Findings", "问题"),
    "rules": Words("Rules that were broken", "涉及的规则"),
    "jobs": Words("Jobs", "任务"),
    "operations": Words("Operations", "操作"),
    "severity": Words("Severity", "级别"),
    "rule": Words("Rule", "规则"),
    "count": Words("Count", "次数"),
    "where": Words("Where", "位置"),
    "difference": Words("Expected, found", "期望与实际"),
    "example": Words("First example", "首个示例"),
    "state": Words("State", "状态"),
    "job_id": Words("Job id", "任务 ID"),
    "operation": Words("Operation", "操作"),
    "submitted": Words("Submitted (UTC)", "提交时间 (UTC)"),
    "queries": Words("Asked", "查询次数"),
    "last_status": Words("Last status", "最近状态"),
    "took": Words("Took", "耗时"),
    "reason": Words("Fail reason", "失败原因"),
    "role": Words("Role", "角色"),
    "submission": Words("submission", "提交"),
    "job_query": Words("job query", "任务查询"),
    "seen": Words("Seen", "见到"),
    "audited": Words("Audited", "已审计"),
    "unaudited": Words("Unaudited", "未审计"),
    "kinds": Words("Answers", "响应"),
    "expected": Words("expected", "期望"),
    "found": Words("found", "实际"),
    "request_id": Words("request id", "请求 ID"),
    "no_request": Words("answers without a request", "没有请求的响应"),
    "not_seen": Words("submission not seen", "未见提交"),
    "no_findings": Words("No findings.", "没有发现问题。"),
    "no_jobs": Words("No jobs.", "没有任务。"),
    "no_operations": Words("No operations.", "没有操作。"),
    "more_lines": Words("and {n} more", "另有 {n} 处"),
    "more_findings": Words("{n} more groups of findings are not shown.", "另有 {n} 组问题未显示。"),
    "more_jobs": Words(
        "{n} more jobs are not shown: the worst come first.", "另有 {n} 个任务未显示：最严重的在前。"
    ),
    "more_operations": Words("{n} more operations are not shown.", "另有 {n} 个操作未显示。"),
    "made": Words("Made {made} UTC by taskaudit {version}.", "由 taskaudit {version} 于 {made} UTC 生成。"),
    "period": Words("Exchanges from {first} to {last} UTC.", "交互时间（UTC）：{first} 至 {last}。"),
}
FINDING_HEADS = ("severity", "rule", "count", "where", "difference", "example")
JOB_HEADS = (
    "state",
    "job_id",
    "operation",
    "submitted",
    "queries",
    "last_status",
    "took",
    "reason",
    "findings",
)
OPERATION_HEADS = ("operation", "role", "seen", "audited", "unaudited", "kinds", "findings")


def as_markdown(report: Report, language: Language) -> str:
    """The report as a text that ends with a newline."""
    parts = (
        _head(report, language),
        _damage(report, language),
        _findings(report, language),
        _rules(report, language),
        _jobs(report, language),
        _operations(report, language),
    )
    return "\n".join(line for part in parts for line in part)


def cell(text: str) -> str:
    """Text from the traffic for a cell of a table; a dash where there is none.

    A pipe ends a cell in a code span too, unless it is escaped; a backslash before it would undo that.
    """
    piped = _PIPE.sub(lambda found: found[1] + r"\u007c" if found[1] else r"\|", text)
    return code(piped, LONGEST) if text else _NONE


def _head(report: Report, language: Language) -> Iterator[str]:
    standing = standing_of(report, language)
    yield f"# {_word('title', language)}\n"
    yield f"**{standing.verdict}**\n"
    yield f"{standing.coverage}\n"
    if told := notes(report, language):
        yield "".join(f"- {note}\n" for note in told)
    yield _word("made", language).format(made=clock(report.made), version=__version__)
    if report.period:
        first, last = map(clock, report.period)
        yield _word("period", language).format(first=first, last=last)
    yield ""
    yield from _listed(report.sources, _word("sources", language), language)


def _damage(report: Report, language: Language) -> Iterator[str]:
    if report.damaged:
        yield f"## {_word('damage', language)}\n"
        yield from _listed(report.damaged, "", language)


def _listed(texts: tuple[str, ...], head: str, language: Language) -> Iterator[str]:
    if head and texts:
        yield f"{head}\n"
    yield from (f"- {code(text, LONGEST)}" for text in texts[:MOST_LINES])
    if len(texts) > MOST_LINES:
        yield f"- {_word('more_lines', language).format(n=len(texts) - MOST_LINES)}"
    if texts:
        yield ""


def _findings(report: Report, language: Language) -> Iterator[str]:
    yield f"## {_word('findings', language)}\n"
    rows = [_finding(report, found, language) for found in report.findings[:MOST_FINDINGS]]
    yield from _table(FINDING_HEADS, rows, "no_findings", language)
    yield from _more("more_findings", len(report.findings) - len(rows), language)


def _finding(report: Report, found: FoundStory, language: Language) -> tuple[str, ...]:
    example = found.example
    expected, was = (spoken(text, language) for text in (example.expected, example.found))
    return (
        SEVERITIES[found.severity].of(language),
        _rule(found, language),
        with_waived(str(found.counting), found.waived, language),
        cell(example.pointer) if example.pointer else about(found, language),
        f"{_word('expected', language)} {cell(expected)}, {_word('found', language)} {cell(was)}",
        _example(report, example, language),
    )


def _rule(found: FoundStory, language: Language) -> str:
    """With what waives it, which comes from a configuration, or from whoever has written the log."""
    title, terms = _plain(rule_title(found.rule, found.name)), waived(found, language)
    return f"{title} ({cell(terms)})" if terms else title


def _example(report: Report, example: Example, language: Language) -> str:
    status = f"HTTP {example.http_status}" if example.http_status is not None else ""
    request_id = f"{_word('request_id', language)} {cell(example.request_id)}" if example.request_id else ""
    source = source_of(report, example)
    request = request_line(example)
    facts = (cell(request) if request else "", status, clock(example.time), request_id)
    return ", ".join(filter(None, [*facts, cell(source) if source else ""])) or _NONE


def _rules(report: Report, language: Language) -> Iterator[str]:
    if not report.rules:
        return
    yield f"## {_word('rules', language)}\n"
    apart = dict(report.waived)
    for rule, count in report.rules:
        told = with_waived(f"({count})", apart.get(rule, 0), language)
        yield f"- **{_plain(rule_named(rule))}** {told}: {why(rule, language)}"
    yield ""


def _jobs(report: Report, language: Language) -> Iterator[str]:
    yield f"## {_word('jobs', language)}\n"
    rows = [_job(job, language) for job in worst_first(report)[:MOST_JOBS]]
    yield from _table(JOB_HEADS, rows, "no_jobs", language)
    yield from _more("more_jobs", len(report.jobs) - len(rows), language)


def _job(job: JobStory, language: Language) -> tuple[str, ...]:
    return (
        STATES[job.state].of(language),
        cell(job.job_id),
        cell(job.operation) if job.submitted else _word("not_seen", language),
        clock(job.submitted) or _NONE,
        str(job.asked),
        cell(job.last_status or ""),
        seconds(job.took) if job.took is not None else _NONE,
        cell(why_failed(job)),
        _plain(" ".join(job.rules)) or _NONE,
    )


def _operations(report: Report, language: Language) -> Iterator[str]:
    yield f"## {_word('operations', language)}\n"
    rows = [_operation(each, language) for each in report.operations[:MOST_OPERATIONS]]
    yield from _table(OPERATION_HEADS, rows, "no_operations", language)
    yield from _more("more_operations", len(report.operations) - len(rows), language)


def _operation(operation: Operation, language: Language) -> tuple[str, ...]:
    return (
        cell(operation.title) if operation.title else _word("no_request", language),
        _word(operation.role.value, language),
        str(operation.seen),
        str(operation.audited),
        _counted(operation.unaudited, UNAUDITED, language) if operation.unaudited else "0",
        _counted(operation.kinds, KINDS, language),
        with_waived(_counted(operation.rules, {}, language), operation.waived, language),
    )


def _counted(counts: Counts, names: Names, language: Language) -> str:
    """`error 2, job 1`; a log may name what is unknown here."""
    told = (
        f"{names[name].of(language) if name in names else _plain(name)} {count}" for name, count in counts
    )
    return COMMA.of(language).join(told) or _NONE


def _table(
    heads: Iterable[str], rows: list[tuple[str, ...]], nothing: str, language: Language
) -> Iterator[str]:
    if not rows:
        yield f"{_word(nothing, language)}\n"
        return
    names = [_word(head, language) for head in heads]
    yield _row(names)
    yield _row("---" for _ in names)
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _more(word: str, count: int, language: Language) -> Iterator[str]:
    if count > 0:
        yield _word(word, language).format(n=count) + "\n"


def _word(key: str, language: Language) -> str:
    return WORDS[key].of(language)


def _plain(text: str) -> str:
    """Names of the audit's own as they are; of a log that says otherwise, as a code span."""
    return text if re.fullmatch(r"[\w -]*", text, re.ASCII) else cell(text)
