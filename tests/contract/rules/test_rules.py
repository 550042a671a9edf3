"""The registry against the contract, and every rule against its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.answer import STRICT, Answer
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Example, Rule
from taskaudit.contract.verdict import Finding, Kind, Verdict
from taskaudit.contract.words import Words
from taskaudit.exchange import stable_id
from taskaudit.following import follow
from taskaudit.lifecycle import Late, Lifecycle
from tests.samples import AT, auditor, exchange

# Written out from the contract, section 4.
CONTRACT = """
TA001 body-missing error
TA002 body-undecodable error
TA003 body-not-seen warning
TA004 body-not-utf8 error
TA005 body-not-json error
TA006 body-cut-short error
TA007 duplicate-member error
TA008 body-not-object error
TA009 content-type-not-json warning
TA010 byte-order-mark warning
TA101 envelope-missing error
TA102 envelope-ambiguous error
TA103 envelope-foreign error
TA104 status-disagrees error
TA105 job-id-misplaced error
TA201 job-id-not-string error
TA202 job-id-empty error
TA203 job-id-unsafe warning
TA204 job-id-reused error
TA301 error-not-object error
TA302 error-message-missing error
TA303 error-message-not-string error
TA304 error-message-empty info
TA305 error-code-missing error
TA306 error-code-not-string error
TA307 error-code-empty warning
TA308 error-members-swapped warning
TA309 error-message-embeds-body warning
TA401 details-not-array error
TA402 details-null warning
TA403 details-empty info
TA404 detail-not-object error
TA405 detail-message-not-string error
TA406 detail-code-not-string error
TA407 detail-empty warning
TA408 details-misplaced error
TA501 job-never-queried warning
TA502 job-query-placeholder error
TA503 job-query-unknown info
TA504 job-queried-too-often warning
TA505 job-queried-after-end warning
TA506 job-left-unfinished info
TA507 task-resubmitted warning
TA508 job-status-malformed error
TA901 audit-failed error
TA902 records-lost error
"""
WITH_EXAMPLES = [rule for rule in RULES.values() if isinstance(rule.bad, Example)]
"""The others are broken by what a client does over time, or by the audit itself."""
OVER_TIME = [rule for rule in RULES.values() if rule.bad and not isinstance(rule.bad, Example)]
BESIDE = {"TA105": {"TA101"}}
"""Rules that cannot be broken alone: what else their bad example breaks."""


def audit(example: Example) -> Verdict:
    answer = Answer(
        example.sent,
        example.status,
        True,
        example.content_type,
        example.content_encoding,
        example.missing,
    )
    return audit_submission(answer, STRICT, example.limit)


def held(conversation: Conversation) -> Iterator[Late[int]]:
    """The findings on a conversation of one client; each with the number of its step."""
    lifecycle = Lifecycle[int]()
    for number, step in enumerate(conversation):
        method, _, path = step.request.partition(" ")
        at, digest = AT + step.at, stable_id(step.request)
        outcome = auditor().look(
            exchange(step.body, step.status, method=method, path=path, ended=at, request_digest=digest),
            known=lifecycle.known,
        )
        yield from (Late(number, finding) for finding in outcome.findings)
        yield from follow(lifecycle, outcome, number)
    yield from lifecycle.finish()


def test_the_registry_is_the_contract() -> None:
    told = [tuple(line.split()) for line in CONTRACT.split("\n") if line]
    assert [(rule.code, rule.name, rule.severity.value) for rule in RULES.values()] == told


def test_codes_and_names_are_unique_and_in_order() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(re.fullmatch(r"TA\d{3}", code) and rule.code == code for code, rule in RULES.items())
    names = [rule.name for rule in RULES.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) for name in names)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_why_and_where_from(rule: Rule) -> None:
    for text in (rule.when.en, rule.why.en, rule.source):
        assert text == text.strip()
        assert "\n" not in text
        assert "  " not in text
    assert rule.when.en[0].islower() or rule.when.en.startswith(("Content-", "HTTP"))
    assert not rule.when.en.endswith(".")
    assert rule.why.en.endswith(".")
    assert rule.why.en[0].isupper()
    assert re.search(r"RFC \d+|reference|answers|the audit itself", rule.source)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_says_it_in_chinese(rule: Rule) -> None:
    for words in (rule.when, rule.why):
        assert_chinese(words)
    assert rule.when.zh[-1] not in "。.，；："
    assert rule.why.zh.endswith("。")


def test_notes_are_in_chinese_too() -> None:
    notes = [
        each.note for rule in WITH_EXAMPLES for each in (rule.bad, rule.good) if isinstance(each, Example)
    ]
    told = [note for note in notes if note is not None]
    assert told
    for note in told:
        assert_chinese(note)
        assert not note.zh.endswith("。")


def assert_chinese(words: Words) -> None:
    """Said in Chinese, with its punctuation; names and code stay, between blanks."""
    text = words.zh
    assert text != words.en
    assert re.search(r"[\u4e00-\u9fff]", text)
    assert text == text.strip()
    assert not re.search(r"\n|  |[\u4e00-\u9fff][,.;:?!]|[,;:?!][\u4e00-\u9fff]", text)
    assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", text)


def test_which_rules_one_answer_can_break() -> None:
    over_time = {code for code in RULES if code == "TA204" or code.startswith("TA5")}
    assert {rule.code for rule in WITH_EXAMPLES} == set(RULES) - over_time - {"TA901", "TA902"}


def test_only_rules_about_the_audit_have_no_examples() -> None:
    assert [r.code for r in RULES.values() if r.bad is None or r.good is None] == ["TA901", "TA902"]


@pytest.mark.parametrize("rule", WITH_EXAMPLES, ids=lambda rule: rule.code)
def test_the_bad_example_breaks_the_rule(rule: Rule) -> None:
    assert isinstance(rule.bad, Example)
    verdict = audit(rule.bad)
    assert {f.rule for f in verdict.findings} == {rule.code} | BESIDE.get(rule.code, set())
    finding = next(f for f in verdict.findings if f.rule == rule.code)
    assert (finding.name, finding.severity) == (rule.name, rule.severity)
    assert finding.expected
    assert finding.found


@pytest.mark.parametrize("rule", WITH_EXAMPLES, ids=lambda rule: rule.code)
def test_the_good_example_breaks_none(rule: Rule) -> None:
    assert isinstance(rule.good, Example)
    verdict = audit(rule.good)
    assert verdict.findings == ()
    assert verdict.kind in (Kind.JOB, Kind.ERROR)


@pytest.mark.parametrize("rule", OVER_TIME, ids=lambda rule: rule.code)
def test_the_bad_conversation_breaks_the_rule(rule: Rule) -> None:
    assert isinstance(rule.bad, tuple)
    findings = [late.finding for late in held(rule.bad)]
    assert [finding.rule for finding in findings] == [rule.code]
    assert (findings[0].name, findings[0].severity) == (rule.name, rule.severity)


@pytest.mark.parametrize("rule", OVER_TIME, ids=lambda rule: rule.code)
def test_the_good_conversation_breaks_none(rule: Rule) -> None:
    assert isinstance(rule.good, tuple)
    assert list(held(rule.good)) == []


def told(where: str, finding: Finding) -> str:
    at = f"{finding.place.line}:{finding.place.column}" if finding.place else "-"
    kind = finding.json_type or "-"
    return (
        f"{where} {finding.rule} {finding.pointer or '-'} {at} [{kind}] {finding.expected} | {finding.found}"
    )


def test_what_is_said_of_the_bad_examples(snapshot: SnapshotAssertion) -> None:
    lines = [told(rule.code, found) for rule in WITH_EXAMPLES for found in audit(bad_of(rule)).findings]
    assert "\n".join(lines) == snapshot


def test_what_is_said_of_the_bad_conversations(snapshot: SnapshotAssertion) -> None:
    lines = []
    for rule in OVER_TIME:
        assert isinstance(rule.bad, tuple)
        lines += [told(f"{rule.code} step {late.ref}", late.finding) for late in held(rule.bad)]
    assert "\n".join(lines) == snapshot


def bad_of(rule: Rule) -> Example:
    assert isinstance(rule.bad, Example)
    return rule.bad
