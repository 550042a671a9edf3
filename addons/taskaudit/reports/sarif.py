"""The report as SARIF 2.1.0 (OASIS standard): all rules, and a result for each group of equal findings.

`partialFingerprints` has the finding's own, so that a server knows it again in the next run. A result has a
file where the report knows it: a capture, or the only log; the place in the answer is a logical location,
as a body's lines are not those of the file it was captured in. What was damaged, lost or not audited are
notifications; the coverage stands among the properties of the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from taskaudit import __version__
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
from taskaudit.reports.as_json import counts, coverage
from taskaudit.reports.gather import STANDARD_INPUT
from taskaudit.reports.model import Report
from taskaudit.reports.shown import (
    LONGEST,
    difference,
    is_waived,
    notes,
    request_line,
    source_of,
    uri_of,
    waived,
    when,
)
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import Example, FoundStory

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "taskaudit/v1"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_LANGUAGES = {Language.EN: "en-US", Language.ZH: "zh-CN"}
_INDEX = {code: index for index, code in enumerate(RULES)}
_SOURCE = Words("Source: {source}", "出处：{source}")
_PLACEHOLDER = re.compile(r"\{(\d+)\}")

type Object = dict[str, Any]


def as_sarif(report: Report, language: Language) -> str:
    """The report as a SARIF log with one run, indented."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, language)]}
    return json.dumps(log, indent=2) + "\n"


def _run(report: Report, language: Language) -> Object:
    rules = [_rule(rule, language) for rule in RULES.values()]
    files = [source for source in report.sources if source != STANDARD_INPUT]
    return {
        "tool": {"driver": {"name": "taskaudit", "version": __version__, "rules": rules}},
        "language": _LANGUAGES[language],
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": uri_of(source)}} for source in files],
        "invocations": [_invocation(report, language)],
        "results": [_result(report, found, language) for found in report.findings],
        "properties": {"coverage": coverage(report), "counts": counts(report)},
    }


def _rule(rule: Rule, language: Language) -> Object:
    why, source = rule.why.of(language), _SOURCE.of(language).format(source=rule.source)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.when.of(language)},
        "fullDescription": {"text": why},
        "help": {"text": f"{why}\n{source}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _invocation(report: Report, language: Language) -> Object:
    return {
        "executionSuccessful": not report.damaged and not report.coverage.missing,
        "endTimeUtc": report.made,
        "toolExecutionNotifications": list(_notifications(report, language)),
    }


def _notifications(report: Report, language: Language) -> Iterator[Object]:
    for message in report.damaged:
        yield {"level": "error", "message": _message(escape(message, LONGEST))}
    for note in notes(report, language):
        yield {"level": "warning", "message": _message(note)}
    standing = standing_of(report, language)
    yield {"level": "note", "message": _message(f"{standing.verdict}; {standing.coverage}")}


def _result(report: Report, found: FoundStory, language: Language) -> Object:
    example = found.example
    request = request_line(example)
    place = f"{escape(example.pointer)}: " if example.pointer else ""
    text = f"{place}{difference(example, language)}"
    result: Object = {
        "ruleId": escape(found.rule),
        "level": _LEVELS[found.severity],
        "message": _message(f"{text} ({request})" if request else text),
        "locations": [_location(report, example)],
        "occurrenceCount": found.counting or found.count,
        "partialFingerprints": {FINGERPRINT: escape(found.fingerprint)},
        "properties": _properties(found),
    }
    if report.waived:
        result["suppressions"] = _suppressions(found, language)
    return result | ({"ruleIndex": _INDEX[found.rule]} if found.rule in _INDEX else {}) | _exchange(example)


def _suppressions(found: FoundStory, language: Language) -> list[Object]:
    """Of a group of which all are waived (SARIF, section 3.35); else the properties tell how many are.

    Where one result of a run has them, all have, if only an empty list (section 3.27.23).
    """
    if not is_waived(found):
        return []
    justification = _message(waived(found, language))["text"]
    return [{"kind": "external", "justification": justification}]


def _location(report: Report, example: Example) -> Object:
    operation = escape(example.route or request_line(example), LONGEST) or "answer"
    pointer = escape(example.pointer)
    logical = {"fullyQualifiedName": f"{operation}#{pointer}", "kind": "value"}
    name = pointer.rsplit("/", 1)[-1]
    location: Object = {"logicalLocations": [logical | ({"name": name} if name else {})]}
    if source := source_of(report, example):
        location["physicalLocation"] = {"artifactLocation": {"uri": uri_of(source)}}
    return location


def _exchange(example: Example) -> Object:
    """Request and answer of the example, what is known of them."""
    told: Object = {}
    if example.method is not None:
        target = escape(f"{example.host or ''}{example.path or ''}", LONGEST)
        told["webRequest"] = {"method": escape(example.method), "target": target}
    if example.http_status is not None:
        told["webResponse"] = {"statusCode": example.http_status}
    return told


def _properties(found: FoundStory) -> Object:
    example = found.example
    known = {
        "first": when(found.first),
        "last": when(found.last),
        "jobId": example.job_id and escape(example.job_id, LONGEST),
        "requestId": example.request_id and escape(example.request_id),
        "instance": escape(example.instance, LONGEST),
        "waived": found.waived or None,
        "line": example.line,
        "column": example.column,
    }
    return {name: value for name, value in known.items() if value is not None}


def _message(text: str) -> Object:
    """Plain text: no link (SARIF, section 3.11.6) and no placeholder (3.11.5) comes from the traffic."""
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", text.replace("](", r"]\u0028"))}
