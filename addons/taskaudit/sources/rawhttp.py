"""Raw HTTP responses, as `curl -i` prints them: heads and bodies, one after the other; and with their
requests, as `http -v` prints them, and `curl -v` when its marks are taken off (`transcript.py`).

This is not what went over the wire (RFC 9112 would then say where a body ends): curl prints a chunked body
without its chunks, and with `--compressed` a compressed one decoded, below a head that still tells of both;
HTTPie prints JSON anew. So a body that plainly is not what its head says is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import msgspec

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Damage, Reading, excerpt
from taskaudit.sources.identity import request_id, split_url
from taskaudit.sources.window import Window

READ_AT_MOST = 64 * 1024 * 1024
"""Bytes, beyond the inspection limit. A file that goes on says so as a damage, unless it is one long body."""

MOST_DAMAGES = 20
"""Bad header lines told of one head."""

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?: ([^\r\n]*))?\r?(?:\n|\Z)")
# In a JSON body no string holds a line break: there, this matches at the next response only.
_REQUEST = re.compile(rb"([A-Z]{3,10}) ([^\s]+) HTTP/\d(?:\.\d)?\r?\n(?=[\w-]+:|\r?\n)")
_NEXT = re.compile(
    rb"HTTP/\d(?:\.\d)? +\d{3}(?: [^\r\n]*)?\r?\n(?=[\w-]+:|\r?\n)|(?<![^\n])" + _REQUEST.pattern
)
_LINE = re.compile(rb"([^\n]*+)\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
# HTTPie: "NOTE: binary data not shown in terminal", in a frame.
_BINARY = b"+-----------------------------------------+"
_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_JSON_TEXT = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:[{\["]|-?\d)')
_CODINGS = {"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"}


@dataclass(slots=True)
class _Head:
    status: int = 0
    reason: bytes = b""
    fields: dict[str, str] = field(default_factory=dict)
    damages: list[tuple[int, str]] = field(default_factory=list)
    """Where, and what is wrong."""
    ended: bool = True

    def passing(self) -> bool:
        """Whether another response may follow for the same request: 1xx, a proxy's tunnel, a redirect."""
        tunnel = self.status == 200 and self.reason.lower().startswith(b"connection established")
        return self.status < 200 or tunnel or (300 <= self.status < 400 and "location" in self.fields)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Body:
    start: int
    end: int
    content: bytes
    encoding: str = ""
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """What a client printed. `lines`: which line of the source each is, where some are left out.

    `unseen`: the places of the responses whose bodies went elsewhere. `whole`: whether the text is all.
    """

    text: bytes
    whole: bool = True
    lines: Sequence[int] = ()
    unseen: frozenset[int] = frozenset()

    def place(self, at: int) -> str:
        """`line 3, byte 120`, for a message."""
        number = self.text.count(b"\n", 0, at)
        if self.lines:  # The end of the text lies behind its last line.
            return f"line {self.lines[min(number, len(self.lines) - 1)]}"
        return f"line {1 + number}, byte {at}"


def taken(window: Window, limit: int) -> Printed:
    """What is read of a text, and whether that is all of it."""
    whole = not window.has(READ_AT_MOST + limit + 1)
    return Printed(window.take(READ_AT_MOST + limit), whole)


def read_raw(printed: Printed, limit: int) -> Reading:
    """The final response of each exchange in a raw text; what leads to it (`passing`) is stepped over.

    Bodies are kept to `limit` + 1 bytes: enough to tell that one is too large.
    """
    text, at = printed.text, 0
    reader = _Reader(printed, limit, sha256(text).hexdigest())
    if not _begins(text, 0):
        yield Damage(printed.place(0), f"expected a status line, found {excerpt(text)}")
        at = _next_start(text, 0)
    while _begins(text, at):
        if line := _REQUEST.match(text, at):
            yield from reader.unanswered()
            reader.request, at = _request(text, line)
            continue
        after = yield from reader.response(at)
        if after is None:
            break
        if (at := _skip_space(text, after)) < len(text) and not _begins(text, at):
            # Among the remarks of curl there may be others, such as those of a shell.
            if not printed.lines:
                yield _trailing(printed, at, reader.index - 1)
            at = _next_start(text, at)
    yield from reader.unanswered()
    if not printed.whole and reader.last <= limit:
        yield Damage(f"byte {len(text)}", "expected the end, found more than is read of raw responses")


