"""Debug logs of Terraform's providers for these clouds: requests and answers among much else.

The providers (huaweicloud, sbercloud, flexibleengine, opentelekomcloud) write the parts of an exchange by
Go's logger: `[DEBUG] API Request URL: POST https://...`, `API Request Headers:`, `API Request Body:`,
`API Response Code:` and so on; some say OpenStack for API. Newer ones log all of it once the answer is there,
below an id, `[1706090989078-9]`, whose first part is when the request began, in ms. Terraform puts its own
time and the provider's name before each message, or before each line of it (0.14 and older), or wraps it in
JSON (TF_LOG=JSON). Bodies are printed anew, indented, with secrets as `***`.

Without an id, nothing but its content tells whose answer one is where several requests are under way.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, moment
from taskaudit.sources.identity import request_digest, request_id, split_url
from taskaudit.sources.window import Window

MOST_OPEN = 500
"""Requests that wait for their answers; beyond it, the oldest is given up."""
LONGEST_LINE = 16 * 1024 * 1024
_ROOM = 64 * 1024
"""Bytes of a message beyond the inspection limit: what stands around a body."""

_LEVEL = rb"\[(?:TRACE|DEBUG|INFO|WARN|ERROR)\]"
_OUTER = re.compile(
    rb"(?:\d{4}-\d\d-\d\dT\S+Z )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) %s +"
    rb"(?:((?:provider|plugin)\.[^\s:]+): )?(?:plugin: [^\s:]+: )?" % _LEVEL
)
_INNER = re.compile(rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?:%s )?" % _LEVEL)
_PART = re.compile(
    rb"(?:%s )?(?:\[(\d{10,16})-(\d{1,12})\] )?[A-Za-z]{2,20} (request|response) (url|headers|code|body): ?"
    % _LEVEL,
    re.IGNORECASE,
)
_NOT_LOGGED = re.compile(rb"(?:%s )?(?:\[(\d{10,16})-(\d{1,12})\] )?Not logging because" % _LEVEL)
_HEADERS = re.compile(rb"\n[A-Za-z]{2,20} (?:request|response) headers:\n?", re.IGNORECASE)
_JSON_LINE = re.compile(rb'\{ ?"@')
_DETAILS = re.compile(rb': ((?:@?[\w.]++=(?:"(?:[^"\\]++|\\.)*+"|[^\s"]*+)(?: |$))++)$')
_LONGEST_DETAILS = 4096
_FIELD = re.compile(rb"([\w-]+): ?(.*)")
# As a body is printed; what Terraform prints for people may follow it.
_INDENTED = re.compile(rb"\{\n(?:[ \t][^\n]*+\n)*+\}|\[\n(?:[ \t][^\n]*+\n)*+\]")
_REQUEST = re.compile(rb"([A-Za-z]{3,10}) (\S+)")


@dataclass(slots=True)
class _Message:
    """What was logged at once."""

    line: int
    at: float | None
    text: bytearray
    by_line: bool
    """Whether Terraform puts its time and the provider's name before each line."""
    ended: bool = False


@dataclass(slots=True)
class _Asked:
    index: int
    line: int
    method: str
    url: str
    started: float | None
    log_id: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    body: bytes | None = None
    answer: Answer | None = None
    answered: dict[str, str] = field(default_factory=dict)
    ended: float | None = None
    is_done: bool = False


@dataclass(slots=True)
class _Answered:
    line: int
    log_id: bytes | None
    status: int | None = None
    headers: dict[str, str] | None = None
    body: bytes | None = None
    ended: float | None = None


def read_debug_log(window: Window, limit: int, passes_by: PassesBy) -> Reading:
    """The exchanges of a debug log, in the order of their requests, with their times.

    An answer whose request is not in the log is a damage; one that may be that of several requests leaves
    these without a body. Bodies are kept to `limit` + 1 bytes.
    """
    reader = _Reader(limit)
    for message in _messages(window, limit + _ROOM):
        yield from reader.take(message)
        yield from _given(reader.finished(), passes_by)
    yield from reader.end()
    yield from _given(reader.finished(), passes_by)
    if reader.is_empty:
        said = "expected requests of a provider in a log, found none: set TF_LOG=DEBUG and OS_DEBUG=1"
        yield Damage("", said)


