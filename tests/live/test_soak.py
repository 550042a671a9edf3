"""A short run of what `make soak` does for minutes: 4,800 exchanges."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.soak import CLIENTS, ROUND, ROUNDS_EACH, Sample, growth, soak

MOST = 32 * 2**20
"""Bytes that tables may take while they fill up."""


async def _samples(folder: Path) -> list[Sample]:
    return [sample async for sample in soak(folder, 5, CLIENTS * ROUND * ROUNDS_EACH)]


def test_memory_stays_small_and_descriptors_are_given_back(tmp_path: Path) -> None:
    """That each descriptor is given back, and each exchange accounted for, `soak` sees to itself."""
    samples = asyncio.run(_samples(tmp_path))
    assert samples[-1].done == 4_800
    assert samples[-1].resident - samples[0].resident < MOST


def test_growth_is_told_from_noise() -> None:
    noise = (0, 900, -700, 200, -100)
    grown = [Sample(at * 1000, 10**8 + at * 50_000 + each, 9) for at, each in enumerate(noise)]
    assert 49 < growth(grown) < 51
