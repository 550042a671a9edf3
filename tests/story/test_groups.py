"""Findings that are alike come together, whichever of them is met first."""

from __future__ import annotations

import itertools

from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.story.groups import FoundStory, Group, found_stories, group_in
from taskaudit.story.told import Found, Told


def found(
    at: float, fingerprint: str = "f", severity: Severity = Severity.INFO, waiver: Waiver | None = None
) -> Found:
    return Found(at, "TA306", "n", severity, "/p", "e", f"at {at}", None, None, fingerprint, waiver)


def on(at: float, exchange_id: str = "x") -> Told:
    return Told(at, False, False, 0, exchange_id, "proxy-a", method="POST", path="/v1")


def grouped(*met: tuple[Found, Told]) -> tuple[FoundStory, ...]:
    groups: dict[str, Group] = {}
    for each, told in met:
        group_in(groups, each, told)
    return found_stories(groups.values())


def test_the_first_is_the_example_whichever_is_met_first() -> None:
    met = [(found(at), on(at, exchange_id)) for at, exchange_id in ((2, "a"), (1, "c"), (1, "b"), (3, "d"))]
    for order in itertools.permutations(met):
        (group,) = grouped(*order)
        assert (group.count, group.example.found) == (4, "at 1")
        assert (group.first, group.last) == ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:03.000000Z")


def test_the_example_has_its_exchange() -> None:
    (group,) = grouped((found(1), on(1)))
    example = group.example
    assert (example.method, example.path, example.instance, example.pointer) == (
        "POST",
        "/v1",
        "proxy-a",
        "/p",
    )


def test_what_is_waived_is_counted_and_the_last_waiver_told() -> None:
    waivers = [Waiver("TA306", reason, "owner", "2026-12-31") for reason in ("first", "second")]
    met = [(found(at, waiver=waiver), on(at)) for at, waiver in ((1, waivers[0]), (2, waivers[1]), (3, None))]
    for order in itertools.permutations(met):
        (group,) = grouped(*order)
        assert (group.count, group.waived, group.waived_why) == (3, 2, "second")


def test_the_worst_come_first() -> None:
    met = [
        (found(1, "a"), on(1)),
        (found(2, "b", Severity.ERROR), on(2)),
        (found(3, "c"), on(3)),
        (found(4, "c"), on(4)),
    ]
    assert [group.fingerprint for group in grouped(*met)] == ["b", "c", "a"]


def test_one_that_is_counted_in_is_no_example() -> None:
    group = Group(1, 5.0, 5.0, found(5), on(5))
    group.count_in(found(1))
    assert (group.count, group.first, group.last, group.example.at) == (2, 5.0, 5.0, 5)