def _given(finished: Iterator[_Asked], passes_by: PassesBy) -> Iterator[Captured]:
    for asked in finished:
        exchange = _exchange(asked)
        if not passes_by(asked.method, exchange.path or "", exchange.query):
            yield Captured(asked.index, exchange)


# Lines to messages.


def _messages(window: Window, longest: int) -> Iterator[_Message]:
    """What the providers logged; each is given when the next one of its provider begins, or at the end."""
    open_by: dict[bytes, _Message] = {}
    last: _Message | None = None
    for number, line in enumerate(_lines(window), 1):
        begun = _begun(line, number)
        if begun is None:
            if last and not last.ended:
                _append(last, line, longest)
            continue
        module, message = begun
        before = open_by.get(module)
        if before and before.by_line and not message.by_line and not _PART.match(message.text):
            _append(before, bytes(message.text), longest)
            last = None
            continue
        if before:
            yield open_by.pop(module)
        last = message
        if len(open_by) < MOST_OPEN:
            open_by[module] = message
        _strip_details(message)
    yield from open_by.values()


def _lines(window: Window) -> Iterator[bytes]:
    while window.has(1):
        end = window.data.find(b"\n", window.at)
        while end < 0 and len(window.data) - window.at < LONGEST_LINE:
            searched = len(window.data) - window.at
            if not window.more():
                break
            end = window.data.find(b"\n", window.at + searched)
        yield window.take(
            (end + 1 if end >= 0 else min(len(window.data), window.at + LONGEST_LINE)) - window.at
        )


def _begun(line: bytes, number: int) -> tuple[bytes, _Message] | None:
    """The message that a line begins, and who logged it; None where the line goes on with one."""
    if _JSON_LINE.match(line):
        return _from_json(line, number)
    line = line.rstrip(b"\r\n")
    outer = _OUTER.match(line)
    inner = _INNER.match(line, outer.end() if outer else 0)
    if not (outer or inner) and (not _PART.match(line) or _HEADERS.match(b"\n" + line)):
        # Headers without a time before them go with what they are of.
        return None
    begin = inner.end() if inner else outer.end() if outer else 0
    at = _time(outer[1]) if outer else _time(inner[1].replace(b"/", b"-")) if inner else None
    module = outer[2] or b"" if outer else b""
    message = _Message(number, at, bytearray(line[begin:]), by_line=bool(outer and inner))
    return module, message


def _from_json(line: bytes, number: int) -> tuple[bytes, _Message] | None:
    try:
        logged = _JSON.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return b"", _Message(number, None, bytearray(), by_line=False, ended=True)
    text = logged.message.encode()
    inner = _INNER.match(text)
    message = _Message(
        number, _time(logged.timestamp.encode()), bytearray(text[inner.end() if inner else 0 :]), False
    )
    message.ended = True
    return logged.module.encode(), message


class _Logged(msgspec.Struct):
    message: str = msgspec.field(name="@message", default="")
    module: str = msgspec.field(name="@module", default="")
    timestamp: str = msgspec.field(name="@timestamp", default="")


_JSON = msgspec.json.Decoder(_Logged)


def _append(message: _Message, line: bytes, longest: int) -> None:
    if len(message.text) < longest:
        message.text += b"\n" + line.rstrip(b"\r\n")
        _strip_details(message)


def _strip_details(message: _Message) -> None:
    """Takes off what Terraform puts behind a message, `: timestamp=...`, which ends it."""
    text = message.text
    start = max(text.rfind(b"\n") + 1, len(text) - _LONGEST_DETAILS)
    if (found := _DETAILS.search(text, start)) and b"timestamp=" in found[1]:
        del text[found.start() :]
        message.ended = True


