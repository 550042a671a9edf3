"""Bare bodies."""

from __future__ import annotations

import io

import pytest

from taskaudit.contract.answer import Answer
from taskaudit.sources.bare import names_envelope, read_bare
from taskaudit.sources.window import Window


@pytest.mark.parametrize(("data", "kept"), [(b"", b""), (b"{}", b"{}"), (b"123456", b"12345")])
def test_kept_to_the_limit_and_one(data: bytes, kept: bytes) -> None:
    exchange = read_bare(Window(io.BytesIO(data), chunk=2), limit=4).exchange
    assert exchange.answer == Answer(kept)
    assert (exchange.method, exchange.is_printed) == (None, True)


def test_same_body_same_id() -> None:
    ids = [read_bare(Window(io.BytesIO(body)), 10).exchange.exchange_id for body in (b"{}", b"{}", b"[]")]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"job_id": 1}', True),
        (b'{"error": null}', True),
        (b'{"a": {"job_id": 1}}', False),
        (b'{"name": "package", "version": "1"}', False),
        (b'[{"job_id": 1}]', False),
        (b"7", False),
        (b"<html></html>", False),
        (b"", False),
        ('{"error": {"message": "", "code": XXX，""}}'.encode(), True),
        (b'{"job_id": "8ab', True),
        (b"[" * 5000, False),
    ],
)
def test_what_names_an_envelope(body: bytes, names: bool) -> None:
    assert names_envelope(read_bare(Window(io.BytesIO(body)), 10_000).exchange) is names
