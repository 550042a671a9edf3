"""The report as GitHub workflow commands: annotations of a run, the worst first.

GitHub shows 10 errors, 10 warnings and 10 notices a step (its documentation, "Workflow commands"); what goes
beyond is counted in a line of plain text. The coverage is the first notice, what keeps it from being whole
the first warning, what could not be read the first error. What is waived is a notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
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
    rule_title,
    source_of,
    waived,
)
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import FoundStory

MOST = 10
"""How many of a kind GitHub shows."""
_MOST_DAMAGE = 5
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_MORE = Words("and {n} more places", "另有 {n} 处")
_NOT_SHOWN = Words(
    "taskaudit: {n} more groups of findings are not annotated ({groups}); the other formats have them all",
    "taskaudit：另有 {n} 组问题未标注（{groups}）；其他格式列出全部",
)
_DAMAGED = Words("taskaudit: could not be read", "taskaudit：无法读取")
_NOT_WHOLE = Words("taskaudit: not everything is known", "taskaudit：并非全部已知")
_COVERAGE = Words("taskaudit: coverage", "taskaudit：覆盖范围")


class _Annotation(NamedTuple):
    command: str
    title: str
    message: str
    file: str | None = None

    def line(self) -> str:
        file = f"file={_property(self.file)}," if self.file else ""
        return f"::{self.command} {file}title={_property(self.title)}::{_data(self.message)}\n"


def as_annotations(report: Report, language: Language) -> str:
    """The report as lines, each an annotation but for the last ones."""
    shown, left_out = Counter[str](), Counter[str]()
    lines: list[str] = []
    for each in _annotations(report, language):
        counted = shown if shown[each.command] < MOST else left_out
        counted[each.command] += 1
        if counted is shown:
            lines.append(each.line())
    if left_out:
        groups = ", ".join(f"{command} {count}" for command, count in left_out.items())
        lines.append(_NOT_SHOWN.of(language).format(n=left_out.total(), groups=groups) + "\n")
    standing = standing_of(report, language)
    return "".join([*lines, f"taskaudit: {standing.verdict}\n", f"{standing.coverage}\n"])


def _annotations(report: Report, language: Language) -> Iterator[_Annotation]:
    if report.damaged:
        yield _Annotation("error", _DAMAGED.of(language), _damage(report, language))
    if told := notes(report, language):
        yield _Annotation("warning", _NOT_WHOLE.of(language), "\n".join(told))
    standing = standing_of(report, language)
    message = f"{standing.coverage}\n{standing.verdict}"
    yield _Annotation("notice", _COVERAGE.of(language), message)
    for found in report.findings:
        yield _annotation(report, found, language)


def _annotation(report: Report, found: FoundStory, language: Language) -> _Annotation:
    example = found.example
    status = f"HTTP {example.http_status}" if example.http_status is not None else ""
    request = " ".join(filter(None, (request_line(example), status)))
    place = f"{escape(example.pointer)}: " if example.pointer else ""
    told = ", ".join(
        filter(None, (often(found, language), clock(found.first), request_id(example, language)))
    )
    lines = (request, f"{place}{difference(example, language)}", told, waived(found, language))
    return _Annotation(
        "notice" if is_waived(found) else _COMMANDS[found.severity],
        rule_title(found.rule, found.name),
        "\n".join(filter(None, lines)),
        source_of(report, example),
    )


def _damage(report: Report, language: Language) -> str:
    shown = [escape(message, LONGEST) for message in report.damaged[:_MOST_DAMAGE]]
    hidden = len(report.damaged) - len(shown)
    return "\n".join([*shown, *([_MORE.of(language).format(n=hidden)] if hidden else [])])


def _data(text: str) -> str:
    """As the toolkit's `escapeData` (actions/toolkit, command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As the toolkit's `escapeProperty`."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
