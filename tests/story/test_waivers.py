"""What waivers would catch of the findings in a log, and what a report counts of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskaudit.config.loading import load
from taskaudit.contract.verdict import Severity
from taskaudit.policy.policy import Override, Policy
from taskaudit.reports.gather import gather
from taskaudit.story.groups import FoundStory
from taskaudit.story.story import tell
from taskaudit.story.waivers import Caught, WaiverState, as_json, caught
from tests.samples import BAD_ERROR, outcome, waiver
from tests.stories import START, ask, submit, write_log

DETAILS = json.dumps({"error": {"message": "m", "code": "c", "details": [{"code": 1}, {"code": 2}]}})
STORY = [
    submit(0),
    *(outcome(BAD_ERROR, 400, started=START, ended=START + n) for n in (1, 2)),
    outcome(BAD_ERROR, 400, path="/v9/things", started=START, ended=START + 3),
    outcome(DETAILS, 400, started=START, ended=START + 4),
    ask(5, "SUCCESS", "8ab1"),
]


@pytest.fixture
def findings(tmp_path: Path) -> tuple[FoundStory, ...]:
    return tell([write_log(tmp_path / "log", STORY)]).findings


def counts(tests: tuple[Caught, ...]) -> list[tuple[str, int]]:
    return [(test.state.value, test.count) for test in tests]


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (waiver(), 3),
        (waiver(route="ecs:*"), 2),
        (waiver(route="POST /v9/*"), 1),
        (waiver("TA406"), 2),
        (waiver("TA406", pointer="/error/details/*/code"), 2),
        (waiver("TA406", pointer="/error/details/1/code"), 1),
        (waiver("TA501"), 1),
        (waiver("TA503"), 1),
        (waiver(until="2026-09-20"), 3),
        (waiver("TA402"), 0),
    ],
)
def test_one_waiver(findings: tuple[FoundStory, ...], known: object, count: int) -> None:
    (test,) = caught(findings, Policy(waivers=[known]))  # type: ignore[list-item]
    assert test.count == count
    assert test.state is (WaiverState.USED if count else WaiverState.UNUSED)


def test_the_first_and_the_last(findings: tuple[FoundStory, ...]) -> None:
    (test,) = caught(findings, Policy(waivers=[waiver()]))
    assert (test.first, test.last) == ("2026-09-21T14:13:21.000000Z", "2026-09-21T14:13:23.000000Z")


def test_the_first_that_fits_catches(findings: tuple[FoundStory, ...]) -> None:
    policy = Policy(waivers=[waiver(route="ecs:*"), waiver(), waiver(until="2098-01-01")])
    assert counts(caught(findings, policy)) == [("used", 2), ("used", 1), ("unused", 0)]


def test_an_expired_one_catches_what_no_other_does(findings: tuple[FoundStory, ...]) -> None:
    old, new = waiver(until="2020-01-01"), waiver(route="ecs:*")
    tests = caught(findings, Policy(waivers=[old, new]).on("2026-01-01"))
    assert counts(tests) == [("used", 2), ("expired", 1)]
    assert tests[1].waiver is old


def test_what_is_off_is_not_there_to_be_caught(findings: tuple[FoundStory, ...]) -> None:
    overrides = [Override("TA306", None, "ecs:*"), Override("TA503", Severity.ERROR)]
    policy = Policy(overrides, [waiver(), waiver("TA503")])
    assert counts(caught(findings, policy)) == [("used", 1), ("used", 1)]


def test_a_line_of_json(findings: tuple[FoundStory, ...]) -> None:
    (test,) = caught(findings, Policy(waivers=[waiver("TA402", pointer="")]))
    assert json.loads(as_json(test)) == {
        "rule": "TA402",
        "reason": "backend ticket 1234",
        "owner": "team-ecs",
        "until": "2099-12-31",
        "route": None,
        "pointer": "",
        "state": "unused",
        "count": 0,
        "first": None,
        "last": None,
    }


def test_a_report_over_logs_and_captures_counts_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "c.yaml"
    terms = "reason: r, owner: o, until: 2099-12-31"
    config.write_text(f"waivers: [{{rule: TA306, {terms}}}, {{rule: TA501, {terms}}}]", encoding="utf-8")
    log = write_log(tmp_path / "log", STORY[:2])
    (tmp_path / "bad.json").write_text(BAD_ERROR, encoding="utf-8")
    report = gather([log, tmp_path / "bad.json"], load(config), clock=lambda: START + 2000)
    # TA306 is as it was recorded in the log; TA501 is judged again.
    assert report.rules == (("TA306", 1), ("TA501", 0))
    assert report.waived == (("TA306", 1), ("TA501", 1))
    assert caplog.messages == []
