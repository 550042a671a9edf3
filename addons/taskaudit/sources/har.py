"""HTTP Archives, HAR 1.1 to 1.3 (http://www.softwareishard.com/blog/har-12-spec/), in flat memory.

The bytes of each entry are found by its brackets, then read by themselves: one that is damaged costs
only itself, and a capture of any size needs the memory of its largest entry.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Damage, Reading, excerpt, moment
from taskaudit.sources.identity import REQUEST_IDS, request_digest, request_id
from taskaudit.sources.json_window import (
    CannotSplit,
    at_end_of_text,
    enter_member,
    leave,
    next_character,
    value_end,
)
from taskaudit.sources.window import Window

# How an entry begins in the exporters seen: with its time, its page, or a member of the exporter's own.
_ENTRY = re.compile(rb'\{\s*"(?:startedDateTime|pageref|_\w+)"\s*:')
_LONGEST_ENTRY_START = 256
# A password may hold an @: the last one ends it (WHATWG URL, "authority state").
_URL = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)(?::(\d+))?([^#]*)")
_PORTS = {"http": 80, "ws": 80}

MOST_LOST_ENDS = 100
"""Entries whose end is not found, before reading stops: each may cost a look at all that follows."""

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_READ = {"content-type", *REQUEST_IDS}


class _Header(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class _PostData(msgspec.Struct):
    text: str | None = None


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: list[_Header] | None = None
    postData: _PostData | None = None


class _Content(msgspec.Struct):
    size: float | None = None
    mimeType: str | None = None
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct):
    status: float | None = None
    headers: list[_Header] | None = None
    content: _Content | None = None
    bodySize: float | None = None
    error: object = msgspec.field(name="_error", default=None)


class _Entry(msgspec.Struct):
    request: _Request
    startedDateTime: str = ""
    time: float | None = None
    response: _Response | None = None
    clientIPAddress: str | None = None
    clientAddress: str | None = msgspec.field(name="_clientAddress", default=None)
    error: object = msgspec.field(name="_error", default=None)


_DECODER = msgspec.json.Decoder(_Entry)


def read_har(window: Window) -> Reading:
    """The entries of a HAR, and each damage. `window` stands at its start.

    What cannot be split into entries is searched for the next start of one.
    """
    try:
        enter_member(window, "log")
        enter_member(window, "entries")
        if next_character(window) != "[":
            raise CannotSplit("expected an array of entries")
    except CannotSplit as lost:
        yield Damage(window.place(), str(lost))
        return
    window.at += 1
    yield from _entries(window)


def _entries(window: Window) -> Reading:
    index = lost_ends = 0
    while (character := next_character(window)) != "]":
        if character == "," and index:
            window.at += 1
            character = next_character(window)
        where = window.place()
        try:
            entry = _next_entry(window, character)
            yield Captured(index, _exchange(_decoded(entry), index))
        except (CannotSplit, _Damaged) as lost:
            lost_ends += not isinstance(lost, _Damaged)
            found = isinstance(lost, _Damaged) or (lost_ends < MOST_LOST_ENDS and _seek(window))
            goes_on = "" if found else "; reading stops there"
            yield Damage(where, f"{lost}{goes_on}", index)
            if not found:
                return
        index += 1
    window.at += 1
    yield from _after_entries(window)


def _after_entries(window: Window) -> Iterator[Damage]:
    """The members after the entries, and the end of the two objects; nothing may follow."""
    try:
        leave(window)
        leave(window)
        at_end_of_text(window)
    except CannotSplit as lost:
        yield Damage(window.place(), str(lost))


class _Damaged(Exception):
    """An entry that is not JSON, or not of the shape of one."""


def _next_entry(window: Window, character: str) -> bytes:
    """The bytes of the entry at the window; steps over them."""
    if character != "{":
        raise CannotSplit(f"expected an entry, found {excerpt(window.data[window.at : window.at + 1])}")
    if size := _size_by_decoding(window):
        return window.take(size)
    end = value_end(window)
    # A quote too few or too many turns strings and structure about: the entry seems to go on through others.
    swallowed = _ENTRY.search(window.data, window.at + 1, end)
    if swallowed and not _is_json(bytes(window.data[window.at : end])):
        raise CannotSplit("expected an entry, found one whose brackets or quotes do not match")
    return window.take(end - window.at)


def _size_by_decoding(window: Window) -> int | None:
    """The size of a sound entry that is in the window whole, None for any other.

    The decoder tells where the text after the entry starts, much faster than looking for brackets does.
    Should it word that otherwise one day, the brackets are looked for.
    """
    # Views of the window have to be released before it reads on.
    with memoryview(window.data) as whole, whole[window.at :] as rest:
        try:
            _DECODER.decode(rest)
        except msgspec.DecodeError as error:
            found = _TRAILING.search(str(error))
            # It counts the byte that should not be there, too.
            size = int(found[1]) - 1 if found else 0
            return size if size > 0 and rest[size] in b",]" else None
        except (UnicodeDecodeError, RecursionError):
            return None
    return None


def _is_json(text: bytes) -> bool:
    try:
        _decoded(text)
    except _Damaged:
        return False
    return True


def _seek(window: Window) -> bool:
    """Go to the next start of an entry; False where there is none."""
    window.at = min(window.at + 1, len(window.data))
    while not (found := _ENTRY.search(window.data, window.at)):
        window.at = max(window.at, len(window.data) - _LONGEST_ENTRY_START)
        if not window.more():
            return False
    window.at = found.start()
    return True


def _decoded(text: bytes) -> _Entry:
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _decoded_leniently(text, error)


def _decoded_leniently(text: bytes, first: Exception) -> _Entry:
    """Browsers write half a surrogate pair where a body had one: msgspec refuses what the audit must see."""
    try:
        return msgspec.convert(json.loads(text), _Entry)
    except (ValueError, RecursionError):
        raise _Damaged(f"expected an entry, found: {first}") from None


def _exchange(entry: _Entry, index: int) -> Exchange:
    request, response = entry.request, entry.response
    method, url = _clean(request.method), _clean(request.url)
    host, port, target = _split(url)
    path, _, query = target.partition("?")
    started = _started(entry.startedDateTime)
    asked, answered = _named(request.headers), _named(response.headers if response else None)
    status = _status(response)
    sent = (request.postData and request.postData.text) or ""
    return Exchange(
        exchange_id=stable_id("har", entry.startedDateTime, method, url, status, index),
        answer=_answer(response, answered, status) if response and status and not entry.error else None,
        method=method,
        host=host,
        path=path,
        query=query,
        request_id=request_id((answered, asked)),
        client=entry.clientIPAddress or entry.clientAddress,
        request_digest=request_digest(method, host, port, target, sent.encode("utf-8", "surrogatepass")),
        request_type=asked.get("content-type"),
        request_headers=tuple(_clean(header.name) for header in request.headers or ()),
        started=started,
        ended=None if started is None else moment(started + (entry.time or 0) / 1000),
    )


def _answer(response: _Response, named: dict[str, str], status: int) -> Answer | None:
    if response.error:
        return None
    content = response.content or _Content()
    # A capture without bodies still tells their size; an empty text with a size is a body left out, too.
    sent = response.bodySize if content.text is None else None
    left_out = not content.text and max(content.size or 0, sent or 0) > 0
    return Answer(
        body=_body(content),
        status=status,
        headers_known=True,
        content_type=named.get("content-type") or _mime_type(content),
        # HAR keeps bodies with their encoding undone, whatever the headers say.
        content_encoding="",
        missing=Missing.STREAMED if left_out else None,
    )


def _status(response: _Response | None) -> int:
    """0 where there was no response."""
    status = (response and response.status) or 0
    return int(status) if 0 < status < 1000 else 0


def _body(content: _Content) -> bytes:
    text = content.text or ""
    if content.encoding == "base64":
        try:
            return b64decode(text)
        except (binascii.Error, ValueError) as error:
            raise _Damaged(f"expected a body in base64, found: {error}") from None
    return text.encode("utf-8", "surrogatepass")


def _mime_type(content: _Content) -> str | None:
    return content.mimeType if content.mimeType and content.mimeType != "x-unknown" else None


def _named(headers: list[_Header] | None) -> dict[str, str]:
    read = {}
    for header in headers or ():
        name = header.name.lower()
        if name in _READ and header.value:
            read[name] = _clean(header.value)
    return read


def _split(url: str) -> tuple[str | None, int, str]:
    """Host without port, port, and path with query."""
    found = _URL.match(url)
    if not found:
        return None, 0, url
    scheme, host, port, target = found.groups()
    target = target if target.startswith("/") else f"/{target}"
    return host.strip("[]"), int(port or _PORTS.get((scheme or "").lower(), 443)), target


def _started(written: str) -> float | None:
    try:
        then = datetime.fromisoformat(written)
        return moment((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _clean(text: str) -> str:
    """Without lone surrogates, which every JSON writer after us refuses."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
