"""Bare bodies."""

from __future__ import annotations

import io

import pytest

from taskaudit.contract.answer import Answer
from taskaudit.sources.bare import read_bare
from taskaudit.sources.captured import Captured
from taskaudit.sources.window import Window


@pytest.mark.parametrize(("data", "kept"), [(b"", b""), (b"{}", b"{}"), (b"123456", b"12345")])
def test_kept_to_the_limit_and_one(data: bytes, kept: bytes) -> None:
    (found,) = read_bare(Window(io.BytesIO(data), chunk=2), limit=4)
    assert isinstance(found, Captured)
    assert found.exchange.answer == Answer(kept)
    assert found.exchange.method is None


def test_same_body_same_id() -> None:
    ids = [
        found.exchange.exchange_id
        for body in (b"{}", b"{}", b"[]")
        for found in read_bare(Window(io.BytesIO(body)), 10)
        if isinstance(found, Captured)
    ]
    assert ids[0] == ids[1] != ids[2]
