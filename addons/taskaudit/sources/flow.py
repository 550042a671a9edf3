"""An HTTP flow of mitmproxy -> a neutral exchange; the one way, live and from a file.

Live, this runs for every exchange: it reads the raw data of the flow, and none of the properties that
decode, search or rebuild (`pretty_url`, `text`, `content`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mitmproxy.net.http.url import parse_authority

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import moment
from taskaudit.sources.identity import request_digest, request_id

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow, ResponseData

type Fields = Iterable[tuple[bytes, bytes]]
"""Header lines as received: names and values."""

_READ = {
    name.encode(): name
    for name in ("host", "content-type", "content-encoding", "x-request-id", "x-openstack-request-id")
}

REPLAY = "request"
"""What mitmproxy notes on a flow whose request it replayed."""
_LONGEST_HOST = 300
"""Of what is remembered: clients may send a host of any length."""


class Asked(NamedTuple):
    """What is read of a request, as mitmproxy keeps it."""

    method: bytes
    host: str
    port: int
    authority: bytes
    path: bytes
    http_version: bytes
    fields: Fields
    content: bytes | None
    started: float
    scheme: bytes
    is_replay: bool
    """Sent once more by mitmproxy itself, as a tester asked for it."""


class Answered(NamedTuple):
    """What is read of a response, as mitmproxy keeps it."""

    status: int
    fields: Fields
    content: bytes | None
    started: float | None
    ended: float | None


def exchange_of(flow: HTTPFlow, body: bytes | None = None) -> Exchange:
    """The exchange a flow holds, live or loaded.

    `body`: what a streamed answer sent, still content-encoded; mitmproxy does not keep it.
    A flow with an error is aborted, even when it has a response: live, only the error hook runs for it.
    """
    asked, answered, peer = flow.request.data, flow.response, flow.client_conn.peername
    return exchange_from(
        flow.id,
        Asked(
            asked.method,
            asked.host,
            asked.port,
            asked.authority,
            asked.path,
            asked.http_version,
            asked.headers.fields,
            asked.content,
            asked.timestamp_start,
            asked.scheme,
            flow.is_replay == REPLAY,
        ),
        _answered(answered.data) if answered else None,
        flow.error.timestamp if flow.error else None,
        peer[0] if peer else None,
        body,
    )


def host_of(flow: HTTPFlow) -> str:
    """The host that a flow's exchange has, without making one."""
    asked = flow.request.data
    header = ", ".join(_text(value) for name, value in asked.headers.fields if name.lower() == b"host")
    return _host(header, asked.authority, asked.http_version, asked.host)


def exchange_from(
    flow_id: str,
    asked: Asked,
    answered: Answered | None,
    failed: float | None,
    client: str | None,
    body: bytes | None = None,
) -> Exchange:
    """As `exchange_of`, from the parts of a flow. `failed` is when its error happened, None without one."""
    questions = _named(asked.fields)
    answers = _named(answered.fields) if answered else {}
    method = _text(asked.method)
    target = _text(asked.path)
    host = _host(questions.get("host", ""), asked.authority, asked.http_version, asked.host)
    path, _, query = target.partition("?")
    began = answered.started if answered else None
    return Exchange(
        exchange_id=stable_id(flow_id, asked.started, began if failed is None else float(failed)),
        answer=None if answered is None or failed is not None else _answer(answered, answers, body),
        method=method,
        host=host,
        path=path,
        query=query,
        flow_id=flow_id,
        request_id=request_id((answers, questions)),
        client=client,
        request_digest=_digest(asked, method, host, target),
        request_type=questions.get("content-type"),
        request_headers=tuple([name.decode("utf-8", "replace") for name, _ in asked.fields]),
        started=moment(asked.started),
        ended=moment(_ended(answered, failed)),
        scheme=_text(asked.scheme) or None,
        port=asked.port,
    )


def _digest(asked: Asked, method: str, host: str, target: str) -> str | None:
    """None where nobody knows whether it is that of an earlier request: its body was streamed.

    A replay has none either: the client did not submit its task again (TA507), a tester did.
    """
    if asked.content is None or asked.is_replay:
        return None
    return request_digest(method, host, asked.port, target, asked.content)


def _answered(data: ResponseData) -> Answered:
    return Answered(
        data.status_code, data.headers.fields, data.content, data.timestamp_start, data.timestamp_end
    )


def _answer(answered: Answered, named: dict[str, str], body: bytes | None) -> Answer:
    seen = answered.content if body is None else body
    return Answer(
        body=seen or b"",
        status=answered.status,
        headers_known=True,
        content_type=named.get("content-type"),
        content_encoding=named.get("content-encoding", ""),
        missing=Missing.STREAMED if seen is None else None,
    )


def _ended(answered: Answered | None, failed: float | None) -> float | None:
    if failed is not None or answered is None:
        return failed
    return answered.started if answered.ended is None else answered.ended


def _named(fields: Fields) -> dict[str, str]:
    """The headers we read, by lower-case name; repeated ones joined (RFC 9110 §5.3)."""
    named: dict[str, str] = {}
    for key, value in fields:
        if name := _READ.get(key.lower()):
            text = _text(value)
            named[name] = f"{named[name]}, {text}" if name in named else text
    return named


def _host(header: str, authority: bytes, http_version: bytes, address: str) -> str:
    """As `Request.pretty_host`: the host the client asked for, not the address it was found at.

    Without the user and password that a client may have left in it.
    """
    if authority and http_version in (b"HTTP/2.0", b"HTTP/2", b"HTTP/3"):
        header = _text(authority)
    if not header:
        return address
    return _host_in(header) if len(header) <= _LONGEST_HOST else _host_in.__wrapped__(header)


@lru_cache(maxsize=256)
def _host_in(authority: str) -> str:
    return parse_authority(authority.rpartition("@")[2], check=False)[0]


def _text(raw: bytes) -> str:
    # Not surrogateescape, as mitmproxy does: a lone surrogate makes every JSON writer after us raise.
    return raw.decode("utf-8", "replace")
