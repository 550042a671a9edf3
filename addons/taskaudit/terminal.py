"""Outcomes as text, in the manner of a good linter. Everything from the traffic is made harmless first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from taskaudit.auditor import Outcome
from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.places import locate
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding, Kind, Severity
from taskaudit.frame import frame, plain
from taskaudit.sources.captured import Damage
from taskaudit.totals import Totals

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def headline(outcome: Outcome) -> str:
    """One line on one exchange: what was asked, what came back, and the rules broken."""
    parts = [_verdict_words(outcome), request_line(outcome)]
    rules = list(dict.fromkeys(finding.rule for finding in outcome.findings))
    return " ".join(filter(None, [*parts, *rules]))


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


def outcome_text(source: str, index: int, outcome: Outcome) -> Iterator[Text]:
    """An outcome in full: its head, then each finding with its place in the body."""
    asked = request_line(outcome)
    yield Text.assemble(
        (escape("standard input" if source == "-" else source, 1000), "bold"),
        (f"[{index}] ", "dim"),
        f"{asked} -> " if asked else "-> ",
        (_verdict_words(outcome), _verdict_style(outcome)),
    )
    for finding in outcome.findings:
        yield from _finding_text(finding, outcome.text)
    if outcome.verdict:
        for rule, count in outcome.verdict.omitted:
            yield Text(f"  {rule} {count} more times", "dim")
    if outcome.findings:
        yield Text()


def summary_text(totals: Totals, evicted: int = 0) -> Iterator[Text]:
    """What the run found, with the coverage line; `evicted` jobs were too many to follow."""
    submissions = totals.roles[Role.SUBMISSION]
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(totals.kinds.items()))
    if missed := submissions - totals.kinds.total():
        kinds = ", ".join(filter(None, [kinds, f"{missed} not audited"]))
    yield Text(
        f"submissions: {submissions}"
        + (f" ({kinds})" if kinds else "")
        + f"; job queries: {totals.roles[Role.JOB_QUERY]}"
    )
    found = [(f"{totals.severities[s]} {s}", STYLES[s]) for s in Severity if totals.severities[s]]
    if found:
        yield Text("findings: ").append_text(Text(", ").join(Text(*pair) for pair in found))
    else:
        yield Text("no findings", "green") if totals.audited else Text("nothing was audited", "yellow")
    if evicted:
        yield Text(f"jobs forgotten because there were too many to follow: {evicted}", "yellow")
    yield Text(totals.coverage(), "dim" if not totals.unaudited.total() else "yellow")


def damage_text(source: str, damage: Damage) -> Text:
    """A place of a source that could not be read."""
    at = f"{source}[{damage.index}]" if damage.index is not None else source
    place = "" if damage.where == source else f"damaged at {damage.where}: "
    return Text.assemble((f"{escape(at, 1000)}: ", "bold"), (place, "red"), escape(damage.message, 1000))


def _verdict_words(outcome: Outcome) -> str:
    if outcome.unaudited is not None:
        return f"not audited: {outcome.unaudited.value}"
    if outcome.verdict is None:
        status = outcome.status.status if outcome.status else None
        return f"job query {escape(outcome.job_id or '', 80)} {escape(status or '', 40)}".rstrip()
    verdict = outcome.verdict
    if verdict.job_id is not None:
        return f"{verdict.kind.value} {escape(verdict.job_id, 80)}"
    if verdict.kind is Kind.ERROR and verdict.error_code is not None:
        return f"error {escape(verdict.error_code, 80)}"
    return verdict.kind.value


def _verdict_style(outcome: Outcome) -> str:
    if outcome.findings:
        return STYLES[min((finding.severity for finding in outcome.findings), key=lambda s: s.rank)]
    return "yellow" if outcome.unaudited is not None else "green"


def _finding_text(finding: Finding, text: str | None) -> Iterator[Text]:
    yield Text.assemble(
        ("  ", ""),
        (finding.rule, STYLES[finding.severity]),
        (f" {finding.name} ", "bold"),
        (f"({finding.severity})", "dim"),
    )
    where = escape(finding.pointer) or "the body"
    yield Text(f"    {where}: expected {finding.expected}, found {finding.found}")
    yield from _frame_text(finding, text)
    yield Text(f"    {RULES[finding.rule].why.en}", "dim")


def _frame_text(finding: Finding, text: str | None) -> Iterator[Text]:
    if text is None or finding.place is None:
        return
    span = locate(text, [finding.pointer]).get(finding.pointer) if finding.pointer else None
    length = span.end - span.start if span else 1
    for row in plain(frame(text, finding.place, length)).split("\n"):
        marked = row.rstrip("^") != row and row.lstrip(" |").strip("^") == ""
        yield Text(f"   {row}", STYLES[finding.severity] if marked else "")
