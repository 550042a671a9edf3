"""Which finding is chosen, and how often it counts."""

from __future__ import annotations

import pytest

from taskaudit.auditor import Outcome
from taskaudit.bug.choice import Choice, Wanted
from taskaudit.bug.text import Seen
from taskaudit.offline.check import Checked
from taskaudit.policy.policy import Policy
from tests.samples import AT, BAD_ERROR, auditor, outcome, waiver

NO_MESSAGE = '{"error": {"code": "Ecs.0001"}}'
EMPTY = '{"error": {"message": "", "code": "Ecs.0001"}}'
STORY = [
    outcome(),
    outcome(EMPTY, 400, ended=AT + 1),
    outcome(BAD_ERROR, 400, ended=AT + 2),
    outcome(NO_MESSAGE, 400, ended=AT + 3),
    outcome(BAD_ERROR, 400, ended=AT + 4, host="other.example.com"),
    outcome(None),
]


def choose(story: list[Outcome], rule: str | None = None, index: int | None = None) -> Choice:
    choice = Choice(Wanted(rule, index))
    choice.look(Checked("capture", place, told) for place, told in enumerate(story))
    return choice


@pytest.mark.parametrize(
    ("rule", "index", "chosen", "at"),
    [
        (None, None, "TA306", 2),
        ("TA304", None, "TA304", 1),
        (None, 1, "TA304", 1),
        (None, 4, "TA306", 4),
        ("TA306", 4, "TA306", 4),
        ("TA302", None, "TA302", 3),
    ],
)
def test_the_worst_and_then_the_first(rule: str | None, index: int | None, chosen: str, at: int) -> None:
    found = choose(STORY, rule, index).chosen
    assert found
    assert (found.finding.rule, found.outcome) == (chosen, STORY[at])


@pytest.mark.parametrize(("rule", "index"), [("TA001", None), (None, 0), ("TA306", 3), (None, 9)])
def test_nothing_to_choose(rule: str | None, index: int | None) -> None:
    choice = choose(STORY, rule, index)
    assert choice.chosen is None
    assert choice.seen == Seen(0)


def test_equal_findings_are_counted_wherever_they_are() -> None:
    assert choose(STORY).seen == Seen(2, AT + 2, AT + 4)
    assert choose(STORY, index=4).seen == Seen(2, AT + 2, AT + 4)
    assert choose(STORY, "TA302").seen == Seen(1, AT + 3, AT + 3)


def test_the_same_exchange_counts_once() -> None:
    assert choose([*STORY, *STORY]).seen.count == 2


def test_exchanges_without_a_time() -> None:
    timeless = outcome(BAD_ERROR, 400, started=None, ended=None)
    assert choose([timeless, *STORY]).seen == Seen(3, AT + 2, AT + 4)
    assert choose([timeless]).seen == Seen(1)


def test_what_was_looked_at_is_counted() -> None:
    choice = choose(STORY, index=5)
    assert (choice.audited, choice.indexed) == (5, 1)
    assert choose(STORY, index=6).indexed == 0


def test_a_waived_one_if_there_is_no_other() -> None:
    policy = Policy(waivers=[waiver(), waiver("TA302")])
    judged = [auditor(policy=policy).look(each.exchange) for each in STORY]
    assert [(found := choose(story).chosen) and found.finding.rule for story in (judged, judged[2:])] == [
        "TA304",
        "TA306",
    ]
