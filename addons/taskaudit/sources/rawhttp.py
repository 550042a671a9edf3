"""Raw HTTP responses, as `curl -i` prints them: heads and bodies, one after the other.

This is not what went over the wire (RFC 9112 would then say where a body ends): curl prints a chunked body
without its chunks, and with `--compressed` a compressed one decoded, below a head that still tells of both.
So a body that plainly is not what its head says is taken as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from hashlib import sha256

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange, stable_id
from taskaudit.sources.captured import Captured, Damage, Reading, excerpt
from taskaudit.sources.identity import request_id
from taskaudit.sources.window import Window

READ_AT_MOST = 64 * 1024 * 1024
"""Bytes, beyond the inspection limit. A file that goes on says so as a damage, unless it is one long body."""

MOST_DAMAGES = 20
"""Bad header lines told of one head."""

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?: ([^\r\n]*))?\r?(?:\n|\Z)")
# In a JSON body no string holds a line break: there, this matches at the next response only.
_NEXT = re.compile(rb"HTTP/\d(?:\.\d)? +\d{3}(?: [^\r\n]*)?\r?\n(?=[\w-]+:|\r?\n)")
_LINE = re.compile(rb"([^\n]*+)\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_JSON_TEXT = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:[{\["]|-?\d)')
_CODINGS = {"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"}


@dataclass(slots=True)
class _Head:
    status: int
    reason: bytes
    fields: dict[str, str] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)
    ended: bool = True

    def passing(self) -> bool:
        """Whether another response may follow for the same request: 1xx, a proxy's tunnel, a redirect."""
        tunnel = self.status == 200 and self.reason.lower().startswith(b"connection established")
        return self.status < 200 or tunnel or (300 <= self.status < 400 and "location" in self.fields)


@dataclass(frozen=True, slots=True)
class _Body:
    start: int
    end: int
    content: bytes
    encoding: str = ""
    missing: Missing | None = None


def read_raw(window: Window, limit: int) -> Reading:
    """The final response of each exchange in a raw text; what leads to it (`passing`) is stepped over.

    Bodies are kept to `limit` + 1 bytes: enough to tell that one is too large.
    """
    window.has(READ_AT_MOST + limit)
    whole = not window.has(READ_AT_MOST + limit + 1)
    text = window.take(READ_AT_MOST + limit)
    fingerprint = sha256(text).hexdigest()
    at = index = last = 0
    if not _STATUS.match(text):
        yield Damage(_place(text, 0), f"expected a status line, found {excerpt(text)}")
        at = _next_start(text, 0)
    while status := _STATUS.match(text, at):
        head, body_at = _head(text, status, index)
        if not (whole or head.ended):
            break
        yield from head.damages
        body = _body(text, body_at, head)
        if not whole and body.end == len(text):
            body = replace(body, missing=None)
        at, last = _skip_space(text, body.end), body.end - body.start
        if not (head.passing() and _STATUS.match(text, at)):
            yield Captured(index, _exchange(head, body, stable_id("raw", fingerprint, index), limit))
            index += 1
        if at < len(text) and not _STATUS.match(text, at):
            yield _trailing(text, at, index - 1)
            at = _next_start(text, at)
    if not whole and last <= limit:
        yield Damage(f"byte {len(text)}", "expected the end, found more than is read of raw responses")


def _head(text: bytes, status: re.Match[bytes], index: int) -> tuple[_Head, int]:
    """The head that starts with a status line, and where its body starts."""
    head = _Head(int(status[1]), status[2] or b"")
    at, last = status.end(), ""
    while line := _LINE.match(text, at):
        content = line[1].removesuffix(b"\r")
        if not content:
            return head, line.end()
        if content[:1] in (b"{", b"["):
            head.damages.append(_bad_line(text, at, content, "an empty line before the body", index))
            return head, at
        if content[:1] in (b" ", b"\t") and last:
            head.fields[last] += " " + _decoded(content.strip())
        elif found := _FIELD.match(content):
            last = _decoded(found[1]).lower()
            value = _decoded(found[2].strip())
            head.fields[last] = f"{head.fields[last]}, {value}" if last in head.fields else value
        elif len(head.damages) < MOST_DAMAGES:
            head.damages.append(_bad_line(text, at, content, "a header line `name: value`", index))
        at = line.end()
    head.ended = False
    head.damages.append(_bad_line(text, at, text[at:], "an empty line after the headers", index))
    return head, len(text)


def _bad_line(text: bytes, at: int, line: bytes, expected: str, index: int) -> Damage:
    return Damage(_place(text, at), f"expected {expected}, found {excerpt(line)}", index)


def _place(text: bytes, at: int) -> str:
    return f"line {1 + text.count(b'\n', 0, at)}, byte {at}"


def _decoded(raw: bytes) -> str:
    # A lone surrogate would make every JSON writer after us raise.
    return raw.decode("utf-8", "replace")


def _body(text: bytes, start: int, head: _Head) -> _Body:
    """The body that starts there, by what the head says as far as that can be true."""
    if head.status < 200 or head.status in (204, 304) or (head.passing() and _STATUS.match(text, start)):
        return _Body(start, start, b"")
    if not head.ended:
        return _Body(start, start, b"", missing=Missing.CUT_SHORT)
    encoding = head.fields.get("content-encoding", "")
    if "chunked" in head.fields.get("transfer-encoding", "").lower() and _CHUNK_SIZE.match(text, start):
        return _chunked(text, start, encoding)
    if _undone(text, start, encoding):
        end = _next_start(text, start)
        return _Body(start, end, text[start:end])
    length = head.fields.get("content-length", "").partition(",")[0]
    if length.isascii() and length.isdigit() and len(length) < 19 and "transfer-encoding" not in head.fields:
        return _measured(text, start, int(length), encoding)
    end = _next_start(text, start)
    return _Body(start, end, text[start:end], encoding)


def _undone(text: bytes, start: int, encoding: str) -> bool:
    """Whether the body is JSON text although the head names codings, all of them known ones."""
    codings = {name.strip().lower() for name in encoding.split(",") if name.strip()} - {"identity"}
    if not codings or not codings <= _CODINGS or text.startswith(_MAGIC, start):
        return False
    return bool(_JSON_TEXT.match(text, start))


def _measured(text: bytes, start: int, length: int, encoding: str) -> _Body:
    """A body with a Content-Length (RFC 9112 §6.2)."""
    end = start + length
    following = _next_start(text, start)
    whole = end <= following or (end <= len(text) and _at_boundary(text, end))
    if whole:
        return _Body(start, end, text[start:end], encoding)
    return _Body(start, following, text[start:following], encoding, Missing.CUT_SHORT)


def _at_boundary(text: bytes, at: int) -> bool:
    at = _skip_space(text, at)
    return at == len(text) or bool(_STATUS.match(text, at))


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


def _trailing(text: bytes, at: int, index: int) -> Damage:
    found = excerpt(text[at : at + 1])
    return Damage(_place(text, at), f"expected the end of the body or another response, found {found}", index)


def _exchange(head: _Head, body: _Body, exchange_id: str, limit: int) -> Exchange:
    return Exchange(
        exchange_id=exchange_id,
        answer=Answer(
            body=body.content[: limit + 1],
            status=head.status,
            headers_known=True,
            content_type=head.fields.get("content-type"),
            content_encoding=body.encoding,
            missing=body.missing,
        ),
        request_id=request_id((head.fields,)),
    )
