"""Walking through JSON by its brackets."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.sources.json_window import (
    CannotSplit,
    enter_member,
    leave,
    next_character,
    skip_value,
    value_end,
)
from taskaudit.sources.window import Window

_JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(_JSON) | st.dictionaries(st.text(), _JSON), st.integers(1, 50))
def test_end_of_a_value(value: Any, chunk: int) -> None:
    text = json.dumps(value, ensure_ascii=False).encode()
    window = Window(io.BytesIO(text + b', "more": [{"]'), chunk=chunk)
    assert next_character(window) in "[{"
    assert window.offset(value_end(window)) == len(text)


@given(_JSON, st.integers(1, 50))
def test_members(value: Any, chunk: int) -> None:
    text = json.dumps({"before": value, "wanted": value, "after": value}).encode()
    window = Window(io.BytesIO(text + b"x"), chunk=chunk)
    enter_member(window, "wanted")
    assert text.startswith(json.dumps(value).encode(), window.offset())
    skip_value(window)
    leave(window)
    assert window.offset() == len(text)


@pytest.mark.parametrize(
    "text", [b"", b"[", b"{", b'{"a"', b'{"a": 1', b'{"a": "', b'{"a": {"b"}', b"{a: 1}"]
)
def test_what_cannot_be_split(text: bytes) -> None:
    with pytest.raises(CannotSplit):
        enter_member(Window(io.BytesIO(text)), "b")