@dataclass(slots=True)
class _Reader:
    """Where reading is: the request without a response yet, the number of exchanges, the size of the last."""

    printed: Printed
    limit: int
    fingerprint: str
    request: _Request | None = None
    index: int = 0
    last: int = 0

    @property
    def _is_reprinted(self) -> bool:
        """Whether bodies may have been printed anew, as HTTPie does; curl, which has its marks, does not."""
        return self.request is not None and not self.printed.lines

    def unanswered(self) -> Iterator[Captured]:
        """The exchange of a request that no response has followed."""
        if self.request:
            yield self._captured(None, {})

    def response(self, at: int) -> Generator[Captured | Damage, None, int | None]:
        """The exchange that a response ends, if it does; gives back where it ends, None at the limit."""
        printed = self.printed
        head, body_at = _head(printed.text, at)
        if not (printed.whole or head.ended):
            return None
        yield from (Damage(printed.place(where), said, self.index) for where, said in head.damages)
        body = _body(printed.text, body_at, head, self.request, is_reprinted=self._is_reprinted)
        if not printed.whole and body.end == len(printed.text):
            body = replace(body, missing=None)
        is_unseen = at in printed.unseen or (self.request is not None and body.missing is not None)
        if is_unseen and not body.content.strip():
            body = replace(body, content=b"", missing=Missing.NOT_CAPTURED)
        self.last = body.end - body.start
        if self.request and self.request.method == "CONNECT":
            self.request = None
        elif not (head.passing() and _begins(printed.text, _skip_space(printed.text, body.end))):
            yield self._captured(_answer(head, body, self.limit), head.fields)
        elif head.status >= 200:
            self.request = None
        return body.end

    def _captured(self, answer: Answer | None, answered: dict[str, str]) -> Captured:
        exchange_id = stable_id("raw", self.fingerprint, self.index)
        captured = Captured(self.index, _exchange(self.request, answer, exchange_id, answered))
        self.request, self.index = None, self.index + 1
        return captured


def _begins(text: bytes, at: int) -> bool:
    """Whether a response or a request begins there."""
    return bool(_STATUS.match(text, at) or _REQUEST.match(text, at))


def _request(text: bytes, line: re.Match[bytes]) -> tuple[_Request, int]:
    """The request that begins with a request line, and where what follows its body begins."""
    head, at = _with_fields(_Head(), text, line.end())
    after = _skip_space(text, at)
    request = _Request(_decoded(line[1]), _decoded(line[2]), head.fields)
    return request, after if _STATUS.match(text, after) else _next_start(text, at)


def _head(text: bytes, at: int) -> tuple[_Head, int]:
    """The head that starts with a status line there, and where its body starts."""
    status = _STATUS.match(text, at)
    if status is None:
        return _Head(ended=False), len(text)
    return _with_fields(_Head(int(status[1]), status[2] or b""), text, status.end())


def _with_fields(head: _Head, text: bytes, at: int) -> tuple[_Head, int]:
    """The head with the header lines from a place on, and where its body starts."""
    last = ""
    while line := _LINE.match(text, at):
        content = line[1].removesuffix(b"\r")
        if not content:
            return head, line.end()
        if content[:1] in (b"{", b"["):
            head.damages.append(_bad_line(at, content, "an empty line before the body"))
            return head, at
        if content[:1] in (b" ", b"\t") and last:
            head.fields[last] += " " + _decoded(content.strip())
        elif found := _FIELD.match(content):
            last = _decoded(found[1]).lower()
            value = _decoded(found[2].strip())
            head.fields[last] = f"{head.fields[last]}, {value}" if last in head.fields else value
        elif len(head.damages) < MOST_DAMAGES:
            head.damages.append(_bad_line(at, content, "a header line `name: value`"))
        at = line.end()
    head.ended = False
    head.damages.append(_bad_line(at, text[at:], "an empty line after the headers"))
    return head, len(text)


def _bad_line(at: int, line: bytes, expected: str) -> tuple[int, str]:
    return at, f"expected {expected}, found {excerpt(line)}"


def _decoded(raw: bytes) -> str:
    # A lone surrogate would make every JSON writer after us raise.
    return raw.decode("utf-8", "replace")


