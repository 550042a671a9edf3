"""The histogram of hook times."""

from __future__ import annotations

from taskaudit.listener.hook_time import BOUNDS, HookTime


def test_times_are_counted_in_their_bucket_and_all_above() -> None:
    times = HookTime()
    for seconds in (0.000_01, BOUNDS[0], 0.02, 7.0):
        times.add(seconds)
    counted = dict(times.buckets())
    assert counted["5e-05"] == 2  # A bound belongs to its bucket.
    assert (counted["0.01"], counted["0.05"], counted["1.0"], counted["+Inf"]) == (2, 3, 3, 4)
    assert times.total == 0.000_01 + BOUNDS[0] + 0.02 + 7.0
