"""Keys with several values, however many there are."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.spool import differing as keys
from taskaudit.spool.differing import Differing, differing, is_in, key_of

PAIRS = st.lists(st.tuples(st.integers(0, 2**63 - 1) | st.integers(0, 5), st.sampled_from([0.0, 1.0, 2.5])))


@given(PAIRS, PAIRS, st.integers(1, 9))
def test_keys_that_come_with_several_values(
    pairs: list[tuple[int, float]], more: list[tuple[int, float]], most: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(Differing()) as some,
        closing(Differing()) as others,
    ):
        patch.setattr(keys, "_MOST_PAIRS", most)
        for kept, given_pairs in ((some, pairs), (others, more)):
            for key, value in given_pairs:
                kept.extend([key], [value])
        counted = Counter(key for key, _ in {*pairs, *more})
        expected = sorted(key for key, count in counted.items() if count > 1)
        found = differing([some, others])
        assert list(found) == list(differing([others, some])) == expected
        assert [key for key in counted if is_in(key, found)] == [key for key in counted if counted[key] > 1]


def test_a_key_of_a_text() -> None:
    texts = {f"{number:032x}" for number in range(1000)} | {"", "\ud800"}
    assert len({key_of(text) for text in texts}) == len(texts)
    assert all(0 <= key_of(text) < 2**63 for text in texts)
