"""An entry of a HAR: of the types that the specification names, or read for what it plainly means.

Well-typed entries are decoded straight into structs. Only where that fails is an entry read member by member:
a number in a string, a list of header values, headers as an object. What has no plain meaning is absent.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from taskaudit.contract.excerpt import json_type
from taskaudit.sources.json_window import without_deep

_DEEPEST = 32
"""Levels that are read of an entry that nests deeper than a parser goes. Nothing that counts lies so deep."""
_MOST_DIGITS = 18
_NUMBER = re.compile(r"\s*([-+]?\d{1,18}(?:\.\d{1,18})?)", re.ASCII)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Header(msgspec.Struct, gc=False):
    """A header line."""

    name: str
    value: str | None = None


class PostData(msgspec.Struct, gc=False):
    """A request's body."""

    text: str | None = None


class Request(msgspec.Struct, gc=False):
    """What cannot be had without a method and a URL."""

    method: str
    url: str
    headers: list[Header] | None = None
    postData: PostData | None = None


class Content(msgspec.Struct, gc=False):
    """An answer's body."""

    size: float | None = None
    mimeType: str | None = None
    text: str | None = None
    encoding: str | None = None


class Response(msgspec.Struct, gc=False):
    """An answer. `via_worker`: the page got it from its service worker (Chrome)."""

    status: float | None = None
    headers: list[Header] | None = None
    content: Content | None = None
    bodySize: float | None = None
    error: object = msgspec.field(name="_error", default=None)
    via_worker: bool | None = msgspec.field(name="_fetchedViaServiceWorker", default=None)


class Entry(msgspec.Struct, gc=False):
    """What the audit reads of an entry."""

    request: Request
    startedDateTime: str = ""
    time: float | None = None
    response: Response | None = None
    clientIPAddress: str | None = None
    clientAddress: str | None = msgspec.field(name="_clientAddress", default=None)
    error: object = msgspec.field(name="_error", default=None)
    via_worker: bool | None = msgspec.field(name="_fetchedViaServiceWorker", default=None)


class Damaged(Exception):
    """An entry that is not JSON, or whose method or URL cannot be had."""


ONE = msgspec.json.Decoder(Entry)
_MANY = msgspec.json.Decoder(list[Entry])


def decoded(text: bytes) -> Entry:
    """The entry in JSON text; raises Damaged."""
    try:
        return ONE.decode(text)
    except _UNREADABLE as error:
        first = error
    try:
        value = loaded(text)
    except ValueError:
        raise Damaged(f"expected an entry, found: {first}") from None
    return _entry(value)


def decoded_list(text: bytes) -> list[Entry]:
    """The entries in the JSON text of a list; raises Damaged where one of them is."""
    try:
        return _MANY.decode(text)
    except _UNREADABLE:
        pass
    try:
        return [_entry(value) for value in loaded(text)]
    except ValueError:
        raise Damaged("expected a list of entries") from None


def loaded(text: bytes) -> Any:
    """A JSON text as generously as it can be read; raises ValueError.

    Exporters write half a surrogate pair where a body had one, NaN, and bytes that are not UTF-8.
    """
    try:
        return _parsed(text)
    except RecursionError:
        return _parsed(without_deep(text, _DEEPEST))


def _parsed(text: bytes) -> Any:
    return json.loads(text.decode("utf-8", "replace"), parse_int=_integer, strict=False)


def _integer(digits: str) -> int | float:
    """Python refuses to convert thousands of digits."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _entry(value: object) -> Entry:
    entry = _object(value)
    return Entry(
        request=_request(entry.get("request")),
        startedDateTime=_scalar(entry.get("startedDateTime")) or "",
        time=_number(entry.get("time")),
        response=_response(entry.get("response")),
        clientIPAddress=_string(entry.get("clientIPAddress")),
        clientAddress=_string(entry.get("_clientAddress")),
        error=entry.get("_error"),
        via_worker=_is_true(entry.get("_fetchedViaServiceWorker")),
    )


def _request(value: object) -> Request:
    request = _object(value)
    method, url = _string(request.get("method")), _url(request.get("url"))
    if method is None or url is None:
        name = "method" if method is None else "url"
        found = json_type(request[name]) if name in request else "none"
        raise Damaged(f"expected an entry with a String in its request's {name!r}, found {found}")
    return Request(method, url, _headers(request.get("headers")), _post_data(request.get("postData")))


def _url(value: object) -> str | None:
    """A URL may be an object of its parts that holds the whole, too (Postman, JavaScript)."""
    if isinstance(value, dict):
        return _string(value.get("raw")) or _string(value.get("href"))
    return _string(value)


def _post_data(value: object) -> PostData | None:
    return PostData(_body(_object(value).get("text"))) if isinstance(value, dict) else None


def _response(value: object) -> Response | None:
    if not isinstance(value, dict):
        return None
    return Response(
        status=_number(value.get("status")),
        headers=_headers(value.get("headers")),
        content=_content(value.get("content")),
        bodySize=_number(value.get("bodySize")),
        error=value.get("_error"),
        via_worker=_is_true(value.get("_fetchedViaServiceWorker")),
    )


def _content(value: object) -> Content | None:
    content = _object(value)
    return Content(
        size=_number(content.get("size")),
        mimeType=_string(content.get("mimeType")),
        text=_body(content.get("text")),
        encoding=_string(content.get("encoding")),
    )


def _headers(value: object) -> list[Header]:
    """As a list of objects, of pairs or of lines, or as one object with a member for each name."""
    listed = list(value.items()) if isinstance(value, dict) else value if isinstance(value, list) else []
    pairs = [_name_and_value(each) for each in listed]
    return [Header(_clean(name), _scalar(found)) for name, found in pairs if isinstance(name, str)]


def _name_and_value(header: object) -> tuple[object, object]:
    match header:
        case {"name": name, **rest} | {"key": name, **rest}:
            return name, rest.get("value")
        case [name, value] | (name, value):
            return name, value
        case str() if ":" in header:
            name, _, value = header.partition(":")
            return name.strip(), value.strip()
    return None, None


def _body(value: object) -> str | None:
    """A text as it is. One that was parsed into an object is written as JSON again."""
    if isinstance(value, dict) and value:
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str | None:
    return _clean(value) if isinstance(value, str) else None


def _scalar(value: object) -> str | None:
    """A text, a number or a truth value as it is written; those of a list with commas between them."""
    if isinstance(value, list):
        return ", ".join([each for part in value if (each := _scalar(part)) is not None])
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return _string(value)


def _number(value: object) -> float | None:
    if isinstance(value, str) and (found := _NUMBER.match(value)):
        return float(found[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _clean(text: str) -> str:
    """Without lone surrogates, which every JSON writer after us refuses."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
