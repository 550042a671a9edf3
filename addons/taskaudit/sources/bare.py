"""A body and nothing else: no request, no status, no headers."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec

from taskaudit.contract.answer import Answer
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured
from taskaudit.sources.window import Window

_ENVELOPE = re.compile(rb'"(?:job_id|error)"\s*:')


def read_bare(window: Window, limit: int) -> Captured:
    """The one exchange of a bare body, kept to `limit` + 1 bytes: enough to tell that it is too large."""
    body = window.take(limit + 1)
    return Captured(0, Exchange(stable_id("bare", sha256(body).hexdigest()), Answer(body), is_printed=True))


def names_envelope(exchange: Exchange) -> bool:
    """Whether a body has `job_id` or `error` at the top; of what is not JSON, whether it has them at all."""
    body = exchange.answer.body if exchange.answer else b""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _ENVELOPE.search(body) is not None
    return isinstance(value, dict) and ("job_id" in value or "error" in value)