def _time(written: bytes) -> float | None:
    """Go's logger writes local time without saying which: what matters is how far times are apart."""
    try:
        then = datetime.fromisoformat(written.decode())
        return moment((then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


# Messages to exchanges.


class _Reader:
    """Puts requests and answers together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._asked: deque[_Asked] = deque()
        self._answered: list[_Answered] = []
        self._count = 0
        self._last: _Asked | None = None
        self._left_over = False

    def take(self, message: _Message) -> Iterator[Damage]:
        """Takes a message in; gives the damage of an answer that has no request."""
        text = bytes(message.text)
        if part := _PART.match(text):
            log_id = _log_id(part)
            rest = text[part.end() :]
            match part[3].lower(), part[4].lower():
                case b"request", b"url":
                    self._begin(message, rest, log_id)
                case b"request", what:
                    self._add_to_request(what, rest, log_id)
                case _, what:
                    yield from self._add_to_answer(message, what, rest, log_id)
        elif (found := _NOT_LOGGED.match(text)) and b"response" in text[:200]:
            for answered in [each for each in self._answered if each.log_id == _log_id(found)][:1]:
                yield from self._complete(answered)

    def _begin(self, message: _Message, rest: bytes, log_id: bytes | None) -> None:
        line, _, headers = _with_headers(rest)
        found = _REQUEST.match(line)
        if not found:
            return
        started = message.at
        if log_id:
            started = moment(int(log_id.partition(b"-")[0]) / 1000)
        self._last = _Asked(
            self._count, message.line, _text(found[1]).upper(), _text(found[2]), started, log_id
        )
        self._set_headers(self._last, headers)
        self._count += 1
        self._asked.append(self._last)
        if len(self._asked) > MOST_OPEN:
            self._asked[0].is_done = True

    @staticmethod
    def _set_headers(asked: _Asked, lines: bytes) -> None:
        named = _named(lines)
        asked.headers = {name.lower(): value for name, value in named}
        asked.names = tuple(name for name, _ in named)

    def _add_to_request(self, what: bytes, rest: bytes, log_id: bytes | None) -> None:
        """To the last one: a request is logged in one go."""
        asked = (
            next((each for each in reversed(self._asked) if each.log_id == log_id), None)
            if log_id
            else self._last
        )
        if asked is None:
            return
        if what == b"body":
            asked.body = rest
        else:
            self._set_headers(asked, rest)

    def _add_to_answer(
        self, message: _Message, what: bytes, rest: bytes, log_id: bytes | None
    ) -> Iterator[Damage]:
        waiting = [each for each in self._answered if each.log_id == log_id]
        line, has_headers, headers = _with_headers(rest) if what == b"code" else (b"", False, rest)
        if what == b"code" or not waiting:
            answered = _Answered(message.line, log_id)
            self._answered.append(answered)
            if what == b"code" and line.strip().isdigit() and len(line.strip()) == 3:
                answered.status = int(line)
        elif what == b"headers":
            answered = next((each for each in waiting if each.headers is None), waiting[-1])
        else:
            answered = waiting[0]
        answered.ended = message.at
        if what == b"body":
            printed = _INDENTED.match(rest)
            answered.body = (printed[0] if printed else rest)[: self._limit + 1]
            yield from self._complete(answered)
        elif what == b"headers" or has_headers:
            answered.headers = {name.lower(): value for name, value in _named(headers)}
            # Below an id, a line on the body follows in any case.
            if not log_id and (_has_no_body(answered) or _body_is_not_logged(answered)):
                yield from self._complete(answered)

    def _complete(self, answered: _Answered) -> Iterator[Damage]:
        self._answered.remove(answered)
        if answered.body is None and _has_no_body(answered):
            answered.body = b""
        waiting = [each for each in self._asked if not each.is_done and each.answer is None]
        asked = _whose(answered, waiting)
        if asked is not None:
            asked.answer, asked.answered = _answer(answered), answered.headers or {}
            asked.ended, asked.is_done = answered.ended, True
        elif waiting:
            self._left_over = True
        else:
            yield Damage(f"line {answered.line}", "expected the request of an answer before it, found none")

    @property
    def is_empty(self) -> bool:
        """Whether the log has shown no request."""
        return not self._count

    def end(self) -> Iterator[Damage]:
        """The log has ended: what still waits will get no more."""
        for answered in list(self._answered):
            yield from self._complete(answered)
        for asked in self._asked:
            if asked.answer is None and self._left_over:
                asked.answer = Answer(b"", missing=Missing.NOT_CAPTURED)
            asked.is_done = True

    def finished(self) -> Iterator[_Asked]:
        """The requests that have their answers, up to the first that has none."""
        while self._asked and self._asked[0].is_done:
            yield self._asked.popleft()


def _log_id(part: re.Match[bytes]) -> bytes | None:
    """The id of an exchange. Where it ends in 0, it is that of a client that counts none."""
    return part[1] + b"-" + part[2] if part[1] and part[2].strip(b"0") else None


def _with_headers(text: bytes) -> tuple[bytes, bool, bytes]:
    """The first line of a message, whether headers follow in the same one, and these."""
    found = _HEADERS.search(text)
    return (text[: found.start()], True, text[found.end() :]) if found else (text, False, b"")


def _named(lines: bytes) -> list[tuple[str, str]]:
    found = (_FIELD.fullmatch(line.strip()) for line in lines.split(b"\n"))
    return [(_text(each[1]), _text(each[2])) for each in found if each]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _has_no_body(answered: _Answered) -> bool:
    return answered.status in (204, 205, 304) or (answered.headers or {}).get("content-length") == "0"


def _body_is_not_logged(answered: _Answered) -> bool:
    """Bodies that are not JSON are not, nor is the catalogue of services that comes with a token."""
    headers = answered.headers or {}
    return "x-subject-token" in headers or "json" not in headers.get("content-type", "json")


def _whose(answered: _Answered, waiting: list[_Asked]) -> _Asked | None:
    """Whose answer this is; None where nothing tells."""
    if answered.log_id:
        return next((each for each in waiting if each.log_id == answered.log_id), None)
    waiting = [each for each in waiting if not each.log_id]
    if len(waiting) < 2:
        return waiting[0] if waiting else None
    try:
        body = msgspec.json.decode(answered.body or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = None
    return next(_by_content(body, answered.status, waiting), None) if isinstance(body, dict) else None


def _by_content(body: dict[str, object], status: int | None, waiting: list[_Asked]) -> Iterator[_Asked]:
    """The requests that this may answer, the likeliest first."""
    asking = [each for each in waiting if each.method in ("GET", "HEAD")]
    changing = [each for each in waiting if each not in asking]
    job_id = body.get("job_id")
    if isinstance(job_id, str) and job_id:
        yield from (each for each in asking if job_id in each.url)
        if "status" not in body:
            yield from changing
    elif "error" in body:
        yield from (*asking, *changing) if status == 404 else (*changing, *asking)
    else:
        yield from (each for each in waiting if any(_is_about(each.url, name) for name in body))


def _is_about(url: str, name: str) -> bool:
    """Whether a path is that of what a member of the answer is called: `/servers/1` of `server`."""
    segments = url.partition("?")[0].replace("-", "_").split("/")
    return bool({name, f"{name}s", name.removesuffix("s")} & set(segments))


def _answer(answered: _Answered) -> Answer:
    headers = answered.headers
    return Answer(
        body=answered.body or b"",
        status=answered.status,
        headers_known=headers is not None,
        content_type=(headers or {}).get("content-type"),
        missing=Missing.NOT_CAPTURED if answered.body is None else None,
    )


def _exchange(asked: _Asked) -> Exchange:
    url = split_url(asked.url)
    digest = None
    if asked.body is not None or asked.method in ("GET", "HEAD", "DELETE"):
        digest = request_digest(asked.method, url.host, url.port, url.target, asked.body or b"")
    return Exchange(
        exchange_id=stable_id("terraform", asked.started, asked.method, asked.url, asked.log_id, asked.index),
        answer=asked.answer,
        method=asked.method,
        host=url.host,
        path=url.path,
        query=url.query,
        request_id=request_id((asked.answered, asked.headers)),
        scheme=url.scheme,
        port=url.port if url.host else None,
        request_digest=digest,
        request_type=asked.headers.get("content-type"),
        request_headers=asked.names,
        started=asked.started,
        ended=asked.ended or asked.started,
    )
