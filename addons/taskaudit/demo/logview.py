"""The log of a running audit, as lines for a terminal and as totals: nothing is shown that it does not say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
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

_INDENT = " " * 9


class LogView:
    """Reads what is new in a log of one session each time it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals = Totals()
        self.records = 0
        self._at = 0

    def news(self) -> Iterator[Text]:
        """A line on each exchange that was recorded since the last time, with a few on each finding."""
        records = list(self._new_records())
        for number, record in enumerate(records):
            if record["event_type"] in ("submission", "unaudited"):
                findings = [
                    later["finding"]
                    for later in records[number + 1 :]
                    if later["event_type"] == "finding" and later["exchange_id"] == record["exchange_id"]
                ]
                yield _exchange_line(record, findings)
                for finding in findings:
                    yield from _finding_lines(finding)

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
    return Text.assemble(
        (f"{words:<9}", style),
        (f"{_kind(record):<13}", "bold"),
        f"{http['status'] or '-'!s:<5}",
        f"{escape(request):<35} ",
        (f"{http['route'] or '':<23} ", "dim"),
        _subject(record),
    )


def _mark(record: dict[str, Any], findings: list[dict[str, Any]]) -> tuple[str, str]:
    if findings:
        worst = min((Severity(finding["severity"]) for finding in findings), key=lambda s: s.rank)
        return worst.value, STYLES[worst]
    return ("unseen", "yellow") if record["event_type"] == "unaudited" else ("ok", "green")


def _kind(record: dict[str, Any]) -> str:
    return str(record["submission"]["kind"] if "submission" in record else record["unaudited"]["reason"])


def _subject(record: dict[str, Any]) -> str:
    """What a reader looks for: the job id, or else the error's code."""
    submission = record.get("submission", {})
    return escape(submission.get("job_id") or submission.get("code") or "")


def _finding_lines(finding: dict[str, Any]) -> Iterator[Text]:
    where = finding["pointer"] or "the body"
    yield Text.assemble(
        (f"{_INDENT}{finding['rule']} {finding['name']}", STYLES[Severity(finding["severity"])]),
        f"  {where}: expected {finding['expected']}, found {finding['found']}",
    )
    yield Text(f"{_INDENT}      {RULES[finding['rule']].why}", "dim")