def _body(text: bytes, start: int, head: _Head, request: _Request | None, *, is_reprinted: bool) -> _Body:
    """The body that starts there, by what the head says as far as that can be true."""
    has_none = head.status < 200 or head.status in (204, 304) or (request and request.method == "HEAD")
    if has_none or (head.passing() and _begins(text, start)):
        return _Body(start, start, b"")
    if not head.ended:
        return _Body(start, start, b"", missing=Missing.CUT_SHORT)
    if is_reprinted and text.startswith(_BINARY, start):
        return _Body(start, _next_start(text, start), b"", missing=Missing.NOT_CAPTURED)
    encoding = head.fields.get("content-encoding", "")
    if "chunked" in head.fields.get("transfer-encoding", "").lower() and _CHUNK_SIZE.match(text, start):
        return _chunked(text, start, encoding)
    if _undone(text, start, encoding):
        end = _next_start(text, start)
        return _Body(start, end, text[start:end])
    length = head.fields.get("content-length", "").partition(",")[0]
    if length.isascii() and length.isdigit() and len(length) < 19 and "transfer-encoding" not in head.fields:
        return _measured(text, start, int(length), encoding, is_reprinted=is_reprinted)
    end = _next_start(text, start)
    return _Body(start, end, text[start:end], encoding)


def _undone(text: bytes, start: int, encoding: str) -> bool:
    """Whether the body is JSON text although the head names codings, all of them known ones."""
    codings = {name.strip().lower() for name in encoding.split(",") if name.strip()} - {"identity"}
    if not codings or not codings <= _CODINGS or text.startswith(_MAGIC, start):
        return False
    return bool(_JSON_TEXT.match(text, start))


def _measured(text: bytes, start: int, length: int, encoding: str, *, is_reprinted: bool) -> _Body:
    """A body with a Content-Length (RFC 9112 §6.2), unless it has been printed anew.

    A text that is longer, and JSON only as a whole, has been; a shorter one can only be where requests are
    printed, too, as `curl -i` never does.
    """
    end = start + length
    following = _next_start(text, start)
    measured, printed = text[start:end], text[start:following]
    may_be = is_reprinted if end > following else not _is_json(measured)
    if may_be and _is_json(printed):
        return _Body(start, following, printed.strip(), encoding)
    whole = end <= following or (end <= len(text) and _at_boundary(text, end))
    if whole:
        return _Body(start, end, measured, encoding)
    return _Body(start, following, printed, encoding, Missing.CUT_SHORT)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _at_boundary(text: bytes, at: int) -> bool:
    at = _skip_space(text, at)
    return at == len(text) or _begins(text, at)


def _chunked(text: bytes, start: int, encoding: str) -> _Body:
    """A body still in chunks (RFC 9112 §7.1), with the line ends of the wire or lone line feeds."""
    content = bytearray()
    at = start
    while size := _CHUNK_SIZE.match(text, at):
        at = size.end()
        length = int(size[1], 16)
        if not length:
            return _Body(start, _after_trailers(text, at), bytes(content), encoding)
        content += text[at : at + length]
        at += length
        if at > len(text):
            break
        at += len(_EOL.match(text, at)[0])  # type: ignore[index]
    end = min(at, len(text))
    return _Body(start, end, bytes(content), encoding, Missing.CUT_SHORT)


_SPACE = re.compile(rb"[ \t\r\n]*+")
_EOL = re.compile(rb"(?:\r?\n)?")
_TRAILERS = re.compile(rb"(?:[\w-]+:[^\n]*\n)*(?:\r?\n)?")


def _after_trailers(text: bytes, at: int) -> int:
    found = _TRAILERS.match(text, at)
    return found.end() if found else at


def _next_start(text: bytes, at: int) -> int:
    found = _NEXT.search(text, at)
    return found.start() if found else len(text)


def _skip_space(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _trailing(printed: Printed, at: int, index: int) -> Damage:
    found = excerpt(printed.text[at : at + 1])
    said = f"expected the end of the body or another response, found {found}"
    return Damage(printed.place(at), said, index)


def _answer(head: _Head, body: _Body, limit: int) -> Answer:
    return Answer(
        body=body.content[: limit + 1],
        status=head.status,
        headers_known=True,
        content_type=head.fields.get("content-type"),
        content_encoding=body.encoding,
        missing=body.missing,
    )


def _exchange(
    request: _Request | None, answer: Answer | None, exchange_id: str, answered: dict[str, str]
) -> Exchange:
    if request is None:
        return Exchange(exchange_id, answer, request_id=request_id((answered,)), is_printed=True)
    target = request.target
    url = split_url(target if "://" in target else f"//{request.fields.get('host', '')}{target}")
    return Exchange(
        exchange_id=exchange_id,
        answer=answer,
        method=request.method,
        host=url.host or None,
        path=url.path,
        query=url.query,
        request_id=request_id((answered, request.fields)),
        request_type=request.fields.get("content-type"),
        request_headers=tuple(request.fields),
        is_printed=True,
    )
