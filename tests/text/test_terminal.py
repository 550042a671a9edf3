"""What people see; hostile text does them no harm."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from syrupy.assertion import SnapshotAssertion

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.contract.words import Language
from taskaudit.policy.policy import Policy
from taskaudit.sources.captured import Damage
from taskaudit.text.terminal import damage_text, headline, outcome_text, summary_text
from taskaudit.totals import Totals
from tests.samples import BAD_ERROR, JOB, JOB_ID, OWN_HOST, answer, auditor, outcome, waiver
from tests.stories import resource

HOSTILE = "\x1b[31m\x9b2J\u202e\u2066\x07\r\n[bold red]\U000e0041"
MANY = json.dumps({"error": {"message": "m", "code": "c", "details": [0] * 102}})
PRETTY = json.dumps(
    {
        "request_id": "r",
        "server": {"adminPass": "hidden"},
        "error": {"message": "bad", "code": 400, "details": None},
    },
    indent=2,
)

OUTCOMES = {
    "a job": outcome(),
    "an error": outcome('{"error": {"message": "Insufficient ECS quota.", "code": "Ecs.0001"}}', 403),
    "a Number for a code": outcome(BAD_ERROR, 400),
    "two findings in lines": outcome(PRETTY, 400),
    "a misplaced job id": outcome('{"job": {"job_id": "8ab1"}}', path="/v1/0123/cloudservers"),
    "the documentation's broken example": outcome('{"error": {"message": "", "code": XXX，""}}', 400),
    "cut short": outcome('{\n  "job_id": "70a5'),
    "empty": outcome("", 202),
    "undecodable": outcome(answer=answer(b"{}", content_encoding="snappy")),
    "not listed": outcome('{"job_id": "a b"}', path="/v9/things"),
    "a job query": outcome(JOB, method="GET", path=f"/v1/0123/jobs/{JOB_ID}", host=OWN_HOST),
    "a query of what a job is about": resource(0),
    "streamed": outcome(answer=answer(b"", missing=Missing.STREAMED)),
    "aborted": outcome(None),
    "a bare body": outcome(BAD_ERROR, None, method=None, host=None, path=None),
}


def shown(parts: Iterable[RenderableType], *, width: int = 200, colour: bool = False) -> str:
    """What a terminal gets."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    console.print(*parts, sep="\n")
    return out.getvalue()


def outcome_shown(outcome: Outcome, language: Language = Language.EN) -> str:
    return shown(outcome_text("capture.har", 3, outcome, language))


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome(name: str, snapshot: SnapshotAssertion) -> None:
    assert outcome_shown(OUTCOMES[name]) == snapshot


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_headline(name: str, snapshot: SnapshotAssertion) -> None:
    assert headline(OUTCOMES[name]) == snapshot


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome_in_chinese(name: str, snapshot: SnapshotAssertion) -> None:
    text = outcome_shown(OUTCOMES[name], Language.ZH)
    assert not re.search(r"expected|found|audited|\((error|warning|info)\)", text)
    assert text == snapshot


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("before", ["", "配额不足，请联系管理员", "e\u0301 ｆｕｌｌ", "\u202e😀"])
def test_carets_stand_under_the_fault(before: str, language: Language) -> None:
    body = json.dumps({"error": {"message": before, "code": 400}}, ensure_ascii=False)
    lines = outcome_shown(outcome(body, 400), language).split("\n")
    (at,) = (number for number, line in enumerate(lines) if line.endswith("^^^"))
    assert cell_len(lines[at].rstrip("^")) == cell_len(lines[at - 1].partition("400")[0])


def test_a_headline_in_chinese() -> None:
    assert headline(OUTCOMES["aborted"], Language.ZH).startswith("未审计：已中断 POST ")
    told = headline(OUTCOMES["a Number for a code"], Language.ZH)
    assert told.startswith("错误 POST ")
    assert told.endswith(" TA306")


def test_a_rule_that_is_broken_very_often(snapshot: SnapshotAssertion) -> None:
    text = outcome_shown(outcome(MANY, 400))
    assert text.count("TA404") == 101
    assert "TA404 2 more times" in text
    assert "  TA404 另有 2 次\n" in outcome_shown(outcome(MANY, 400), Language.ZH)


def test_in_colour(snapshot: SnapshotAssertion) -> None:
    assert shown(outcome_text("-", 0, OUTCOMES["a Number for a code"]), colour=True) == snapshot


def test_the_summary(snapshot: SnapshotAssertion) -> None:
    totals = Totals()
    for each in OUTCOMES.values():
        totals.add(each)
    assert shown(summary_text(totals)) == snapshot


