"""The life of jobs: events in, findings out; at the boundaries, and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from taskaudit.contract.rules import RULES
from taskaudit.lifecycle import MOST_SUB_JOBS, Late, Lifecycle, Thresholds

ALLOWED = Thresholds(query_within=10, min_interval=1, table_size=100)
FINAL = ("SUCCESS", "FAIL")

type Life = Lifecycle[str]
type Event = Callable[[Life], Iterable[Late[str]]]


def submit(at: float, job_id: str | None = "j", key: str | None = None) -> Event:
    """A submission, told as `s` with its time."""
    return lambda life: life.submitted(at, f"s{at:g}", job_id, key)


def ask(at: float, status: str | None = "RUNNING", job_id: str = "j", subs: tuple[str, ...] = ()) -> Event:
    """A job query, told as `q` with its time."""
    is_final = status in FINAL
    return lambda life: life.queried(at, f"q{at:g}", job_id, status, is_final=is_final, sub_jobs=subs)


def resource(at: float, job_id: str = "j") -> Event:
    """A query of what the job is about."""
    return lambda life: life.resource_queried(at, job_id)


def clock(at: float) -> Event:
    """The clock alone."""
    return lambda life: life.due(at)


def findings(life: Life, events: Iterable[Event], *, finished: bool = True) -> list[str]:
    """What comes up, in order: `TA506 s0`."""
    return [f"{rule} {ref}" for ref, rule in told(life, events, finished)]


def told(life: Life, events: Iterable[Event], finished: bool = True) -> Iterator[tuple[str, str]]:
    for event in events:
        for late in event(life):
            assert _is_sound(late), late
            yield late.ref, late.finding.rule
    if finished:
        yield from ((late.ref, late.finding.rule) for late in life.finish())


def _is_sound(late: Late[str]) -> bool:
    finding = late.finding
    rule = RULES[finding.rule]
    on_submission = finding.rule in ("TA204", "TA501", "TA506", "TA507")
    return (
        (finding.name, finding.severity) == (rule.name, rule.severity)
        and bool(finding.expected and finding.found)
        and late.ref.startswith("s" if on_submission else "q")
    )


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # A client that behaves.
        ([submit(0), ask(5), ask(6), ask(7, "SUCCESS")], []),
        ([submit(0), ask(5, "FAIL")], []),
        ([submit(0, None)], []),
        ([], []),
        # TA204
        ([submit(0), submit(1), ask(2, "FAIL")], ["TA204 s1"]),
        ([submit(0), ask(1, "SUCCESS"), submit(2)], ["TA204 s2"]),
        ([submit(0), submit(1), submit(2), ask(3, "FAIL")], ["TA204 s1", "TA204 s2"]),
        # TA501
        ([submit(0)], ["TA501 s0"]),
        ([submit(0), clock(9)], ["TA501 s0"]),
        ([submit(0), clock(10), ask(10, "SUCCESS")], []),
        ([submit(0), submit(11, "k"), ask(12, "SUCCESS"), ask(13, "SUCCESS", "k")], ["TA501 s0"]),
        ([submit(0, "null"), ask(1, "SUCCESS", "null")], ["TA502 q1", "TA501 s0"]),
        ([submit(0), ask(10, "SUCCESS")], []),
        ([submit(0), ask(10.001, "SUCCESS")], ["TA501 s0"]),
        ([submit(0), clock(11), clock(12), clock(99)], ["TA501 s0"]),
        ([submit(0), clock(11), ask(12)], ["TA501 s0", "TA506 s0"]),
        ([submit(0), submit(5, "k"), clock(15.5)], ["TA501 s0", "TA501 s5"]),
        ([submit(0), ask(5, None)], []),  # An answer without a status is to a query all the same.
        ([submit(0), resource(5)], []),
        ([submit(0), resource(10.5)], ["TA501 s0"]),
        ([resource(0), submit(1)], ["TA501 s1"]),
        # TA502, which excludes TA503
        ([ask(0, None, "None")], ["TA502 q0"]),
        (
            [ask(0, None, ""), ask(0.1, None, ""), ask(0.2, None, "")],
            ["TA502 q0", "TA502 q0.1", "TA502 q0.2"],
        ),
        ([submit(0), ask(1, None, "{job_id}")], ["TA502 q1", "TA501 s0"]),
        # TA503
        ([ask(0)], ["TA503 q0"]),
        ([ask(0), ask(5)], ["TA503 q0", "TA503 q5"]),
        ([ask(0), ask(5, "SUCCESS"), ask(9)], ["TA503 q0", "TA503 q5", "TA503 q9"]),
        ([submit(0), ask(1, subs=("k", "l")), ask(2, "SUCCESS", "k"), ask(3, "SUCCESS")], []),
        ([submit(0), ask(1, job_id="k"), ask(2, "FAIL", subs=("k",)), ask(3, job_id="k")], ["TA503 q1"]),
        ([ask(0, subs=("k",)), ask(1, "FAIL", "k")], ["TA503 q0"]),
        ([ask(0, None, "None", subs=("k",)), ask(1, "FAIL", "k")], ["TA502 q0", "TA503 q1"]),
        ([ask(0), submit(1), ask(2, "SUCCESS")], ["TA503 q0"]),
        ([ask(0), submit(1)], ["TA503 q0", "TA506 s1"]),
        ([ask(0, job_id="x"), submit(1)], ["TA503 q0", "TA501 s1"]),
        ([ask(0, "SUCCESS"), submit(1)], ["TA503 q0"]),
        # TA504: more than three in a row closer than the interval
        ([submit(0), *(ask(1 + n / 10) for n in range(4)), ask(9, "FAIL")], []),
        ([submit(0), *(ask(1 + n / 10) for n in range(5)), ask(9, "FAIL")], ["TA504 q1.4"]),
        ([submit(0), *(ask(1 + n / 10) for n in range(6)), ask(9, "FAIL")], ["TA504 q1.4", "TA504 q1.5"]),
        ([submit(0), *(ask(1 + n) for n in range(9)), ask(99, "FAIL")], []),
        ([submit(0), *(ask(1 + n * 0.9) for n in range(9)), ask(99, "FAIL")], []),
        ([submit(0), *(ask(1 + n * 0.89) for n in range(5)), ask(99, "FAIL")], ["TA504 q4.56"]),
        ([submit(0), *(resource(1 + n / 10) for n in range(9)), ask(9, "FAIL")], []),
        ([submit(0), *(each(1 + n / 10) for n in range(4) for each in (ask, resource)), ask(9, "FAIL")], []),
        (
            [
                submit(0),
                *(ask(1 + n / 10) for n in range(4)),
                *(ask(3 + n / 10) for n in range(4)),
                ask(9, "FAIL"),
            ],
            [],
        ),
        (
            [submit(0), *(ask(n, job_id=i) for n in (1, 1.1, 1.2, 1.3) for i in "jk"), ask(9, "FAIL")],
            ["TA503 q1", "TA503 q1.1", "TA503 q1.2", "TA503 q1.3"],
        ),
        # TA505
        ([submit(0), ask(1, "SUCCESS"), ask(5, "SUCCESS")], []),
        ([submit(0), ask(1, "FAIL"), ask(5, None), ask(9)], ["TA505 q9"]),
        ([submit(0), ask(1, "FAIL"), ask(5), ask(9), ask(13)], ["TA505 q9", "TA505 q13"]),
        ([submit(0), ask(1, "FAIL"), ask(5), resource(6), resource(7)], []),
        # TA506
        ([submit(0), ask(1), ask(2, None), resource(3)], ["TA506 s0"]),
        ([submit(0), ask(1)], ["TA506 s0"]),
        ([submit(0), ask(1), submit(2, "k"), ask(3, "INIT", "k")], ["TA506 s0", "TA506 s2"]),
        # TA507
        ([submit(0, "j", "r"), submit(1, None, "r"), ask(2, "FAIL")], ["TA507 s1"]),
        ([submit(0, "j", "r"), submit(1, None, "x"), ask(2, "FAIL")], []),
        ([submit(0, "j", None), submit(1, None, None), ask(2, "FAIL")], []),
        ([submit(0, "j", "r"), ask(1), submit(2, None, "r"), ask(3, "FAIL")], ["TA507 s2"]),
        ([submit(0, "j", "r"), ask(1, "FAIL"), submit(2, None, "r")], []),
        ([submit(0, None, "r"), submit(1, "j", "r"), ask(2, "FAIL")], []),
        (
            [
                submit(0, "j", "r"),
                submit(1, "k", "r"),
                ask(2, "FAIL"),
                submit(3, None, "r"),
                ask(4, "FAIL", "k"),
            ],
            ["TA507 s1", "TA507 s3"],
        ),
        (
            [
                submit(0, "j", "r"),
                submit(1, "k", "r"),
                ask(2, "FAIL", "k"),
                submit(3, None, "r"),
                ask(4, "FAIL"),
            ],
            ["TA507 s1", "TA507 s3"],
        ),
        ([submit(0, "j", "r"), submit(1, "j", "r"), ask(2, "FAIL")], ["TA204 s1", "TA507 s1"]),
    ],
)
def test_events(events: list[Event], expected: list[str]) -> None:
    assert findings(Lifecycle(ALLOWED), events) == expected


@pytest.mark.parametrize(
    ("within", "interval", "events", "expected"),
    [
        (300, 1, [submit(0), ask(300, "FAIL")], []),
        (0, 1, [submit(0), ask(0, "FAIL")], []),
        (0, 1, [submit(0), ask(0.1, "FAIL")], ["TA501 s0"]),
        (9, 0, [submit(0), *(ask(1) for _ in range(9)), ask(1, "FAIL")], []),
        (9, 5, [submit(0), *(ask(1 + 5 * n) for n in range(9)), ask(99, "FAIL")], []),
        (9, 5, [submit(0), *(ask(1 + 4 * n) for n in range(5)), ask(99, "FAIL")], ["TA504 q17"]),
        (9, 5, [submit(0), *(ask(1 + 4.5 * n) for n in range(5)), ask(99, "FAIL")], []),
    ],
)
def test_thresholds(within: float, interval: float, events: list[Event], expected: list[str]) -> None:
    assert findings(Lifecycle(Thresholds(within, interval)), events) == expected


def test_the_time_allowed_runs_out_by_the_clock_before_the_end() -> None:
    life: Life = Lifecycle(ALLOWED)
    assert findings(life, [submit(0), clock(10)], finished=False) == []
    assert findings(life, [clock(10.5)], finished=False) == ["TA501 s0"]
    assert findings(Lifecycle(ALLOWED), [submit(0), submit(11, "k")], finished=False) == ["TA501 s0"]
    assert findings(life, [clock(11)]) == []


@pytest.mark.parametrize(
    ("events", "rule", "pointer", "found"),
    [
        ([submit(0), submit(1)], "TA204", "/job_id", "String that was answered before"),
        ([submit(0)], "TA501", "/job_id", "no query"),
        ([ask(0, None, "None")], "TA502", "", '"None"'),
        ([ask(0, None, "")], "TA502", "", "an empty id"),
        ([ask(0, None, "{\x1b[31m}")], "TA502", "", r'"{\u001b[31m}"'),
        ([ask(0)], "TA503", "", "an id that no submission returned"),
        ([submit(0), *(ask(1) for _ in range(5))], "TA504", "", "4 queries in a row closer together"),
        ([submit(0), ask(1, "FAIL"), ask(2), ask(3)], "TA505", "", 'a query after "FAIL"'),
        ([submit(0), ask(1, "INIT\n")], "TA506", "/job_id", r'last status "INIT\n"'),
        ([submit(0), ask(1), ask(2, None)], "TA506", "/job_id", 'last status "RUNNING"'),
        (
            [submit(0, "\u202ej", "r"), submit(1, "k", "r")],
            "TA507",
            "",
            r"the same request while job \u202ej is not final",
        ),
    ],
)
def test_a_finding_says_where_and_what(events: list[Event], rule: str, pointer: str, found: str) -> None:
    life: Life = Lifecycle(ALLOWED)
    late = [each for event in events for each in event(life)] + list(life.finish())
    assert [(f.pointer, f.found) for _, f in late if f.rule == rule] == [(pointer, found)]


@pytest.mark.parametrize(("known", "severity"), [(True, "warning"), (False, "info")])
def test_a_job_that_nobody_can_ask_for_is_no_warning(known: bool, severity: str) -> None:
    life: Life = Lifecycle(ALLOWED)
    list(life.submitted(0, "s", "j", None, has_query_route=known))
    list(life.submitted(1, "s", "k", None, has_query_route=known))
    found = [late.finding for late in (*life.due(10.5), *life.finish())]
    assert [(each.rule, each.severity) for each in found] == [("TA501", severity)] * 2


def test_ids_of_sub_jobs_are_bounded() -> None:
    life: Life = Lifecycle(Thresholds(10, 1, table_size=10))
    for n in range(100):
        ids = [f"sub-{n}-{m}" for m in range(2 * MOST_SUB_JOBS)]
        list(life.submitted(n, "s", f"j{n}", None))
        list(life.queried(n, "q", f"j{n}", None, is_final=False, sub_jobs=ids[:MOST_SUB_JOBS]))
        list(life.queried(n, "q", f"j{n}", None, is_final=False, sub_jobs=ids))
    held = [len(kept) for kept in vars(life).values() if hasattr(kept, "__len__")]
    assert max(held) == 10 * MOST_SUB_JOBS


def test_what_was_forgotten_is_counted() -> None:
    life: Life = Lifecycle(Thresholds(10, 1, table_size=3))
    assert findings(life, (submit(n, f"j{n}") for n in range(3)), finished=False) == []
    assert (len(life), life.open_jobs, life.evicted) == (3, 3, 0)
    assert findings(life, [submit(3, "j3")], finished=False) == []
    assert (len(life), life.open_jobs, life.evicted) == (3, 3, 1)
    assert findings(life, [clock(99)]) == ["TA501 s1", "TA501 s2", "TA501 s3"]


def test_jobs_that_have_ended_are_forgotten_first() -> None:
    life: Life = Lifecycle(Thresholds(10, 1, table_size=3))
    events = [submit(0, "a"), submit(1, "b"), submit(2, "c"), ask(3, "SUCCESS", "b")]
    assert findings(life, [*events, submit(4, "d")]) == ["TA501 s0", "TA501 s2", "TA501 s4"]
    assert (len(life), life.evicted) == (3, 1)


def test_a_forgotten_job_is_no_reason_for_a_resubmission() -> None:
    life: Life = Lifecycle(Thresholds(10, 1, table_size=1))
    events = [submit(0, "a", "r"), submit(1, "b", "x"), submit(2, None, "r")]
    assert findings(life, events) == ["TA501 s1"]


def test_unknown_jobs_are_bounded_too() -> None:
    life: Life = Lifecycle(Thresholds(10, 1, table_size=10))
    findings(life, (ask(n, job_id=f"j{n}") for n in range(1000)))
    assert (len(life), life.evicted) == (10, 990)


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_grows_beyond_the_table(asked: bool) -> None:
    life: Life = Lifecycle(Thresholds(query_within=1e9, table_size=10))
    for n in range(1000):
        list(life.submitted(n, "s", f"j{n}", f"r{n}"))
        if asked:
            list(life.queried(n, "q", f"j{n}", "SUCCESS", is_final=True))
    assert (len(life), life.evicted) == (10, 990)
    held = [len(kept) for kept in vars(life).values() if hasattr(kept, "__len__")]
    assert max(held) <= 21


def test_whom_the_clock_waits_for_is_told_all_the_same() -> None:
    """However many were forgotten in between."""
    life: Life = Lifecycle(Thresholds(10, 1, table_size=2))
    events = [*(submit(n, f"j{n}") for n in range(5)), clock(50)]
    assert findings(life, events, finished=False) == ["TA501 s3", "TA501 s4"]


def test_a_status_of_any_length_is_kept_short() -> None:
    life: Life = Lifecycle(ALLOWED)
    list(life.submitted(0, "s", "j", None))
    list(life.queried(1, "q", "j", "R" * 1_000_000, is_final=False))
    (late,) = life.finish()
    assert len(late.finding.found) < 250


def test_an_unknown_job_may_be_a_forgotten_one() -> None:
    lifecycle: Lifecycle[str] = Lifecycle(Thresholds(table_size=1))
    for number in range(2):
        list(lifecycle.submitted(number, "submission", f"job-{number}", None))
    (late,) = lifecycle.queried(3, "query", "job-0", "RUNNING", is_final=False)
    assert late.finding.found == "an id that no submission that is still remembered returned"
