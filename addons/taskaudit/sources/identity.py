"""What tells one request from another: the same whatever it was captured by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

REQUEST_IDS = ("x-request-id", "x-openstack-request-id")
"""Headers that hold a request id, the first that is there counts (contract, section 6)."""


def request_digest(method: str, host: str | None, port: int, target: str, body: bytes) -> str:
    """32 hex digits of method, host, port, path with query, and body. None of it can be read back."""
    line = f"{method}\x1f{host or ''}\x1f{port}\x1f{target}\x1f".encode("utf-8", "surrogatepass")
    return blake2b(line + body, digest_size=16).hexdigest()


def request_id(headers: Iterable[Mapping[str, str]]) -> str | None:
    """The request id by the first of `headers` (lower-case name to value) that has one; blank is none."""
    for named in headers:
        for name in REQUEST_IDS:
            if value := named.get(name, "").strip():
                return value
    return None
