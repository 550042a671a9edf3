"""Typed netstrings against mitmproxy's own reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.io import tnetstring as theirs

from taskaudit.sources import tnetstring as ours

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=20)
_VALUES = st.dictionaries(_NAMES, st.binary(max_size=20), max_size=5)
# What looks like a length or an end of a value is what may lead a reader astray.
_LINE = st.binary(max_size=9) | st.text("0123456789:,]", max_size=12).map(str.encode)


@given(_VALUES)
def test_members(values: dict[str, bytes]) -> None:
    data = theirs.dumps(values)  # type: ignore[arg-type]
    (whole,) = ours.spans(data, 0, len(data))
    read = {key.decode(): ours.raw(data, span) for key, span in ours.members(data, whole).items()}
    assert read == values


@given(st.lists(st.tuples(_LINE, _LINE), max_size=5))
def test_pairs(lines: list[tuple[bytes, bytes]]) -> None:
    data = theirs.dumps([list(line) for line in lines])
    (whole,) = ours.spans(data, 0, len(data))
    assert ours.pairs(data, whole) == lines


@given(st.lists(st.tuples(_LINE, _LINE), max_size=3), st.integers(0, 60), st.binary(min_size=1, max_size=2))
def test_damaged_pairs_are_read_as_mitmproxy_does_or_not_at_all(
    lines: list[tuple[bytes, bytes]], at: int, other: bytes
) -> None:
    data = theirs.dumps([list(line) for line in lines])
    start, end = data.index(b":") + 1, len(data) - 1
    at = min(start + at, end)
    data = data[:at] + other + data[at + len(other) :]
    try:
        found = ours.pairs(data, (ours.LIST, start, end))
    except ValueError:
        return
    assert [list(line) for line in found] == theirs.loads(b"%d:%b]" % (end - start, data[start:end]))


def test_long_lines_are_not_remembered() -> None:
    lines = [(b"cookie", b"x" * size) for size in (10, ours._REMEMBERED)]
    data = theirs.dumps([list(line) for line in lines])
    (whole,) = ours.spans(data, 0, len(data))
    before = ours._pair.cache_info().misses
    assert ours.pairs(data, whole) == lines
    assert ours._pair.cache_info().misses == before + 1


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
