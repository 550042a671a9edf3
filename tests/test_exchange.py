"""Ids that depend on what they are made of alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.exchange import Exchange, stable_id


def test_an_id_is_the_same_in_every_process() -> None:
    assert stable_id("flow", 1.5, None) == "16b1d939256129a6a3a6081287166c2e"


@given(st.lists(st.text() | st.floats() | st.none(), max_size=4))
def test_any_parts_make_32_hex_digits(parts: list[object]) -> None:
    assert len(bytes.fromhex(stable_id(*parts))) == 16


def test_parts_do_not_run_into_each_other() -> None:
    assert len({stable_id("ab", "c"), stable_id("a", "bc"), stable_id("abc"), stable_id("abc", "")}) == 4


def test_a_lone_surrogate_harms_no_id() -> None:
    assert stable_id("\ud800") != stable_id("\ud801")


@pytest.mark.parametrize(
    ("started", "ended", "at"), [(1.0, 2.0, 2.0), (1.0, None, 1.0), (None, 2.0, 2.0), (None, None, 0.0)]
)
def test_the_time_of_an_exchange(started: float | None, ended: float | None, at: float) -> None:
    assert Exchange("id", None, started=started, ended=ended).at == at
