"""What is done with findings: which entry fits which, until when."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from taskaudit.contract.verdict import Finding, Severity, Waiver
from taskaudit.policy.policy import EMPTY, Override, Policy, Where, is_pattern, route_names, where_of
from tests.samples import waiver

CREATE = where_of("POST", "/v1/p/cloudservers", "ecs:CreateServers", 0.0)
ACTION = where_of("POST", "/v1/p/cloudservers/action", "ecs:BatchStartServers|BatchStopServers", 0.0)
UNLISTED = where_of("POST", "/v9/p4/things", None, 0.0)
BARE = where_of(None, None, None, 0.0)
END_OF_2026 = 1_798_761_600.0
"""2027-01-01T00:00:00Z, in seconds since the epoch."""


def finding(pointer: str = "/error/code", rule: str = "TA306") -> Finding:
    return Finding(rule, "name", Severity.ERROR, pointer, "String", "Number 400", "Number")


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (CREATE, ("ecs:CreateServers",)),
        (
            ACTION,
            ("ecs:BatchStartServers|BatchStopServers", "ecs:BatchStartServers", "ecs:BatchStopServers"),
        ),
        (UNLISTED, ("POST /v9/{}/things",)),
        (BARE, ("",)),
        (where_of("POST", "/a:b|c", None, 0.0), ("POST /a:b|c",)),
    ],
)
def test_names(where: Where, names: tuple[str, ...]) -> None:
    assert where.names == names


def test_a_very_long_path_is_cut() -> None:
    assert len(where_of("POST", "/x" * 100_000, None, 0.0).names[0]) < 3000


ROUTES = [
    (None, [CREATE, ACTION, UNLISTED, BARE]),
    ("*", [CREATE, ACTION, UNLISTED, BARE]),
    ("ecs:*", [CREATE, ACTION]),
    ("ecs:CreateServers", [CREATE]),
    ("ecs:Create", []),
    ("reateServers", []),
    ("ECS:CreateServers", []),
    ("ecs.CreateServers", []),
    ("*:Batch*", [ACTION]),
    ("ecs:BatchStopServers", [ACTION]),
    ("ecs:BatchStartServers|BatchStopServers", [ACTION]),
    ("POST *", [UNLISTED]),
    ("POST /v9/{}/things", [UNLISTED]),
    ("POST /v9/{project_id}/things", [UNLISTED]),
    ("POST /{anything}/things", []),
    ("POST /v1/{project_id}/cloudservers", []),
    ("GET /v9/{}/things", []),
]


@pytest.mark.parametrize(("route", "fitting"), ROUTES)
def test_routes(route: str | None, fitting: list[Where]) -> None:
    policy = Policy([Override("TA306", None, route)], [waiver(route=route)])
    for where in (CREATE, ACTION, UNLISTED, BARE):
        assert policy.is_off("TA306", where) is (where in fitting)
        assert (policy.waiver("TA306", "/error/code", where) is not None) is (where in fitting)


@pytest.mark.parametrize(
    ("pattern", "pointer", "fits"),
    [
        (None, "/error/code", True),
        (None, "", True),
        ("", "", True),
        ("", "/error/code", False),
        ("/error/code", "/error/code", True),
        ("/error/code", "/error/codes", False),
        ("/error", "/error/code", False),
        ("/error/details/*/code", "/error/details/0/code", True),
        ("/error/details/*/code", "/error/details/17/code", True),
        ("/error/details/*/code", "/error/details/0/1/code", False),
        ("/*", "/error", True),
        ("/*", "/error/code", False),
        ("/error/(code|message)", "/error/code", False),
        ("/a\\u001b", "/a\x1b", True),
    ],
)
def test_pointers(pattern: str | None, pointer: str, fits: bool) -> None:
    policy = Policy(waivers=[waiver(pointer=pattern)])
    judged = policy.judged(finding(pointer), CREATE)
    assert judged
    assert (judged.waived is not None) is fits


def test_a_finding_is_left_as_it_is_but_for_what_the_policy_says() -> None:
    known = waiver(pointer="/error/code")
    policy = Policy([Override("TA306", Severity.INFO)], [known])
    assert policy.judged(finding(), CREATE) == replace(finding(), severity=Severity.INFO, waived=known)
    other = finding(rule="TA305")
    assert policy.judged(other, CREATE) is other
    assert EMPTY.judged(other, CREATE) is other


def test_what_is_off_is_dropped_waived_or_not() -> None:
    policy = Policy([Override("TA306", None, "ecs:*")], [waiver()])
    assert policy.judged(finding(), CREATE) is None
    assert policy.judged(finding(), UNLISTED) == replace(finding(), waived=waiver())


def test_the_first_that_fits_is_taken() -> None:
    overrides = [Override("TA306", Severity.INFO, "ecs:Create*"), Override("TA306", Severity.WARNING)]
    first, second = waiver(route="evs:*"), waiver(until="2099-01-01")
    policy = Policy(overrides, [first, second, waiver()])
    judged = policy.judged(finding(), CREATE)
    assert judged
    assert (judged.severity, judged.waived) == (Severity.INFO, second)
    judged = policy.judged(finding(), ACTION)
    assert judged
    assert judged.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("at", "is_waived"), [(END_OF_2026 - 0.001, True), (END_OF_2026, False), (1.0, True), (0.0, True)]
)
def test_the_last_day_counts(at: float, is_waived: bool) -> None:
    policy = Policy(waivers=[waiver(until="2026-12-31")])
    judged = policy.judged(finding(), CREATE._replace(at=at))
    assert judged
    assert (judged.waived is not None) is is_waived


def test_when_one_has_ended_the_next_takes_over() -> None:
    policy = Policy(waivers=[waiver(until="2026-12-31"), waiver(until="2027-12-31")])
    judged = policy.judged(finding(), CREATE._replace(at=END_OF_2026))
    assert judged
    assert judged.waived == waiver(until="2027-12-31")


@pytest.mark.parametrize(
    ("day", "lasting", "expired"),
    [("2026-12-30", 2, 0), ("2026-12-31", 2, 0), ("2027-01-01", 1, 1), ("2100-01-01", 0, 2)],
)
def test_the_policy_of_a_day(day: str, lasting: int, expired: int) -> None:
    waivers = [waiver(until="2026-12-31"), waiver("TA402")]
    overrides = [Override("TA306", Severity.INFO)]
    policy = Policy(overrides, waivers).on(day)
    assert (len(policy.waivers), len(policy.expired), policy.overrides) == (
        lasting,
        expired,
        tuple(overrides),
    )
    assert {*policy.waivers, *policy.expired} == set(waivers)
    judged = policy.judged(finding(), CREATE)
    assert judged
    assert (judged.waived is not None) is (waivers[0] in policy.waivers)


def test_a_policy_that_lasts_is_the_same() -> None:
    assert EMPTY.on("2100-01-01") is EMPTY


def test_what_was_not_used() -> None:
    waivers = waiver(), waiver("TA402"), waiver("TA501", until="2020-01-01")
    policy = Policy(waivers=waivers).on("2026-01-01")
    counts: dict[Waiver, int] = {waivers[0]: 3}
    assert policy.unused(counts) == (waivers[1],)
    assert policy.unused({}) == waivers[:2]


def test_the_names_of_a_route() -> None:
    assert route_names("ecs:ShowJob") == ("ecs:ShowJob",)
    assert route_names("ecs:A|B") == ("ecs:A|B", "ecs:A", "ecs:B")


@pytest.mark.parametrize(
    ("route", "is_one"),
    [("ecs:*", True), ("POST /a", True), ("*", True), ("ecs:A", False), ("ecs:A|B", False)],
)
def test_patterns(route: str, is_one: bool) -> None:
    assert is_pattern(route) is is_one
