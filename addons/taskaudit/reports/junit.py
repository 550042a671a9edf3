"""The report as JUnit XML: a suite an operation, a test case a rule, so that what was kept shows too.

- A rule that applies to the operation and was broken nowhere is a case that passed.
- Broken with severity `error` or `warning`: a failure, with that severity as its type. With `info`: passed,
  and told in `system-out`; so is what is waived, with until when, by whom and why.
- Of an operation of which nothing was audited the cases are skipped. What else had no verdict is a skipped
  case of its own for each reason, with how many.
- The first suite is about the audit itself: it fails with TA901 or TA902, has an error for what could not be
  read, and its `system-out` holds the coverage and what keeps it from being whole. The properties of
  all suites hold the counts.

The form is that of the Ant JUnit task, as CI servers read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.audit import TA901, TA902
from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507, TA508
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import Unaudited
from taskaudit.reports.as_json import coverage
from taskaudit.reports.model import Report
from taskaudit.reports.shown import (
    LONGEST,
    clock,
    difference,
    is_waived,
    notes,
    often,
    request_id,
    request_line,
    rule_named,
    rule_title,
    source_of,
    times,
    waived,
    why,
)
from taskaudit.reports.standing import audited, standing_of
from taskaudit.story.groups import FoundStory
from taskaudit.story.operations import Counts, Operation, by_operation
from taskaudit.text.terms import UNAUDITED, name_of

_QUERY_RULES = tuple(rule.code for rule in (TA502, TA503, TA504, TA505, TA508))
_AUDIT_RULES = (TA901.code, TA902.code)
APPLY = {
    Role.JOB_QUERY: _QUERY_RULES,
    Role.SUBMISSION: tuple(code for code in RULES if code not in (*_QUERY_RULES, *_AUDIT_RULES)),
}
"""The rules that an exchange can break, by its role."""

_IN_SEQUENCE = frozenset(rule.code for rule in (TA204, TA501, TA506, TA507))
"""Rules that no answer without a request can break: it has no client and no "next"."""
THE_AUDIT = "taskaudit"
"""The name of the suite about the audit itself."""
_INPUT = "input can be read"
_COVERAGE = "coverage"
_NO_REQUEST = Words("answers without a request", "没有请求的响应")
_NOT_AUDITED = Words("nothing of this operation was audited", "此操作未有任何审计")
_NO_VERDICT = Words("without a verdict: {n} ({reason})", "没有结论：{n}（{reason}）")
_LOST = Words("{n} records lost, or not in these logs", "{n} 条记录丢失，或不在这些日志中")


class _Case(NamedTuple):
    """`tag`: failure, error or skipped; "" passed. `type`: its severity or reason."""

    name: str
    tag: str = ""
    type: str = ""
    message: str = ""
    text: str = ""


def as_junit(report: Report, language: Language) -> str:
    """The report as a `testsuites` document."""
    root = ElementTree.Element("testsuites", name=THE_AUDIT)
    _add_suite(root, report, THE_AUDIT, _audit_cases(report, language), _totals(report))
    found = by_operation(report.operations, report.findings)
    for operation in report.operations:
        cases = _cases(report, operation, found.get(operation.key, []), language)
        name = escape(operation.title, LONGEST) or _NO_REQUEST.of(language)
        _add_suite(root, report, name, cases, _counts(operation))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _add_suite(
    root: ElementTree.Element, report: Report, name: str, cases: Iterable[_Case], facts: Counts
) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=name, timestamp=report.made[:19])
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in facts:
        ElementTree.SubElement(properties, "property", name=escape(key), value=str(value))
    tags = Counter[str]()
    for case in cases:
        tags[case.tag] += 1
        _add_case(suite, name, case)
    suite.set("tests", str(tags.total()))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(tags[tag]))


def _add_case(suite: ElementTree.Element, classname: str, case: _Case) -> None:
    element = ElementTree.SubElement(suite, "testcase", name=case.name, classname=classname, time="0")
    if case.tag:
        told = ElementTree.SubElement(element, case.tag, message=case.message)
        if case.type:
            told.set("type", case.type)
        told.text = case.text or None
    elif case.text:
        ElementTree.SubElement(element, "system-out").text = case.text


def _cases(
    report: Report, operation: Operation, findings: Iterable[FoundStory], language: Language
) -> Iterator[_Case]:
    by_rule: dict[str, list[FoundStory]] = {}
    for found in findings:
        by_rule.setdefault(found.rule, []).append(found)
    apply = (code for code in APPLY[operation.role] if operation.title or code not in _IN_SEQUENCE)
    for code in sorted({*apply, *by_rule}):
        if groups := by_rule.get(code):
            yield _broken(report, groups, language)
        elif operation.audited:
            yield _Case(rule_named(code))
        else:
            yield _Case(rule_named(code), "skipped", message=_NOT_AUDITED.of(language))
    for reason, count in operation.unaudited:
        message = _no_verdict(count, reason, language)
        yield _Case(f"unaudited: {escape(reason)}", "skipped", escape(reason), message)


def _broken(report: Report, groups: list[FoundStory], language: Language) -> _Case:
    counting = [found for found in groups if not is_waived(found)]
    first = (counting or groups)[0]
    count = sum(found.counting for found in groups)
    text = "\n\n".join([*(_told(report, found, language) for found in groups), why(first.rule, language)])
    name = rule_title(first.rule, first.name)
    if not counting or all(found.severity is Severity.INFO for found in counting):
        return _Case(name, text=text)
    message = f"{difference(first.example, language)} ({times(count, language)})"
    return _Case(name, "failure", first.severity.value, message, text)


def _told(report: Report, found: FoundStory, language: Language) -> str:
    example = found.example
    status = f" HTTP {example.http_status}" if example.http_status is not None else ""
    place = f"{escape(example.pointer)}: " if example.pointer else ""
    facts = (
        often(found, language),
        clock(found.first),
        request_id(example, language),
        source_of(report, example),
    )
    lines = (
        f"{place}{difference(example, language)}",
        f"{request_line(example)}{status}".strip(),
        ", ".join(filter(None, facts)),
        waived(found, language),
    )
    return "\n".join(filter(None, lines))


def _audit_cases(report: Report, language: Language) -> Iterator[_Case]:
    failed = report.coverage.totals.unaudited[Unaudited.INTERNAL_ERROR]
    message = _no_verdict(failed, Unaudited.INTERNAL_ERROR, language)
    yield _failed_if(failed, TA901.code, message, language)
    message = _LOST.of(language).format(n=report.coverage.missing)
    yield _failed_if(report.coverage.missing, TA902.code, message, language)
    damage = "\n".join(escape(line, LONGEST) for line in report.damaged)
    yield _Case(_INPUT, "error", "damage", damage.split("\n", 1)[0], damage) if damage else _Case(_INPUT)
    standing = standing_of(report, language)
    told = "\n".join([standing.verdict, standing.coverage, *notes(report, language)])
    if audited(report):
        yield _Case(_COVERAGE, text=told)
    else:
        yield _Case(_COVERAGE, "skipped", message=standing.verdict, text=told)


def _no_verdict(count: int, reason: str, language: Language) -> str:
    return _NO_VERDICT.of(language).format(n=count, reason=escape(name_of(reason, UNAUDITED, language)))


def _failed_if(count: int, code: str, message: str, language: Language) -> _Case:
    if not count:
        return _Case(rule_named(code))
    return _Case(rule_named(code), "failure", Severity.ERROR.value, message, why(code, language))


def _totals(report: Report) -> Counts:
    told = coverage(report)
    numbers = ("seen", "other", "audited", "sessions", "open_sessions", "missing_records")
    more = (
        ("unaudited", report.coverage.totals.unaudited.total()),
        ("damaged", len(report.damaged)),
        ("evicted_jobs", report.evicted),
        ("unlisted_jobs", report.unlisted),
    )
    found = ((f"findings.{severity}", count) for severity, count in report.severities.items())
    known = ((f"waived.{rule}", count) for rule, count in report.waived)
    return (*((name, told[name]) for name in numbers), *more, *found, *known)


def _counts(operation: Operation) -> Counts:
    return (
        ("seen", operation.seen),
        ("audited", operation.audited),
        *((f"unaudited.{reason}", count) for reason, count in operation.unaudited),
        *((f"kind.{kind}", count) for kind, count in operation.kinds),
        *((f"findings.{rule}", count) for rule, count in operation.rules),
        *((("waived", operation.waived),) if operation.waived else ()),
    )
