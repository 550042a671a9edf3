"""The log of a running audit, as lines for a terminal and as totals: nothing else is shown."""

from __future__ import annotations

import json
import textwrap
from collections import Counter, defaultdict
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
from taskaudit.text.terminal import STYLES
from taskaudit.totals import Totals

_INDENT = " " * 10
_LONGEST_ROUTE = 22
_LONGEST_REQUEST = 34
_EXCHANGES = ("submission", "job_query", "unaudited")


class LogView:
    """Reads what is new in a log of one session each time it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals = Totals()
        self.records = 0
        self.found: defaultdict[str, set[str]] = defaultdict(set)
        """The rules that each client broke, by its name."""
        self._at = 0
        self._client = ""
        self._clients: dict[str, str] = {}
        self._heads: dict[str, dict[str, Any]] = {}
        self._last_shown = ""
        self._explained: set[str] = set()

    def follow(self, client: str) -> None:
        """What is recorded from now on is this client's; its findings are explained anew."""
        self._client = client
        self._last_shown = ""
        self._explained.clear()

    def news(self, width: int = 120, *, queries: bool = True) -> Iterator[Text]:
        """A line on each exchange that was recorded since the last time, with a few on each finding.

        `width`: columns of the terminal. `queries`: show also job queries that nothing was found on.
        """
        records = list(self._new_records())
        for exchange_id, group in groupby(
            (record for record in records if "exchange_id" in record), lambda record: record["exchange_id"]
        ):
            news = list(group)
            findings = [record["finding"] for record in news if "finding" in record]
            head = self._heads[exchange_id]
            if findings or queries or head["event_type"] != "job_query":
                yield from self._lines(head, findings, width)

    def _lines(self, head: dict[str, Any], findings: list[dict[str, Any]], width: int) -> Iterator[Text]:
        """What came late, by the clock, goes under the line of its exchange, which is repeated if need be."""
        if head["exchange_id"] != self._last_shown:
            yield _exchange_line(head, findings)
            self._last_shown = head["exchange_id"]
        for rule, group in groupby(findings, lambda finding: str(finding["rule"])):
            yield from map(_finding_line, group)
            if rule not in self._explained:
                self._explained.add(rule)
                yield from (Text(line, "dim") for line in _wrapped(RULES[rule].why.en, width))

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
                if "exchange_id" in record:
                    self._keep(record)
                yield record

    def _keep(self, record: dict[str, Any]) -> None:
        """Notes whose exchange it is, and whose finding: that one may come later, of an earlier client."""
        exchange_id = record["exchange_id"]
        if record["event_type"] in _EXCHANGES:
            self._heads[exchange_id] = record
            self._clients[exchange_id] = self._client
        else:
            self.found[self._clients[exchange_id]].add(record["finding"]["rule"])

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
        f"{escape(request, _LONGEST_REQUEST):<35}",
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
    match record["event_type"]:
        case "submission":
            return str(record["submission"]["kind"])
        case "job_query":
            return "query"
        case _:
            return str(record["unaudited"]["reason"])


def _subject(record: dict[str, Any]) -> str:
    """What a reader looks for: the job id or its status, or else the error's code."""
    submission, job_query = record.get("submission", {}), record.get("job_query", {})
    found = submission.get("job_id") or submission.get("code")
    return escape(found or job_query.get("status") or job_query.get("error_code") or "")


def _finding_line(finding: dict[str, Any]) -> Text:
    where = "" if finding["rule"].startswith("TA5") else f"{finding['pointer'] or 'the body'}: "
    return Text.assemble(
        (f"{_INDENT}{finding['rule']} {finding['name']}", STYLES[Severity(finding["severity"])]),
        f"  {where}expected {finding['expected']}, found {finding['found']}",
    )


def _wrapped(text: str, width: int) -> list[str]:
    indent = _INDENT + " " * 6
    return textwrap.wrap(text, min(max(width, 60), 118), initial_indent=indent, subsequent_indent=indent)
