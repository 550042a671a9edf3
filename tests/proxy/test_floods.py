"""Lines that come again and again."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from taskaudit.proxy import floods
from taskaudit.proxy.floods import EVERY, Floods

logger = logging.getLogger("tests.floods")


class Told(logging.Handler):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(clock: Clock) -> Iterator[Told]:
    handler = Told()
    handler.addFilter(Floods(clock))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)


def filter_of(handler: Told) -> Floods:
    (only,) = handler.filters
    assert isinstance(only, Floods)
    return only


def say(count: int, fingerprint: str = "") -> None:
    for number in range(count):
        logger.warning("TA306 at %d", number, extra={"fingerprint": fingerprint} if fingerprint else None)


def test_a_line_is_given_once_and_then_counted(told: Told, clock: Clock) -> None:
    say(5)
    assert told.lines == ["TA306 at 0"]
    clock.now += EVERY
    filter_of(told).due()
    assert told.lines == ["TA306 at 0", "TA306 at 4 (again 4 times since it was last told)"]


def test_after_its_hour_it_is_given_again(told: Told, clock: Clock) -> None:
    say(1)
    clock.now += EVERY
    filter_of(told).due()
    say(2)
    filter_of(told).flush()
    assert told.lines == ["TA306 at 0", "TA306 at 0", "TA306 at 1 (again once since it was last told)"]


def test_nothing_is_told_before_the_hour_is_over(told: Told, clock: Clock) -> None:
    say(3)
    clock.now += EVERY - 1
    filter_of(told).due()
    assert told.lines == ["TA306 at 0"]


def test_lines_of_the_same_place_differ_by_their_fingerprint(told: Told) -> None:
    say(2, "a")
    say(2, "b")
    assert told.lines == ["TA306 at 0", "TA306 at 0"]


def test_what_is_remembered_is_bounded_and_nothing_is_lost(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floods, "MOST", 2)
    say(3, "a")
    for fingerprint in "bc":
        say(1, fingerprint)
    assert told.lines[-1] == "TA306 at 0"
    assert "TA306 at 2 (again 2 times since it was last told)" in told.lines


def state(line: str, about: str = "the log") -> None:
    logging.getLogger("taskaudit.tests").warning("%s", line, extra={"about": about})


@pytest.fixture
def ours(told: Told) -> Iterator[Told]:
    own = logging.getLogger("taskaudit.tests")
    own.addHandler(told)
    yield told
    own.removeHandler(told)


def test_a_state_that_changes_is_told_each_time(ours: Told) -> None:
    for line in ("moved", "deleted", "deleted", "written again", "deleted", "written again"):
        state(line)
    assert ours.lines == [
        "moved",
        "deleted",
        "written again",
        "deleted (again once since it was last told)",
        "deleted",
        "written again",
    ]


def test_a_state_of_another_thing_is_no_change(ours: Told) -> None:
    for _ in range(3):
        state("rotation failed", "rotation")
        state("cannot sync", "disk")
    assert ours.lines == ["rotation failed", "cannot sync"]


def test_the_audit_holds_back_only_what_says_the_same(ours: Told) -> None:
    """Two waivers expire: both are told; of mitmproxy's lines, those of one place are alike."""
    for name in ("first", "second", "first"):
        logging.getLogger("taskaudit.tests").warning("the waiver %s has expired", name)
    assert ours.lines == ["the waiver first has expired", "the waiver second has expired"]
