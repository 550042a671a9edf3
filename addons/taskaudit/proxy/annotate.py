"""What the audit writes on a flow, for people and filters: a mark, a comment, and its findings.

All of it is in English whatever the language of the audit, as filters ask for it: `~comment TA306`. A comment
begins with what matters most: mitmweb's column shows some twenty characters. That it is ours is told by
the flow's metadata, which also hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mitmproxy.flow import Flow
from msgspec import to_builtins

from taskaudit.auditor import Outcome
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.rules.body import TA003
from taskaudit.contract.verdict import Finding, Kind, Severity, Waiver
from taskaudit.contract.words import Language
from taskaudit.exchange import MatchedBy, Unaudited
from taskaudit.proxy.distrust import UNTRUSTED, distrust
from taskaudit.recording.records import finding_of
from taskaudit.story.told import REPLAYED

KEY = "taskaudit"
"""Where our facts stand in a flow's metadata."""

FINDING_MARKS = {Severity.ERROR: ":x:", Severity.WARNING: ":warning:", Severity.INFO: ":information_source:"}
WAIVED_MARK = ":zzz:"
JOB_MARK = ":white_check_mark:"
ERROR_MARK = ":large_blue_circle:"
QUERY_MARK = ":mag:"
UNAUDITED_MARK = ":grey_question:"

_LONGEST = 100
_LONGEST_ID = 80
_MOST_NOTED = 100
# Findings that only say again that there is no verdict.
_NO_VERDICT = frozenset({TA003.code, TA901.code})
# What our facts are made of, as far as anything depends on it.
_SHAPE: dict[str, type] = {
    "exchange_id": str,
    "well_formed": bool,
    "findings": list,
    "count": int,
    "mark": str,
    "comment": str,
}
_SEVERITIES = tuple(Severity)
_TYPES = frozenset({"String", "Object", "Array of Object", "Array of Object, or absent"})


def annotate(flow: Flow, outcome: Outcome) -> None:
    """Writes an outcome in scope on its flow, in place of what we had written; what a user wrote stays."""
    if outcome.unaudited is Unaudited.STREAMED and noted(flow).get("exchange_id") == _id(outcome):
        return  # A flow read back: its body was seen live, but is in no file.
    mark_is_ours, comment_is_ours = _own_mark(flow), _own_comment(flow)
    findings = outcome.findings
    facts = flow.metadata[KEY] = _facts(outcome)
    if mark_is_ours:
        facts["mark"] = flow.marked = _mark(_telling(findings, facts)) or _clean_mark(outcome)
    if comment_is_ours:
        facts["comment"] = flow.comment = _comment(findings, facts) or _words(flow, outcome)


def add(flow: Flow, outcome: Outcome, finding: Finding) -> None:
    """Adds a finding that came up after `outcome`, unless the flow holds another exchange by now.

    Mark and comment change where they are still as we left them: one that a user has taken away stays away.
    """
    facts, known = noted(flow), findings_on(flow)
    if facts.get("exchange_id") != _id(outcome) or len(known) >= _MOST_NOTED:
        return
    if any((each.rule, each.pointer) == (finding.rule, finding.pointer) for each in known):
        return
    facts["findings"].append(_fact(outcome, finding))
    facts["count"] += 1
    facts["well_formed"] = facts["well_formed"] and finding.severity is not Severity.ERROR
    findings = [*known, finding]
    if flow.marked == facts["mark"]:
        facts["mark"] = flow.marked = _mark(_telling(findings, facts))
    if flow.comment == facts["comment"]:
        facts["comment"] = flow.comment = _comment(findings, facts)


def clear(flow: Flow) -> None:
    """Takes away all that is ours, before the flow holds another exchange."""
    if KEY not in flow.metadata:
        return
    if _own_mark(flow):
        flow.marked = ""
    if _own_comment(flow):
        flow.comment = ""
    del flow.metadata[KEY]


def noted(flow: Flow) -> dict[str, Any]:
    """Our facts on a flow, empty where there are none. They may come from a file that anybody wrote."""
    facts = flow.metadata.get(KEY)
    if not isinstance(facts, dict):
        return {}
    return facts if all(isinstance(facts.get(key), kind) for key, kind in _SHAPE.items()) else {}


def findings_on(flow: Flow) -> tuple[Finding, ...]:
    """The findings that were written on a flow."""
    return tuple(_finding(fact) for fact in noted(flow).get("findings", ()) if _is_ours(fact))


def late_findings(flow: Flow, exchange_id: str) -> tuple[Finding, ...]:
    """Those of them that the exchange alone does not show: what came of its job."""
    if noted(flow).get("exchange_id") != exchange_id:
        return ()
    return tuple(finding for finding in findings_on(flow) if finding.rule in REPLAYED)


def brief(finding: Finding) -> str:
    """A finding in a few words: `TA306 /error/code: Number 400`, `TA005 body-not-json`."""
    said = finding.name
    if finding.pointer and finding.expected in _TYPES:
        said = "missing" if finding.found == "nothing" else escape(finding.found)
    at = f"{escape(finding.pointer)}: " if finding.pointer and finding.rule not in REPLAYED else ""
    return f"{finding.rule} {at}{said}"


