"""A request as a command of curl, without anything secret, that no shell can misread.

Of a request the audit keeps method, URL and the names of the headers. What may do something in a
shell is percent-encoded in the URL, and a header of such a name is left out, so that quotes need no escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from taskaudit.exchange import Exchange

REDACTED = "<redacted>"
MOST_HEADERS = 40
LONGEST_PATH = 2000

_METHOD = re.compile(r"[A-Za-z][A-Za-z-]{0,19}")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PORTS = {"http": 80, "https": 443}
_IN_PATH = "/%:@+,="
_SENDING = frozenset({"POST", "PUT", "PATCH"})
_BODYLESS = frozenset({"GET", "HEAD"})
# What curl writes itself, what goes to the next hop only (RFC 9110, section 7.6.1), and what a client or a
# proxy says of itself: the answer does not depend on it.
_LEFT_OUT = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-length",
        "date",
        "dnt",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "pragma",
        "priority",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "upgrade-insecure-requests",
        "user-agent",
        "via",
        "x-real-ip",
        "x-request-id",
    }
)
_FAMILIES_LEFT_OUT = ("sec-", "x-forwarded-", "x-b3-", "trace")
# A value is only shown where it is one of those that are met in practice.
_SHOWN_TYPES = frozenset(
    {
        "application/json",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data",
        "text/plain",
        "text/xml",
    }
)


def curl_command(exchange: Exchange) -> str | None:
    """The command, on several lines; None where no request is known (raw responses, bare bodies)."""
    if exchange.method is None or exchange.path is None:
        return None
    options = [f"-H '{name}: {_value(exchange, name)}'" for name in _names(exchange.request_headers)]
    if _has_body(exchange):
        options.append("--data @request.json")
    return " \\\n  ".join([f"curl{_method(exchange.method)} '{_url(exchange)}'", *options])


def _method(method: str) -> str:
    if method == "GET":
        return ""
    return f" -X {method}" if _METHOD.fullmatch(method) else " -X '<method not shown>'"


def _url(exchange: Exchange) -> str:
    """With https where the scheme is not known: an API that takes tokens has no other."""
    path = quote((exchange.path or "")[:LONGEST_PATH], safe=_IN_PATH, errors="replace")
    query = "?<query not shown>" if exchange.query else ""
    scheme = exchange.scheme if exchange.scheme in _PORTS else "https"
    port = "" if exchange.port in (None, _PORTS[scheme]) else f":{exchange.port}"
    return f"{scheme}://{_host(exchange.host)}{port}/{path.removeprefix('/')}{query}"


def _host(host: str | None) -> str:
    """Without a user's name and password, which a hostile one might hold."""
    bare = (host or "").rpartition("@")[2]
    if not bare:
        return "<host not known>"
    if bare.count(":") > 1 and not bare.startswith("["):
        bare = f"[{bare}]"
    return quote(bare[:255], safe=":[]", errors="replace")


def _names(sent: Iterable[str]) -> Iterator[str]:
    """The names of headers to show, each once, in their order."""
    known: set[str] = set()
    for name in sent:
        matters = name.lower() not in _LEFT_OUT | known and not name.lower().startswith(_FAMILIES_LEFT_OUT)
        if len(known) < MOST_HEADERS and matters and _HEADER.fullmatch(name):
            known.add(name.lower())
            yield name


def _value(exchange: Exchange, name: str) -> str:
    media_type = (exchange.request_type or "").partition(";")[0].strip().lower()
    return media_type if name.lower() == "content-type" and media_type in _SHOWN_TYPES else REDACTED


def _has_body(exchange: Exchange) -> bool:
    method = (exchange.method or "").upper()
    return method in _SENDING or (exchange.request_type is not None and method not in _BODYLESS)
