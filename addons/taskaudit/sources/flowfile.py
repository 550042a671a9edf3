"""Flow files of mitmproxy: typed netstrings, one flow after the other.

A flow in the format of the installed mitmproxy is read here, only the members an exchange is made of: some
ten times as fast as mitmproxy's own reader. Older formats and other kinds go through mitmproxy. Where
a flow cannot be read, the next one is looked for.
"""

from __future__ import annotations

import re

from mitmproxy.flow import Flow
from mitmproxy.http import HTTPFlow
from mitmproxy.io import compat
from mitmproxy.io import tnetstring as theirs
from mitmproxy.version import FLOW_FORMAT_VERSION

from taskaudit.exchange import Exchange
from taskaudit.sources import tnetstring as ours
from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, excerpt, nothing
from taskaudit.sources.flow import REPLAY, Answered, Asked, exchange_from, exchange_of
from taskaudit.sources.tnetstring import number, pairs, raw, text
from taskaudit.sources.window import Window

LONGEST_FLOW = 256 * 1024 * 1024
"""Bytes. A longer one is taken for a damaged length: memory stays bounded."""
MOST_TRIES = 1000
"""How many places are tried in the search for the next flow after a damage."""

_LENGTH = re.compile(rb"(\d{1,12}):")
# A flow begins with the length of its first member's name; before it ends the dictionary of the last one.
_NEXT = re.compile(rb"(?<=\})\d{2,9}:(?=\d{1,2}:[a-z_]+[,;])")
_LONGEST_NEXT = 64


def read_flows(window: Window, passes_by: PassesBy = nothing) -> Reading:
    """The HTTP flows from `window` on, and each damage; flows of other kinds only count."""
    index = 0
    versions: set[str] = set()
    while window.has(1):
        offset = window.offset()
        end = _end(window)
        if end is None:
            lost = _framing_lost(window)
            found = _seek(window)
            yield Damage(f"byte {offset}", f"{lost}; {_goes_on(window, found)}", index)
            if not found:
                return
        else:
            try:
                exchange = _exchange(window.take(end - window.at), passes_by)
            except _NOT_A_FLOW as error:
                if (version := _version_trouble(error)) is None:
                    reason = f"expected a flow, found one that does not load: {type(error).__name__}"
                    yield Damage(f"byte {offset}", reason, index)
                elif version not in versions:
                    # One file is of one version, as a rule: saying so once is enough.
                    versions.add(version)
                    yield Damage("", version)
            else:
                if exchange:
                    yield Captured(index, exchange)
        index += 1


_NOT_A_FLOW = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
)
"""What mitmproxy raises on a flow of the wrong shape."""


def _version_trouble(error: BaseException) -> str | None:
    """What mitmproxy says of a version that it cannot read. Other messages of it may quote the flow."""
    said = str(error)
    return said if isinstance(error, ValueError) and _VERSION.match(said) else None


_VERSION = re.compile(r"mitmproxy [\w.]+ cannot read files with flow format version [\d(), ]{1,30}\b")


def _end(window: Window) -> int | None:
    """Where the flow at `window.at` ends, by its length; None where that length cannot be right."""
    window.has(13)
    length = _LENGTH.match(window.data, window.at)
    if not length or (inner := int(length[1])) > LONGEST_FLOW:
        return None
    size = length.end() - window.at + inner + 1
    if not window.has(size) or window.data[window.at + size - 1] != ours.DICT:
        return None
    return window.at + size


def _goes_on(window: Window, found: bool) -> str:
    return f"reading goes on at byte {window.offset()}" if found else "no flow was found after it"


def _framing_lost(window: Window) -> str:
    length = _LENGTH.match(window.data, window.at)
    if not length:
        return f"expected the length of a flow, found {excerpt(window.data[window.at : window.at + 1])}"
    expected = f"expected a flow of {int(length[1])} bytes"
    if window.ended:
        return f"{expected}, found {len(window.data) - length.end()} bytes to the end of the file"
    return f"{expected}, found no end of a flow after them"


def _seek(window: Window) -> bool:
    """Go to the next flow after a damage; False where there is none."""
    after = _after_claimed_length(window)
    if after is not None:
        window.at = after
        return True
    for _ in range(MOST_TRIES):
        if not _next_candidate(window):
            return False
        if _is_flow(window):
            return True
    return False


def _after_claimed_length(window: Window) -> int | None:
    """Where the length is right and only the byte that ends the flow is not: the place after it."""
    length = _LENGTH.match(window.data, window.at)
    if not length or int(length[1]) > LONGEST_FLOW:
        return None
    size = length.end() - window.at + int(length[1]) + 1
    window.has(size + _LONGEST_NEXT)
    after = window.at + size
    probe = window.data[after : after + _LONGEST_NEXT]
    return after if _NEXT.match(b"}" + probe, 1) else None


