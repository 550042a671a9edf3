"""What tells one request from another: the same whatever it was captured by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

REQUEST_IDS = ("x-request-id", "x-openstack-request-id")
"""Headers that hold a request id, the first that is there counts (contract, section 6)."""

# A password may hold an @: the last one ends it (WHATWG URL, "authority state").
_URL = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)(?::([0-9]{1,9}))?([^#]*)"
)
_PORTS = {"http": 80, "ws": 80}


class Url(msgspec.Struct, gc=False):
    """The parts of a URL: host without port, port, path with query, path, query."""

    host: str | None
    port: int
    target: str
    path: str
    query: str
    scheme: str | None


def split_url(url: str) -> Url:
    """The parts of a URL; of what is none, all is path."""
    found = _URL.match(url)
    scheme, host, port, target = found.groups() if found else ("", None, "0", url)
    if found and target[:1] != "/":
        target = f"/{target}"
    path, _, query = target.partition("?")
    number = int(port) if port else _PORTS.get((scheme or "").lower(), 443)
    return Url(host and host.strip("[]"), number, target, path, query, (scheme or "").lower() or None)


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
