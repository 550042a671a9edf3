"""What a file of the log starts with."""

from __future__ import annotations

import pytest

from taskaudit.log.format import begun, is_ours

HEAD = b'{"timestamp":"2026-09-21T14:13:20.250000Z","event_type":"session","schema_version":1'
SIZE = HEAD.index(b',"schema_version"')


@pytest.mark.parametrize(
    ("head", "ours", "at"),
    [
        (HEAD, True, 1_790_000_000.25),
        (HEAD[:SIZE], True, 1_790_000_000.25),
        (HEAD[: SIZE - 1], True, None),
        (b"", True, None),
        (HEAD.replace(b"session", b"finding"), False, None),
        (HEAD.replace(b"2026-09", b"9999-99"), True, None),
        (b"{}\n", False, None),
    ],
)
def test_the_head_tells(head: bytes, ours: bool, at: float | None) -> None:
    assert (is_ours(head), begun(head)) == (ours, at)