def _next_candidate(window: Window) -> bool:
    window.at += 1
    while not (found := _NEXT.search(window.data, window.at)):
        if window.ended:
            return False
        # What is dropped must not hold the start of a match, nor the byte it looks behind at.
        window.at = max(window.at, len(window.data) - _LONGEST_NEXT) - 1
        window.more()
        window.at = 1
    window.at = found.start()
    return True


def _is_flow(window: Window) -> bool:
    end = _end(window)
    if end is None:
        return False
    try:
        _exchange(bytes(memoryview(window.data)[window.at : end]), nothing)
    except _NOT_A_FLOW:
        return False
    return True


def _exchange(record: bytes, passes_by: PassesBy) -> Exchange | None:
    """The exchange of a flow's bytes, None for one that is not HTTP or is passed by."""
    try:
        parts = _skimmed(record)
    except (ValueError, KeyError, _Elsewhere):
        flow = Flow.from_state(compat.migrate_flow(_state(record)))
        if not isinstance(flow, HTTPFlow):
            return None
        exchange = exchange_of(flow)
        return None if passes_by(exchange.method or "", exchange.path or "", exchange.query) else exchange
    asked = parts[1]
    path, _, query = asked.path.decode("utf-8", "replace").partition("?")
    if passes_by(asked.method.decode("utf-8", "replace"), path, query):
        return None
    return exchange_from(*parts)


class _Elsewhere(Exception):
    """Of another kind or format: a flow for mitmproxy's own reader."""


def _state(record: bytes) -> dict[bytes | str, object]:
    state = theirs.loads(record)
    if not isinstance(state, dict):
        raise ValueError("a dictionary was expected")
    return state


type _Parts = tuple[str, Asked, Answered | None, float | None, str | None]
"""What `exchange_from` is told."""


def _skimmed(record: bytes) -> _Parts:
    (whole,) = ours.spans(record, 0, len(record))
    flow = ours.members(record, whole)
    if number(record, flow[b"version"]) != FLOW_FORMAT_VERSION or text(record, flow[b"type"]) != "http":
        raise _Elsewhere
    error, response = flow[b"error"], flow[b"response"]
    return (
        text(record, flow[b"id"]),
        _asked(record, flow[b"request"], _is_replay(record, flow[b"is_replay"])),
        None if response[0] == ours.NULL else _answered(record, response),
        None if error[0] == ours.NULL else number(record, ours.members(record, error)[b"timestamp"]),
        _peer(record, flow[b"client_conn"]),
    )


# Arguments by place: their names would be a tenth of what reading a flow costs.
def _asked(record: bytes, span: ours.Span, is_replay: bool) -> Asked:
    request = ours.members(record, span)
    content = request[b"content"]
    return Asked(
        raw(record, request[b"method"]),
        text(record, request[b"host"]),
        int(number(record, request[b"port"])),
        raw(record, request[b"authority"]),
        raw(record, request[b"path"]),
        raw(record, request[b"http_version"]),
        pairs(record, request[b"headers"]),
        None if content[0] == ours.NULL else raw(record, content),
        number(record, request[b"timestamp_start"]),
        raw(record, request[b"scheme"]),
        is_replay,
    )


def _is_replay(record: bytes, span: ours.Span) -> bool:
    return span[0] != ours.NULL and text(record, span) == REPLAY


def _answered(record: bytes, span: ours.Span) -> Answered:
    response = ours.members(record, span)
    content, ended = response[b"content"], response[b"timestamp_end"]
    return Answered(
        int(number(record, response[b"status_code"])),
        pairs(record, response[b"headers"]),
        None if content[0] == ours.NULL else raw(record, content),
        number(record, response[b"timestamp_start"]),
        None if ended[0] == ours.NULL else number(record, ended),
    )


def _last_peer(record: bytes, span: ours.Span) -> ours.Span | None:
    """The address of a client where it is the last member, as mitmproxy writes it: saves reading the rest."""
    _, start, end = span
    at = record.rfind(_PEER, start, end) + len(_PEER)
    if at < start + len(_PEER):
        return None
    try:
        (peer,) = ours.spans(record, at, end)
    except ValueError:
        return None
    return peer


_PEER = b"8:peername;"


def _peer(record: bytes, span: ours.Span) -> str | None:
    peer = _last_peer(record, span) or ours.members(record, span)[b"peername"]
    if peer[0] == ours.NULL:
        return None
    address, *_ = ours.spans(record, peer[1], peer[2])
    return text(record, address)
