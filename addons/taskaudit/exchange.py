"""The neutral exchange: one request and its answer, whatever it was captured by."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

import msgspec

from taskaudit.contract.answer import Answer


class Unaudited(StrEnum):
    """Why an exchange in scope got no verdict (contract, section 6)."""

    STREAMED = "streamed"
    TOO_LARGE = "too_large"
    NOT_CAPTURED = "not_captured"
    INTERIM = "interim"
    ABORTED = "aborted"
    INTERNAL_ERROR = "internal_error"


class MatchedBy(StrEnum):
    """What made a job query of a request (contract, section 2)."""

    ROUTE = "route"
    JOB_ID = "job_id"
    RESOURCE = "resource"


# gc=False: nothing in it can lead back to it, and tens of thousands may be remembered.
class Exchange(msgspec.Struct, frozen=True, gc=False):
    """A request with the answer it got.

    `exchange_id` is the same live and from the saved flow file. `path` has no query string; `query` is
    only matched on, never recorded. Times are seconds since the epoch, UTC; None where unknown.
    `answer` is None where the exchange ended without a whole one (`aborted`).
    `scheme` and `port` are never recorded either.
    `request_type` is the request's Content-Type; of its headers only the names are kept, as sent.
    `is_printed`: a raw response or a bare body, which has no client and no "next". `method` is None for one
    whose request was not printed: it is taken for the answer to a submission.
    """

    exchange_id: str
    answer: Answer | None
    method: str | None = None
    host: str | None = None
    path: str | None = None
    query: str = ""
    flow_id: str | None = None
    request_id: str | None = None
    client: str | None = None
    request_digest: str | None = None
    request_type: str | None = None
    request_headers: tuple[str, ...] = ()
    started: float | None = None
    ended: float | None = None
    scheme: str | None = None
    port: int | None = None
    is_printed: bool = False

    @property
    def at(self) -> float:
        """When the exchange ended, or else began; 0 where neither is known."""
        return self.ended or self.started or 0.0


def fingerprint(rule: str, method: str | None, route: str, pointer: str, json_type: str) -> str:
    """Equal for findings that are alike. `route`: a name, or else a path template (contract, section 6)."""
    return stable_id(rule, method, route, pointer, json_type)


def stable_id(*parts: object) -> str:
    """32 hex digits that depend on the parts alone."""
    text = "\x1f".join([str(part) for part in parts])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
