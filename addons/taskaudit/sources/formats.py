"""What a source holds, told by its first bytes."""

from __future__ import annotations

import re
from enum import StrEnum

from taskaudit.log.format import HEAD_SIZE, is_session
from taskaudit.sources.json_window import NO_MEMBER, CannotSplit, enter_member, next_character
from taskaudit.sources.window import Window

LOOK_AHEAD = 16 * 1024 * 1024
"""Bytes looked at, at most, to tell a HAR from another JSON text."""
FIRST_LINES = 64 * 1024
"""Bytes among which a line has to be that tells what a text is: a long handshake may come before it."""
HAR_HEAD = 1024

_BOM = b"\xef\xbb\xbf"
# The length in front may be damaged; the name of a flow's first member tells.
_FLOW = re.compile(rb'(?:\d{1,12}:|[^{["\s].{0,12}?)\d{1,2}:[a-z_]+[,;]', re.DOTALL)
_FLOW_MEMBER = re.compile(rb"(\d{1,2}):([a-z_]+)[,;]\d")
HEAD = 96
_COLOURS = rb"(?:\x1b\[[\d;]*m)*"
_RAW = re.compile(_COLOURS.join((rb"", rb"(?:[A-Z]{3,10}", rb" ", rb"\S{1,80}", rb" ", rb")?HTTP", rb"/")))
_JSON_LOG = re.compile(rb'\{\s*"@(?:level|message|module|timestamp)"\s*:')
_LEVEL = rb"\[(?:TRACE|DEBUG|INFO|WARN|ERROR)\]"
_LOG_LEVEL = re.compile(_LEVEL)
_LOG_LINE = re.compile(rb"^(?:\d{4}-\d\d-\d\dT\S+|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) %s " % _LEVEL, re.MULTILINE)
# An archive of 7-Zip begins with a digit, too.
_BODY = re.compile(rb'\s*(?:(?!7z\xbc\xaf)[{["<0-9-]|true|false|null)')
_HAR_MEMBERS = re.compile(rb'(?<!\\)"(log|creator|browser|pages|entries|startedDateTime)"\s*:')
_ENVELOPE = re.compile(rb'(?<!\\)"(?:job_id|error)"\s*:')
ENTRIES_ALONE = re.compile(
    rb'\s*(?:\{\s*"entries"\s*:\s*)?\[?\s*\{(?:(?!"entries").)*(?<!\\)"startedDateTime"\s*:', re.DOTALL
)
"""Entries of a HAR without their log."""
CHARLES = re.compile(rb'(?<!\\)"(?:actualPort|protocolVersion)"\s*:')
POSTMAN = re.compile(rb'(?<!\\)"_postman_id"\s*:')
OTHER_CAPTURE = re.compile(CHARLES.pattern + rb"|" + POSTMAN.pattern)
IS_CALL = re.compile(rb"\s*[A-Za-z_$][\w.$]*\s*\(\s*\{")
"""JSONP: a HAR, or anything else, in the call of a function."""


IS_DEBUG_LOG = re.compile(
    rb"\b(?:API|OpenStack|HuaweiCloud) (?:Request URL|Response Code|Response Body):", re.IGNORECASE
)
"""What one of these logs has among its lines."""
IS_TRANSCRIPT = re.compile(rb"^(?:\x1b\[[\d;]*m)*(?:> [A-Z]{3,10} \S+ HTTP/\d|< HTTP/\d)", re.MULTILINE)
"""What is among the first lines of one."""

IS_SESSION = re.compile(
    rb"(?:(?:[^\n{}<>\[\]]{0,80}[$#%>] ?(?:curl|https?)\b(?:[^\n]*\\\r?\n)*[^\n]*|"
    rb"Script started[^\n]*|\s*)\n){1,4}"
    rb"(?=(?:[A-Z]{3,10} \S+ )?HTTP/\d)"
)
"""The command of which the text is the output, copied with it."""

_COLOUR = re.compile(rb"\x1b\[[\d;]*[mK]")


class Format(StrEnum):
    """What a source can hold."""

    FLOWS = "mitmproxy flow file"
    HAR = "HAR"
    BROKEN_HAR = "HAR with a damaged head"
    RAW = "raw HTTP response"
    TRANSCRIPT = "what curl -v printed"
    TERRAFORM = "debug log of Terraform"
    LOG = "log of taskaudit"
    BARE = "bare body"
    NONE = "no capture"


