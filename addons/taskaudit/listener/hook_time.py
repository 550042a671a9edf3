"""How long the audit holds up the proxy: a histogram of the time its hooks take."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

BOUNDS = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
"""Upper bounds of the buckets, in seconds."""


class HookTime:
    """Counts times, in seconds, by bucket; prometheus_client's own histogram takes a lock for each."""

    def __init__(self) -> None:
        self.total = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """Counts one hook."""
        self.total += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """Each bound with how many took no longer, as Prometheus writes it; the last is `+Inf`."""
        bounds = [*map(str, BOUNDS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
