"""Typed netstrings against mitmproxy's own reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.io import tnetstring as theirs

from taskaudit.sources import tnetstring as ours

_VALUES = st.dictionaries(st.text(max_size=5), st.binary(max_size=20), max_size=5)


@given(_VALUES)
def test_members(values: dict[str, bytes]) -> None:
    data = theirs.dumps(values)  # type: ignore[arg-type]
    (whole,) = ours.spans(data, 0, len(data))
    read = {key.decode(): ours.raw(data, span) for key, span in ours.members(data, whole).items()}
    assert read == values


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=5))
def test_pairs(lines: list[tuple[bytes, bytes]]) -> None:
    data = theirs.dumps([list(line) for line in lines])
    (whole,) = ours.spans(data, 0, len(data))
    assert ours.pairs(data, whole) == lines


@given(st.binary(max_size=40))
def test_only_value_errors(data: bytes) -> None:
    for read in (ours.members, ours.pairs, ours.raw, ours.text, ours.number):
        for kind in b",;#^]}":
            try:
                read(data, (kind, 0, len(data)))
            except ValueError:
                continue


@pytest.mark.parametrize(("data", "value"), [(b"2:21#", 21), (b"3:1.5^", 1.5)])
def test_numbers(data: bytes, value: float) -> None:
    (span,) = ours.spans(data, 0, len(data))
    assert ours.number(data, span) == value