def test_the_summary_in_chinese(snapshot: SnapshotAssertion) -> None:
    totals = Totals()
    assert "没有审计任何内容" in shown(summary_text(totals, language=Language.ZH))
    for each in OUTCOMES.values():
        totals.add(each)
    assert shown(summary_text(totals, 3, Language.ZH)) == snapshot


def test_the_summary_of_nothing(snapshot: SnapshotAssertion) -> None:
    assert shown(summary_text(Totals())) == snapshot


@pytest.mark.parametrize(
    "damage",
    [
        Damage("line 3, byte 120", "expected an Object, found Number 1", index=4),
        Damage("byte 12", "the file ends in a flow"),
        Damage("capture.har", "cannot be read: permission denied"),
    ],
    ids=lambda damage: damage.where,
)
def test_damage(damage: Damage, snapshot: SnapshotAssertion) -> None:
    assert shown([damage_text("capture.har", damage)]) == snapshot


def hostile_outcomes() -> list[Outcome]:
    return [
        outcome(json.dumps({"error": {"message": HOSTILE, "code": HOSTILE, "details": [HOSTILE]}}), 200),
        outcome(json.dumps({"job_id": HOSTILE}, ensure_ascii=False)),
        outcome(json.dumps({HOSTILE: HOSTILE, "jobId": HOSTILE}, ensure_ascii=False)),
        outcome('{"\u202e": 1, "\u202e": 2, "job_id": "\x7f"}'),
        outcome(f'{{"a": "{HOSTILE}"'),
        outcome(method=HOSTILE, path="/x"),
        outcome(None, method="POST", host=HOSTILE, path="/v1/0123/cloudservers"),
        outcome(path="/" + HOSTILE, host=HOSTILE),
        outcome(answer=answer(JOB, content_type=HOSTILE)),
        outcome(answer=answer(JOB, content_encoding=HOSTILE)),
        outcome(method="GET", path="/v1/p/jobs/%1B%5B31m%E2%80%AE"),
    ]


@pytest.mark.parametrize("number", range(len(hostile_outcomes())))
def test_hostile_traffic_is_harmless(number: int) -> None:
    judged = hostile_outcomes()[number]
    assert headline(judged).isprintable()
    for language in Language:
        assert outcome_shown(judged, language).replace("\n", "").isprintable()


def test_hostile_names_of_files_are_harmless() -> None:
    texts = [*outcome_text(HOSTILE, 0, outcome()), damage_text(HOSTILE, Damage(HOSTILE, HOSTILE, 1))]
    assert shown(texts).replace("\n", "").isprintable()


def test_very_long_text_is_cut() -> None:
    long = "x" * 500_000
    for judged in (
        outcome(json.dumps({"job_id": long})),
        outcome(json.dumps({"error": {"message": long, "code": long, "details": long}}), 400),
        outcome(path="/" + long),
        outcome(long),
        outcome(json.dumps({long: 1})),
    ):
        assert len(headline(judged)) < 500
        assert max(map(len, outcome_shown(judged).split("\n"))) < 400


def test_forgotten_jobs_are_shown() -> None:
    lines = [line.plain for line in summary_text(Totals(), 3)]
    assert "jobs forgotten because there were too many to follow: 3" in lines


WAIVED = [
    auditor(policy=Policy(waivers=[waiver()])).look(OUTCOMES[name].exchange)
    for name in ("a Number for a code", "two findings in lines")
]


def test_waived_findings(snapshot: SnapshotAssertion) -> None:
    totals = Totals()
    for each in WAIVED:
        totals.add(each)
    assert "".join(outcome_shown(each) for each in WAIVED) + shown(summary_text(totals)) == snapshot
    assert [headline(each) for each in WAIVED] == snapshot


def test_an_outcome_with_only_waived_findings_is_not_red() -> None:
    red = "\x1b[1;31merror"
    assert red not in shown(outcome_text("a", 0, WAIVED[0]), colour=True)
    assert red in shown(outcome_text("a", 0, OUTCOMES["a Number for a code"]), colour=True)


def test_the_reason_of_a_failed_job_is_on_the_line_of_its_query() -> None:
    sub_job = {"job_id": "s", "status": "FAIL", "error_code": "Ecs.0319", "fail_reason": "no host"}
    by_sub_job = {"job_id": JOB_ID, "status": "FAIL", "entities": {"sub_jobs": [sub_job]}}
    own = {"job_id": JOB_ID, "status": "FAIL", "error_code": "Ecs.0021", "fail_reason": "no quota"}
    for body, reason in ((by_sub_job, "Ecs.0319 no host"), (own, "Ecs.0021 no quota")):
        looked = outcome(json.dumps(body), method="GET", path=f"/v1/p/jobs/{JOB_ID}")
        head, *_ = outcome_text("a.har", 0, looked)
        assert head.plain.endswith(f"-> job query {JOB_ID} FAIL: {reason}")
