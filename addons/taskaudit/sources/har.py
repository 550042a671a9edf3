"""HTTP Archives, HAR 1.1 to 1.3 (http://www.softwareishard.com/blog/har-12-spec/), in flat memory.

Entries are read in batches of some hundred. Where one is damaged, those of its batch are read one by one,
their bytes found by their brackets: it costs only itself. A capture of any size needs the memory of its
largest entry.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, excerpt, moment, nothing
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
# The comma before an entry, with the entry's beginning: where one exporter has them all alike.
_SEAM = re.compile(rb'\s*+(,\s*+\{\s*+"[^"\\]{1,64}+"\s*+:)')
_BATCH_SIZE = 256 * 1024
# A password may hold an @: the last one ends it (WHATWG URL, "authority state").
_URL = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)(?::(\d{1,9}))?([^#]*)"
)
_PORTS = {"http": 80, "ws": 80}

MOST_LOST_ENDS = 100
"""Entries whose end is not found, before reading stops: each may cost a look at all that follows."""

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_READ = {"content-type", *REQUEST_IDS}
_LENGTHS = {len(name) for name in _READ}


class _Header(msgspec.Struct, gc=False):
    name: str
    value: str | None = None


class _PostData(msgspec.Struct, gc=False):
    text: str | None = None


class _Request(msgspec.Struct, gc=False):
    method: str
    url: str
    headers: list[_Header] | None = None
    postData: _PostData | None = None


class _Content(msgspec.Struct, gc=False):
    size: float | None = None
    mimeType: str | None = None
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: float | None = None
    headers: list[_Header] | None = None
    content: _Content | None = None
    bodySize: float | None = None
    error: object = msgspec.field(name="_error", default=None)


class _Entry(msgspec.Struct, gc=False):
    request: _Request
    startedDateTime: str = ""
    time: float | None = None
    response: _Response | None = None
    clientIPAddress: str | None = None
    clientAddress: str | None = msgspec.field(name="_clientAddress", default=None)
    error: object = msgspec.field(name="_error", default=None)


class _Url(msgspec.Struct, gc=False):
    """The parts of a URL: host without port, port, path with query, path, query."""

    host: str | None
    port: int
    target: str
    path: str
    query: str


_ONE = msgspec.json.Decoder(_Entry)
_MANY = msgspec.json.Decoder(list[_Entry])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_har(window: Window, passes_by: PassesBy = nothing) -> Reading:
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
    for index, found in enumerate(_entries(window)):
        if isinstance(found, Damage):
            yield found
        else:
            url = _split(found.request.url)
            if not passes_by(found.request.method, url.path):
                yield Captured(index, _exchange(found, url, index))


def _entries(window: Window) -> Iterator[_Entry | Damage]:
    """The entries and each damage, up to the end of the text or to where reading has to stop."""
    index = lost_ends = alone_until = 0
    seam = b""
    while (character := next_character(window)) != "]":
        if character == "," and index:
            if window.offset() >= alone_until:
                batch, alone_until = _batch(window, seam)
                yield from batch
                index += len(batch)
                if batch:
                    continue
            window.at += 1
            character = next_character(window)
        where = window.place()
        try:
            yield _decoded(_next_entry(window, character))
        except (CannotSplit, _Damaged) as lost:
            lost_ends += not isinstance(lost, _Damaged)
            goes_on = isinstance(lost, _Damaged) or (lost_ends < MOST_LOST_ENDS and _seek(window))
            yield Damage(where, f"{lost}{'' if goes_on else '; reading stops there'}", index)
            if not goes_on:
                return
        index += 1
        seam = _seam(window) or seam
    window.at += 1
    yield from _after_entries(window)


def _seam(window: Window) -> bytes:
    """The comma behind an entry, with how the next one begins."""
    window.has(_LONGEST_ENTRY_START)
    found = _SEAM.match(window.data, window.at)
    return found[1] if found else b""


def _batch(window: Window, seam: bytes) -> tuple[list[_Entry], int]:
    """The entries after the comma at the window up to the last seam within reach; steps over them.

    None where there is no seam, or one of them is not sound: then those up to an offset are to be read alone.
    A seam may lie within an entry: but what has been read as a list of entries has no other end.
    """
    window.has(_BATCH_SIZE)
    end = window.data.rfind(seam, window.at + 1, window.at + _BATCH_SIZE) if seam else -1
    if end < 0:
        return [], window.offset() + _BATCH_SIZE
    # A view of the window has to be released before it reads on.
    with memoryview(window.data) as data:
        text = b"".join((b"[", data[window.at + 1 : end], b"]"))
    try:
        batch = _MANY.decode(text)
        for entry in batch:
            _check_body(entry)
    except (*_UNREADABLE, _Damaged):
        batch = []
    if not batch:
        return [], window.offset(end)
    window.at = end
    return batch, 0


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
            _ONE.decode(rest)
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
        entry = _ONE.decode(text)
    except _UNREADABLE as error:
        entry = _decoded_leniently(text, error)
    _check_body(entry)
    return entry


def _decoded_leniently(text: bytes, first: Exception) -> _Entry:
    """Browsers write half a surrogate pair where a body had one: msgspec refuses what the audit must see."""
    try:
        return msgspec.convert(_cleaned(json.loads(text)), _Entry)
    except (ValueError, RecursionError):
        raise _Damaged(f"expected an entry, found: {first}") from None


def _cleaned(value: Any) -> Any:
    """Without lone surrogates, which every JSON writer after us refuses; bodies as they are."""
    if isinstance(value, dict):
        return {name: part if name == "text" else _cleaned(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    return _clean(value) if isinstance(value, str) else value


def _check_body(entry: _Entry) -> None:
    content = entry.response and entry.response.content
    if content and content.encoding and _has_arrived(entry, _status(entry.response)):
        _body(content)


def _has_arrived(entry: _Entry, status: int) -> bool:
    """Whether the response did, to its end."""
    return bool(status and not entry.error and entry.response and not entry.response.error)


def _exchange(entry: _Entry, url: _Url, index: int) -> Exchange:
    request, response = entry.request, entry.response
    started, status = _started(entry.startedDateTime), _status(response)
    asked, answered = _named(request.headers), _named(response.headers if response else None)
    sent = (request.postData and request.postData.text) or ""
    body = sent.encode("utf-8", "surrogatepass")
    return Exchange(
        exchange_id=stable_id("har", entry.startedDateTime, request.method, request.url, status, index),
        answer=_answer(response, status, answered) if response and _has_arrived(entry, status) else None,
        method=request.method,
        host=url.host,
        path=url.path,
        query=url.query,
        request_id=request_id((answered, asked)),
        client=entry.clientIPAddress or entry.clientAddress,
        request_digest=request_digest(request.method, url.host, url.port, url.target, body),
        request_type=asked.get("content-type"),
        request_headers=tuple([header.name for header in request.headers or ()]),
        started=started,
        ended=None if started is None else moment(started + (entry.time or 0) / 1000),
    )


def _answer(response: _Response, status: int, named: dict[str, str]) -> Answer:
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
        # Most are told by their length alone.
        if len(header.name) in _LENGTHS and (name := header.name.lower()) in _READ and header.value:
            read[name] = header.value
    return read


def _split(url: str) -> _Url:
    found = _URL.match(url)
    scheme, host, port, target = found.groups() if found else ("", None, "0", url)
    if found and target[:1] != "/":
        target = f"/{target}"
    path, _, query = target.partition("?")
    number = int(port) if port else _PORTS.get((scheme or "").lower(), 443)
    return _Url(host and host.strip("[]"), number, target, path, query)


def _started(written: str) -> float | None:
    try:
        then = datetime.fromisoformat(written)
        return moment((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _clean(text: str) -> str:
    """Without lone surrogates, which every JSON writer after us refuses."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
