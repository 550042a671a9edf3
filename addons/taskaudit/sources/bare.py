"""A body and nothing else: no request, no status, no headers."""

from __future__ import annotations

from hashlib import sha256

from taskaudit.contract.answer import Answer
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Reading
from taskaudit.sources.window import Window


def read_bare(window: Window, limit: int) -> Reading:
    """The one exchange of a bare body, kept to `limit` + 1 bytes: enough to tell that it is too large."""
    body = window.take(limit + 1)
    yield Captured(0, Exchange(stable_id("bare", sha256(body).hexdigest()), Answer(body)))
