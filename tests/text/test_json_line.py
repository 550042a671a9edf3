"""Lines of JSON: what went in comes out, in one line of ASCII."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskaudit.job_state import JobState
from taskaudit.text.json_line import json_line

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9)
VALUES = st.recursive(
    PLAIN | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.text(st.characters()), VALUES, max_size=4))
def test_what_went_in_comes_out(value: dict[str, Any]) -> None:
    """Lone surrogates too, which are no text in UTF-8."""
    line = json_line(value)
    assert json.loads(line) == value
    assert line.isascii()
    assert "\n" not in line


def test_it_is_compact() -> None:
    assert json_line({"a": [1, "é"], "state": JobState.FINAL}) == '{"a":[1,"\\u00e9"],"state":"final"}'
    assert json_line({"a": [1, "b"], "state": JobState.FINAL}) == '{"a":[1,"b"],"state":"final"}'
