"""What the audit is told of an answer and of the route it answers: plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

DEFAULT_LIMIT = 1024 * 1024
"""How many bytes of a body are inspected, decoded: 1 MiB."""


class Missing(StrEnum):
    """Why bytes of a body are not there."""

    STREAMED = "streamed"
    """It went to the client piece by piece, past the audit."""
    NOT_CAPTURED = "not captured"
    """The program that made the capture did not keep it."""
    CUT_SHORT = "cut short"
    """The HTTP message ended before the length it had announced."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer as it was received.

    `status` and `headers` are None where they are unknown (a bare body). `body` holds the bytes as
    sent, still content-encoded unless `content_encoding` is empty.
    """

    body: bytes
    status: int | None = None
    headers_known: bool = False
    content_type: str | None = None
    content_encoding: str = ""
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a route may answer with success, besides a job id.

    `order_members`: members that alone are a success (`order_id`).
    `empty_statuses`: HTTP statuses that are a success with an empty body (204).
    """

    order_members: frozenset[str] = field(default_factory=frozenset)
    empty_statuses: frozenset[int] = field(default_factory=frozenset)


STRICT = Allowance()
"""No success without a job id."""

PRINTED = Allowance(order_members=frozenset({"order_id"}))
"""What raw answers and bare bodies are held to: nobody knows which submission they answer."""
