"""The log of a running audit, as lines for a terminal and as totals: nothing else is shown."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.text import Text

from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Severity
from taskaudit.exchange import Unaudited
from taskaudit.terminal import STYLES
from taskaudit.totals import Totals

_INDENT = " " * 10
_LONGEST_ROUTE = 22


class LogView:
    """Reads what is new in a log of one session each time it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals = Totals()
        self.records = 0
        self._at = 0

    def news(self, width: int = 120) -> Iterator[Text]:
        """A line on each exchange that was recorded since the last time, with a few on each finding.

        `width`: columns of the terminal.
        """
        records = list(self._new_records())
        for number, record in enumerate(records):
            if record["event_type"] in ("submission", "unaudited"):
                findings = [
                    later["finding"]
                    for later in records[number + 1 :]
                    if later["event_type"] == "finding" and later["exchange_id"] == record["exchange_id"]
                ]
                yield _exchange_line(record, findings)
                yield from _finding_lines(findings, width)

    def _new_records(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                record = json.loads(line)
                self.records += 1
                self._count(record)
                yield record

    def _count(self, record: dict[str, Any]) -> None:
        totals = self.totals
        match record["event_type"]:
            case "submission":
                totals.kinds[record["submission"]["kind"]] += 1
                totals.roles[Role.SUBMISSION] += 1
            case "unaudited":
                totals.roles[Role(record["unaudited"]["role"])] += 1
            case "finding":
                totals.severities[Severity(record["finding"]["severity"])] += 1
            case "stats":
                self._take_over(record["stats"])

    def _take_over(self, stats: dict[str, Any]) -> None:
        totals = self.totals
        totals.seen, totals.other, totals.audited = stats["seen"], stats["other"], stats["audited"]
        totals.unaudited = Counter({Unaudited(reason): n for reason, n in stats["unaudited"].items()})
        totals.findings, totals.lost = Counter(stats["findings"]), stats["lost"]
        totals.roles[Role.JOB_QUERY] = stats["in_scope"] - totals.roles[Role.SUBMISSION]


def _exchange_line(record: dict[str, Any], findings: list[dict[str, Any]]) -> Text:
    http = record["http"]
    words, style = _mark(record, findings)
    request = f"{http['method']} {http['path']}"
    line = Text.assemble(
        (f"{words:<10}", style),
        (f"{_kind(record):<13}", "bold"),
        f"{http['status'] or '-'!s:<5}",
        f"{escape(request):<35}",
        (f"{escape(http['route'] or '', _LONGEST_ROUTE):<23}", "dim"),
        _subject(record),
    )
    line.rstrip()
    return line


def _mark(record: dict[str, Any], findings: list[dict[str, Any]]) -> tuple[str, str]:
    if findings:
        worst = min((Severity(finding["severity"]) for finding in findings), key=lambda s: s.rank)
        return worst.value, STYLES[worst]
    return ("unaudited", "yellow") if record["event_type"] == "unaudited" else ("ok", "green")


def _kind(record: dict[str, Any]) -> str:
    return str(record["submission"]["kind"] if "submission" in record else record["unaudited"]["reason"])


def _subject(record: dict[str, Any]) -> str:
    """What a reader looks for: the job id, or else the error's code."""
    submission = record.get("submission", {})
    return escape(submission.get("job_id") or submission.get("code") or "")


def _finding_lines(findings: list[dict[str, Any]], width: int) -> Iterator[Text]:
    """What is wrong, and under the findings of each rule why that matters."""
    for rule, group in groupby(findings, lambda finding: str(finding["rule"])):
        for finding in group:
            where = finding["pointer"] or "the body"
            yield Text.assemble(
                (f"{_INDENT}{rule} {finding['name']}", STYLES[Severity(finding["severity"])]),
                f"  {where}: expected {finding['expected']}, found {finding['found']}",
            )
        yield from (Text(line, "dim") for line in _wrapped(RULES[rule].why, width))


def _wrapped(text: str, width: int) -> list[str]:
    indent = _INDENT + " " * 6
    return textwrap.wrap(text, min(max(width, 60), 118), initial_indent=indent, subsequent_indent=indent)
