"""What the audit is told of an entry of a HAR: the neutral exchange."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import blake2b

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.har_entry import Content, Entry, Header, Response
from taskaudit.sources.har_times import ended, seconds_of
from taskaudit.sources.identity import REQUEST_IDS, Url, request_digest, request_id

_READ = {"content-type", *REQUEST_IDS}
_LENGTHS = {len(name) for name in _READ}
_WITHOUT_BODY = {204, 205, 304}
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,")
_URL_SAFE = str.maketrans("-_", "+/")
# How what is still encoded begins; JSON never does.
_CODED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
# What stands for no error. Chrome's is that of a page answered with 4xx or 5xx: the whole answer is there.
_WHOLE = (None, "", False, 0, "net::ERR_HTTP_RESPONSE_CODE_FAILURE")


def exchange_of(entry: Entry, url: Url, index: int) -> Exchange:
    """The exchange of an entry, without a time where the entry has none. `url` is its request's."""
    request, response = entry.request, entry.response
    started, status = seconds_of(entry.startedDateTime), _status(response)
    asked, answered = _named(request.headers), _named(response.headers if response else None)
    sent = (request.postData and request.postData.text) or ""
    digest = request_digest(
        request.method, url.host, url.port, url.target, sent.encode("utf-8", "surrogatepass")
    )
    answer = _answer(entry, status, answered)
    # With what was answered: captures of equal requests may have been made at times that are written alike.
    content = answer and blake2b(answer.body, digest_size=16).hexdigest()
    return Exchange(
        exchange_id=stable_id("har", entry.startedDateTime, digest, status, content, index),
        answer=answer,
        method=request.method,
        host=url.host,
        path=url.path,
        query=url.query,
        request_id=request_id((answered, asked)),
        client=entry.clientIPAddress or entry.clientAddress,
        request_digest=digest,
        request_type=asked.get("content-type"),
        request_headers=tuple([header.name for header in request.headers or ()]),
        started=started,
        ended=None if started is None else ended(started, entry.time),
        scheme=url.scheme,
        port=url.port if url.host else None,
    )


def _answer(entry: Entry, status: int, named: dict[str, str]) -> Answer | None:
    """None where the response did not arrive to its end."""
    response = entry.response
    if not status or response is None or entry.error or response.error not in _WHOLE:
        return None
    content = response.content or Content()
    body = _body(content)
    content_type = named.get("content-type") or _mime_type(content)
    is_lost = not body and not _is_empty(entry, response, status)
    return Answer(
        body=body,
        status=status,
        # Each answer has some: where there are none, the program has not kept them.
        headers_known=bool(response.headers or content_type),
        content_type=content_type,
        # HAR keeps bodies with their encoding undone, whatever the headers say.
        content_encoding=_value(response, "content-encoding") if body.startswith(_CODED) else "",
        missing=Missing.NOT_CAPTURED if is_lost else None,
    )


def _is_empty(entry: Entry, response: Response, status: int) -> bool:
    """Whether a body that the capture does not hold was none, or was left out."""
    length = _value(response, "content-length").strip()
    if status in _WITHOUT_BODY or entry.request.method.upper() == "HEAD" or length == "0":
        return True
    content = response.content
    if content is None or content.text is None:
        return False
    # That of the body as sent may count the headers, too (Firefox).
    size = response.bodySize if content.size is None or content.size < 0 else content.size
    return (size or 0) <= 0 and not length.isdecimal()


def _value(response: Response, name: str) -> str:
    """The value of a header that few answers are asked for, empty where it is not there."""
    found = [header.value for header in response.headers or () if header.name.lower() == name]
    return (found[-1] if found else None) or ""


def _status(response: Response | None) -> int:
    """0 where there was no response."""
    status = (response and response.status) or 0
    return int(status) if 0 < status < 1000 else 0


def _body(content: Content) -> bytes:
    text = content.text or ""
    if content.encoding and content.encoding.strip().lower() == "base64":
        found = _from_base64(text)
        if found is not None:
            return found
    return text.encode("utf-8", "surrogatepass")


def _from_base64(text: str) -> bytes | None:
    """The bytes; those of lines, of the URL-safe alphabet and without padding, too. None of other text."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        pass
    plain = "".join(_DATA_URL.sub("", text, count=1).split()).translate(_URL_SAFE).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def _mime_type(content: Content) -> str | None:
    return content.mimeType if content.mimeType and content.mimeType != "x-unknown" else None


def _named(headers: list[Header] | None) -> dict[str, str]:
    read = {}
    for header in headers or ():
        # Most are told by their length alone.
        if len(header.name) in _LENGTHS and (name := header.name.lower()) in _READ and header.value:
            read[name] = header.value
    return read
