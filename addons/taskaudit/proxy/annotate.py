"""What the audit writes on a flow, for people and filters: a mark, a comment, and its findings.

All of it is in English whatever the language of the audit, as filters ask for it: `~comment TA306`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mitmproxy.flow import Flow

from taskaudit.auditor import Outcome
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.rules.body import TA003
from taskaudit.contract.verdict import Finding, Kind, Severity
from taskaudit.exchange import MatchedBy, Unaudited
from taskaudit.recording.records import finding_body
from taskaudit.story.told import REPLAYED

PREFIX = "TA:"
"""How each of our comments begins."""
KEY = "taskaudit"
"""Where our facts stand in a flow's metadata."""

FINDING_MARKS = {Severity.ERROR: ":x:", Severity.WARNING: ":warning:", Severity.INFO: ":information_source:"}
JOB_MARK = ":white_check_mark:"
ERROR_MARK = ":large_blue_circle:"
QUERY_MARK = ":mag:"
UNAUDITED_MARK = ":grey_question:"

_LONGEST = 120
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
_TYPES = frozenset({"String", "Object", "Array of Object", "Array of Object, or absent"})
_INDEX = re.compile(r"\.([0-9]+)(?=\.|$)")


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
        told = _comment(_telling(findings, facts), facts) or f"{PREFIX} {_words(outcome)}"
        facts["comment"] = flow.comment = told


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
    telling = _telling([*known, finding], facts)
    if flow.marked == facts["mark"]:
        facts["mark"] = flow.marked = _mark(telling)
    if flow.comment == facts["comment"]:
        facts["comment"] = flow.comment = _comment(telling, facts)


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


def worst(findings: Iterable[Finding]) -> Finding | None:
    """The first of the worst."""
    return min(findings, key=lambda finding: finding.severity.rank, default=None)


def brief(finding: Finding) -> str:
    """A finding in a few words: `TA306 error.code is Number 400`, `TA005 body-not-json`."""
    where = _where(finding.pointer)
    if where and finding.expected in _TYPES:
        found = "missing" if finding.found == "nothing" else escape(finding.found)
        return f"{finding.rule} {where} is {found}"
    at = f" at {where}" if where and finding.rule not in REPLAYED else ""
    return f"{finding.rule} {finding.name}{at}"


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
    return worst(each for each in findings if not (facts["unaudited"] and each.rule in _NO_VERDICT))


def _mark(finding: Finding | None) -> str:
    return FINDING_MARKS[finding.severity] if finding else ""


def _comment(finding: Finding | None, facts: dict[str, Any]) -> str:
    if finding is None:
        return ""
    more = f" (+{facts['count'] - 1})" if facts["count"] > 1 else ""
    return f"{PREFIX} {_cut(brief(finding))}{more}"


def _own_mark(flow: Flow) -> bool:
    """Whether the mark is ours to change: the one we set, or none."""
    return not flow.marked or flow.marked == noted(flow).get("mark")


def _own_comment(flow: Flow) -> bool:
    """As `_own_mark`. Without our facts beside it, the prefix tells; a user may have edited what had it."""
    if KEY in flow.metadata:
        return flow.comment in ("", noted(flow).get("comment"))
    return not flow.comment or flow.comment.startswith(PREFIX)


def _clean_mark(outcome: Outcome) -> str:
    if outcome.unaudited is not None:
        return UNAUDITED_MARK
    if outcome.verdict is None:
        return QUERY_MARK
    return ERROR_MARK if outcome.verdict.kind is Kind.ERROR else JOB_MARK


def _words(outcome: Outcome) -> str:
    """The verdict where there is nothing to find fault with."""
    if outcome.unaudited is not None:
        return f"not audited: {outcome.unaudited.value}"
    job = f"job {escape(outcome.job_id or '', _LONGEST_ID)}"
    if outcome.status is not None:
        told = outcome.status.status or outcome.status.error_code or "no status"
        of_what = "resource of " if outcome.matched_by is MatchedBy.RESOURCE else ""
        return f"{of_what}{job} {escape(told, 40)}"
    verdict = outcome.verdict
    if verdict is None or outcome.job_id is not None:
        return job
    code = verdict.error_code if verdict.kind is Kind.ERROR else None
    return verdict.kind.value + (f" {escape(code, _LONGEST_ID)}" if code else "")


def _where(pointer: str) -> str:
    """A JSON Pointer as one would say it: `error.details[0].code`."""
    dotted = pointer.removeprefix("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    return _INDEX.sub(r"[\1]", escape(dotted))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _fact(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    fact: dict[str, Any] = finding_body(outcome, finding).model_dump(mode="json")
    return {key: escape(value) if isinstance(value, str) else value for key, value in fact.items()}


def _is_ours(fact: object) -> bool:
    texts = ("rule", "pointer", "expected", "found")
    is_whole = isinstance(fact, dict) and all(isinstance(fact.get(text), str) for text in texts)
    return isinstance(fact, dict) and is_whole and fact["rule"] in RULES


def _finding(fact: dict[str, Any]) -> Finding:
    rule = RULES[fact["rule"]]
    return Finding(
        rule.code, rule.name, rule.severity, fact["pointer"], fact["expected"], fact["found"], json_type=""
    )