def format_of(window: Window, name: str = "") -> Format:
    """What the window holds. It stays where it is, but for a byte order mark that is no bare body's.

    `name` is the file's: where it ends in `.json`, what is nothing else is a bare body.
    """
    window.has(HEAD)
    head = bytes(window.data[window.at : window.at + HEAD])
    if head.lstrip(b" \t").startswith(b"{") and _is_log(window):
        return Format.LOG
    if _FLOW.match(head) or (head[:1].isdigit() and _names_flow(head)):
        return Format.FLOWS
    mark = len(_BOM) if head.startswith(_BOM) else 0
    found = _text_format(window, mark)
    if found is not None:
        window.at += mark
        return found
    is_json = name.lower().endswith(".json")
    return Format.BARE if is_json or _BODY.match(window.data, window.at + mark) else Format.NONE


def _names_flow(head: bytes) -> bool:
    """Whether a flow has a member here: a name behind its length. The first may be damaged."""
    return any(int(size) == len(name) for size, name in _FLOW_MEMBER.findall(head))


def _is_log(window: Window) -> bool:
    window.has(HEAD_SIZE)
    return is_session(bytes(window.data[window.at : window.at + HEAD_SIZE]))


def without_colours(text: bytes) -> bytes:
    """A text as a terminal would show it, without what sets colours."""
    return _COLOUR.sub(b"", text) if b"\x1b" in text else text


def _text_format(window: Window, mark: int) -> Format | None:
    """What a text is, None for one that is a bare body at most. `mark`: the bytes of its byte order mark."""
    head = bytes(window.data[window.at + mark : window.at + HEAD])
    if _RAW.match(head):
        return Format.RAW
    if _JSON_LOG.match(head):
        return Format.TERRAFORM
    # White space may be longer than the head.
    first = head.lstrip(b" \t\r\n")[:1]
    if first in (b"{", b"[", b"") and not _LOG_LEVEL.match(head):
        return _json_format(window, mark)
    window.has(FIRST_LINES)
    lines = bytes(window.data[window.at + mark : window.at + FIRST_LINES])
    if IS_TRANSCRIPT.search(lines):
        return Format.TRANSCRIPT
    if IS_SESSION.match(without_colours(lines)):
        return Format.RAW
    if IS_DEBUG_LOG.search(lines) or _LOG_LINE.search(lines):
        return Format.TERRAFORM
    return Format.BROKEN_HAR if _looks_like_har(lines) and not IS_CALL.match(lines) else None


def _json_format(window: Window, mark: int) -> Format | None:
    log = _log_of(window, mark)
    if log is not None:
        return log
    window.has(HAR_HEAD)
    start = bytes(window.data[window.at + mark : window.at + HAR_HEAD])
    if ENTRIES_ALONE.match(start) and not _names_log(start):
        return Format.NONE
    if _looks_like_har(start):
        return Format.BROKEN_HAR
    return Format.NONE if OTHER_CAPTURE.search(start) else None


def _log_of(window: Window, mark: int) -> Format | None:
    """What a JSON object with a member `log` is; None where there is none, or it is no object.

    Looks ahead in the window's data, read up to `LOOK_AHEAD`, and further only as far as it has to.
    """
    size = 4096
    while True:
        ended = not window.has(min(size, LOOK_AHEAD)) or size >= LOOK_AHEAD
        with memoryview(window.data) as data:
            start = bytes(data[window.at + mark :][:LOOK_AHEAD])
        told, is_whole = _entries_in(start)
        if is_whole or ended:
            return told
        size *= 4


def _entries_in(start: bytes) -> tuple[Format | None, bool]:
    """What the start of a text tells, and whether more of it could tell anything else."""
    look = Window(_Nothing())
    look.data += start
    try:
        enter_member(look, "log")
    except CannotSplit:
        return None, not look.ended
    if next_character(look) != "{":
        return None, not look.ended
    try:
        enter_member(look, "entries")
    except CannotSplit as lost:
        is_other = NO_MEMBER in str(lost) and b'"startedDateTime"' not in start[:HAR_HEAD]
        return (Format.NONE if is_other else Format.BROKEN_HAR), not look.ended
    return Format.HAR, True


def _looks_like_har(lines: bytes) -> bool:
    """Whether the head of a text has what only the head of a HAR has: one byte of it may be another one."""
    names = set(_HAR_MEMBERS.findall(lines[:HAR_HEAD]))
    return (len(names) > 1 or b"startedDateTime" in names) and not _ENVELOPE.search(lines[:HAR_HEAD])


def _names_log(start: bytes) -> bool:
    return not {b"log", b"creator", b"browser", b"pages"}.isdisjoint(_HAR_MEMBERS.findall(start))


class _Nothing:
    def read(self, size: int, /) -> bytes:
        return b""
