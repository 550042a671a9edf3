from __future__ import annotations

import pytest

from taskaudit.reports.axis import Axis

DAY = 86400
START = 1_790_000_000.0  # 2026-09-21T14:13:20Z


def words(axis: Axis) -> list[str]:
    return [tick.text for tick in axis.ticks]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (0.005, ["0 s", "0.001 s", "0.002 s", "0.003 s", "0.004 s", "0.005 s"]),
        (3, ["0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s"]),
        (40, ["0 s", "10 s", "20 s", "30 s", "40 s"]),
        (600, ["0 min", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (2 * 3600, ["0 min", "30 min", "60 min", "90 min", "120 min"]),
        (5 * DAY, ["0 d", "1 d", "2 d", "3 d", "4 d", "5 d"]),
    ],
)
def test_spans_have_round_ticks(span: float, expected: list[str]) -> None:
    assert words(Axis(0, span, is_clock=False)) == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (0.2, ["14:13:20.000", "14:13:20.050", "14:13:20.100", "14:13:20.150", "14:13:20.200"]),
        (12, ["14:13:20", "14:13:22", "14:13:24", "14:13:26", "14:13:28", "14:13:30", "14:13:32"]),
        (1500, ["14:15:00", "14:20:00", "14:25:00", "14:30:00", "14:35:00"]),
        (2 * DAY, ["09-22 00:00", "09-22 12:00", "09-23 00:00", "09-23 12:00"]),
        (30 * DAY, ["2026-09-24", "2026-10-01", "2026-10-08", "2026-10-15"]),
    ],
)
def test_clocks_have_round_ticks(span: float, expected: list[str]) -> None:
    assert words(Axis(START, START + span)) == expected


@pytest.mark.parametrize("span", [0, 0.001, 1, 59, 3601, 100 * DAY, 100_000 * DAY])
def test_ticks_are_few_and_on_the_axis(span: float) -> None:
    ticks = Axis(START, START + span).ticks
    assert len(ticks) <= 8
    assert all(0 <= tick.at <= 100 for tick in ticks)


def test_words_at_the_ends_stand_inside() -> None:
    assert [tick.anchor for tick in Axis(0, 2, is_clock=False).ticks] == ["start", *["middle"] * 3, "end"]


@pytest.mark.parametrize(
    ("span", "room", "written"),
    [
        (2, 12, ["0 s", "0.5 s", "1 s", "1.5 s", "2 s"]),
        (2, 25, ["0 s", "1 s", "2 s"]),
        (2, 45, ["0 s", "1.5 s"]),  # What stands at the end is written to the left of it.
        (2, 80, ["0 s"]),
        (6, 14, ["0 s", "2 s", "4 s", "6 s"]),
    ],
)
def test_words_do_not_run_into_each_other(span: float, room: float, written: list[str]) -> None:
    assert [tick.text for tick in Axis(0, span, is_clock=False).written(room)] == written


@pytest.mark.parametrize(("seconds", "expected"), [(10, 0), (15, 50), (20, 100), (5, 0), (25, 100)])
def test_a_time_is_a_place(seconds: float, expected: float) -> None:
    assert Axis(10, 20).at(seconds) == expected


def test_an_axis_of_one_moment_has_a_place_for_it() -> None:
    assert Axis(5, 5).at(5) == 0