def _id(outcome: Outcome) -> str:
    return outcome.exchange.exchange_id


def _facts(outcome: Outcome) -> dict[str, Any]:
    """JSON-like, and without lone surrogates: else `-w` would lose the flow."""
    findings, verdict, status = outcome.findings, outcome.verdict, outcome.status
    return {
        "exchange_id": _id(outcome),
        "role": outcome.role.value,
        "kind": verdict.kind.value if verdict and not outcome.unaudited else None,
        "job_id": None if outcome.job_id is None else escape(outcome.job_id),
        "status": escape(status.status) if status and status.status is not None else None,
        "well_formed": not any(finding.severity is Severity.ERROR for finding in findings),
        "unaudited": outcome.unaudited.value if outcome.unaudited else None,
        "findings": [_fact(outcome, finding) for finding in findings[:_MOST_NOTED]],
        "count": len(findings) + (sum(count for _, count in verdict.omitted) if verdict else 0),
        "mark": "",
        "comment": "",
    }


def _telling(findings: Sequence[Finding], facts: dict[str, Any]) -> Finding | None:
    """The finding that mark and comment tell of."""
    told = (each for each in findings if not (facts["unaudited"] and each.rule in _NO_VERDICT))
    return min(told, key=lambda finding: finding.rank, default=None)


def _mark(finding: Finding | None) -> str:
    if finding is None:
        return ""
    return WAIVED_MARK if finding.waived else FINDING_MARKS[finding.severity]


def _comment(findings: Sequence[Finding], facts: dict[str, Any]) -> str:
    """The finding to tell of, how many more there are, and the job: empty without a finding."""
    telling = _telling(findings, facts)
    if telling is None:
        return ""
    waived = sum(each.waived is not None for each in findings)
    more = facts["count"] - 1 - (0 if telling.waived else waived)
    notes = [
        f"waived: {escape(telling.waived.owner, 40)}" if telling.waived else "",
        f"+{more}" if more else "",
        f"{waived} waived" if waived and not telling.waived else "",
    ]
    noted = ", ".join(filter(None, notes))
    told = _cut(brief(telling)) + (f" ({noted})" if noted else "")
    return f"{told}, {_named(facts['job_id'])}" if facts.get("job_id") else told


def _own_mark(flow: Flow) -> bool:
    """Whether the mark is ours to change: the one we set, or none."""
    return not flow.marked or flow.marked == noted(flow).get("mark")


def _own_comment(flow: Flow) -> bool:
    """As `_own_mark`."""
    return not flow.comment or flow.comment == noted(flow).get("comment")


def _clean_mark(outcome: Outcome) -> str:
    if outcome.unaudited is not None:
        return UNAUDITED_MARK
    if outcome.verdict is None:
        return QUERY_MARK
    return ERROR_MARK if outcome.verdict.kind is Kind.ERROR else JOB_MARK


def _words(flow: Flow, outcome: Outcome) -> str:
    """The verdict where there is nothing to find fault with."""
    job = _job(outcome)
    if outcome.unaudited is not None:
        why = UNTRUSTED.of(Language.EN) if distrust(flow) else f"not audited: {outcome.unaudited.value}"
        return ", ".join(filter(None, [why, job]))
    if job or outcome.verdict is None:
        return job
    kind, code = outcome.verdict.kind, outcome.verdict.error_code
    return f"{kind.value} {escape(code, _LONGEST_ID)}" if kind is Kind.ERROR and code else kind.value


def _job(outcome: Outcome) -> str:
    """The job, after the status that a query of it was answered with; empty where there is none."""
    if outcome.job_id is None:
        return ""
    job = _named(outcome.job_id)
    if outcome.status is None:
        return job
    status = outcome.status.status or outcome.status.error_code or "no status"
    of_what = "resource of " if outcome.matched_by is MatchedBy.RESOURCE else ""
    return f"{escape(status, 40)}, {of_what}{job}"


def _named(job_id: object) -> str:
    return f"job {escape(str(job_id), _LONGEST_ID)}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _fact(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    fact: dict[str, Any] = to_builtins(finding_of(outcome, finding))
    return {key: escape(value) if isinstance(value, str) else value for key, value in fact.items()}


def _is_ours(fact: object) -> bool:
    texts = ("rule", "pointer", "expected", "found")
    is_whole = isinstance(fact, dict) and all(isinstance(fact.get(text), str) for text in texts)
    return isinstance(fact, dict) and is_whole and fact["rule"] in RULES


def _finding(fact: dict[str, Any]) -> Finding:
    rule = RULES[fact["rule"]]
    severity = fact.get("severity")
    return Finding(
        rule.code,
        rule.name,
        Severity(severity) if severity in _SEVERITIES else rule.severity,
        fact["pointer"],
        fact["expected"],
        fact["found"],
        json_type="",
        waived=_waiver(rule.code, fact.get("waiver")),
    )


def _waiver(rule: str, fact: object) -> Waiver | None:
    if not isinstance(fact, dict):
        return None
    return Waiver(rule, *(str(fact.get(member, "")) for member in ("reason", "owner", "until")))
