"""Reading a body: coding, charset, JSON. What is wrong on the way becomes TA0xx."""

from __future__ import annotations

import codecs
import re
from functools import partial
from typing import Any, NamedTuple, NoReturn

from jiter import from_json

from taskaudit.contract import coding
from taskaudit.contract.answer import Allowance, Answer, Missing
from taskaudit.contract.excerpt import char_name, describe, json_type
from taskaudit.contract.places import duplicates
from taskaudit.contract.rules.body import (
    TA001,
    TA002,
    TA003,
    TA004,
    TA005,
    TA006,
    TA007,
    TA008,
    TA009,
    TA010,
)
from taskaudit.contract.rules.error import is_html_page
from taskaudit.contract.rules.rule import Fault
from taskaudit.contract.verdict import MAX_FINDINGS_PER_RULE


class Body(NamedTuple):
    """What was read. `text` is None where not even a text could be had, `value` where no JSON object.

    `accepted` tells the empty body of a route that allows it. `omitted` counts duplicate members
    beyond the most that are listed.
    """

    faults: tuple[Fault, ...]
    text: str | None = None
    value: dict[str, Any] | None = None
    accepted: bool = False
    omitted: int = 0


class _Unreadable(Exception):
    """Carries the one fault that made the body unreadable; never leaves this module."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.rule.code)
        self.fault = fault


# Headers are not recorded: a media type is only shown where it is one of those that are met in practice.
_KNOWN_TYPES = frozenset(
    {
        "application/javascript",
        "application/octet-stream",
        "application/text",
        "application/x-www-form-urlencoded",
        "application/xml",
        "binary/octet-stream",
        "text/html",
        "text/javascript",
        "text/json",
        "text/plain",
        "text/xml",
    }
)
_PLAIN_TYPES = frozenset(
    {
        "application/json",
        "application/json;charset=utf-8",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=UTF-8",
    }
)
_BOM = codecs.BOM_UTF8
_JSON_SPACE = b" \t\n\r"
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE | re.ASCII)
# Python codecs that are charsets: the others are transformations, and some are slow on hostile text.
_CODEC = re.compile(r"utf-(?:16|32)|gb|big5|euc|shift|iso|cp\d|koi|hz|johab|ascii|latin|tis|mac")
# RFC 8259: no NaN, no Infinity; and it names a repeated member. Values seldom come twice, names do.
_strict = partial(from_json, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
_JITER_PLACE = re.compile(r" at line (\d+) column (\d+)$")


def read_body(answer: Answer, allowance: Allowance, limit: int) -> Body:
    """The JSON object in `answer`, with all TA0xx that apply; never raises."""
    return _plain(answer, limit) or read_carefully(answer, allowance, limit)


def _plain(answer: Answer, limit: int) -> Body | None:
    """What nearly all answers are, read at once: a JSON object as it should be sent. None for any other."""
    raw = answer.body
    if answer.content_encoding or answer.missing is not None or len(raw) > limit:
        return None
    if answer.headers_known and answer.content_type not in _PLAIN_TYPES:
        return None
    try:
        value, text = _strict(raw), raw.decode()
    except ValueError:
        return None
    return Body((), text, value) if type(value) is dict else None


def read_carefully(answer: Answer, allowance: Allowance, limit: int) -> Body:
    """As `read_body`, whatever the answer is."""
    reader = _Reader(answer, allowance, limit)
    try:
        return reader.read()
    except _Unreadable as unreadable:
        return reader.body(unreadable.fault)


class _Reader:
    """One reading: keeps the faults that stand beside whatever else there is, and the text so far."""

    def __init__(self, answer: Answer, allowance: Allowance, limit: int) -> None:
        self.answer = answer
        self.allowance = allowance
        self.limit = limit
        self.beside: list[Fault] = []
        self.text: str | None = None
        self.omitted = 0

    def body(self, fault: Fault | None = None, value: dict[str, Any] | None = None) -> Body:
        faults = (*self.beside, fault) if fault else tuple(self.beside)
        return Body(faults, self.text, value, omitted=self.omitted)

    def read(self) -> Body:
        raw = self.decoded()
        if raw.startswith(_BOM):
            raw = raw[len(_BOM) :]
            self.beside.append(TA010.at("", "no byte order mark", "byte order mark U+FEFF", offset=0))
        if not raw.strip(_JSON_SPACE):
            if self.answer.status in self.allowance.empty_statuses:
                return Body(tuple(self.beside), accepted=True)
            raise _Unreadable(TA001.at("", "a JSON object", "nothing"))
        utf8 = self.to_utf8(raw)
        value = self.parsed(utf8)
        if not isinstance(value, dict):
            return self.body(TA008.at("", "Object", _not_object(value)))
        self.check_content_type()
        return self.body(value=value)

    def decoded(self) -> bytes:
        """The body's bytes, with the Content-Encoding undone."""
        answer = self.answer
        if answer.missing is Missing.STREAMED:
            raise _Unreadable(TA003.at("", "a body to inspect", "a body that was streamed past the audit"))
        if answer.missing is Missing.NOT_CAPTURED:
            raise _Unreadable(TA003.at("", "a body to inspect", "a body that the capture did not keep"))
        if answer.missing is Missing.CUT_SHORT:
            self.text = (
                answer.body[: self.limit].decode("utf-8", "replace") if not answer.content_encoding else None
            )
            found = f"an HTTP message that ends after {len(answer.body)} bytes of its body"
            offset = None if self.text is None else len(self.text)
            raise _Unreadable(TA006.at("", "the whole HTTP message", found, offset=offset))
        if len(answer.body) > self.limit:
            raise _Unreadable(TA003.at("", f"at most {self.limit} bytes", "a larger body"))
        try:
            return coding.undo(answer.body, answer.content_encoding, self.limit)
        except coding.Undecodable as undecodable:
            raise _Unreadable(
                TA002.at("", "a body in the Content-Encoding it names", undecodable.found)
            ) from undecodable

    def to_utf8(self, raw: bytes) -> bytes:
        """The text in UTF-8, whatever it came in; sets `text`."""
        charset = self.declared_charset()
        try:
            self.text = raw.decode("utf-8")
            if charset is None or b"\0" not in raw:
                return raw
            first_wrong = 0  # A NUL never stands in a JSON text: this is UTF-16 or UTF-32.
        except UnicodeDecodeError as error:
            first_wrong = error.start
            if error.reason == "unexpected end of data" and _ends_early(raw[:first_wrong]):
                self.text = raw[:first_wrong].decode("utf-8")
                return raw[:first_wrong]
        return self.from_charset(raw, charset, first_wrong)

    def from_charset(self, raw: bytes, charset: str | None, first_wrong: int) -> bytes:
        for name in filter(None, (charset, "gb18030")):
            try:
                self.text = raw.decode(name)
                self.text.encode("utf-8")
            except UnicodeError:
                self.text = None
                continue
            offset = len(raw[:first_wrong].decode("utf-8", "replace"))
            self.beside.append(TA004.at("", "UTF-8", f"text in {name}", offset=offset))
            return self.text.encode("utf-8")
        raise _Unreadable(TA004.at("", "UTF-8", f"byte 0x{raw[first_wrong]:02X} that no charset explains"))

    def declared_charset(self) -> str | None:
        """The codec of the charset that Content-Type names, unless that is UTF-8 or unknown."""
        named = _CHARSET.search(self.answer.content_type or "")
        if named is None:
            return None
        try:
            name = codecs.lookup(named[1]).name
        except LookupError:
            return None
        return name if _CODEC.match(name) else None

    def parsed(self, utf8: bytes) -> Any:
        try:
            return _strict(utf8)
        except ValueError as error:
            if not str(error).startswith("Detected duplicate key"):
                self.not_json(utf8, str(error))
        self.note_duplicates()
        try:
            return from_json(utf8, allow_inf_nan=False)
        except ValueError as error:
            self.not_json(utf8, str(error))

    def note_duplicates(self) -> None:
        assert self.text is not None
        found, self.omitted = duplicates(self.text, MAX_FINDINGS_PER_RULE)
        for pointer, name in found:
            self.beside.append(
                TA007.at(pointer, "each member once", "member named a second time", offset=name.start)
            )

    def not_json(self, utf8: bytes, reason: str) -> NoReturn:
        assert self.text is not None
        if reason.startswith("EOF"):
            end = len(self.text.rstrip(_JSON_SPACE.decode()))
            raise _Unreadable(TA006.at("", "the rest of the JSON text", "the end of the text", offset=end))
        offset = _offset(utf8, reason)
        if is_html_page(self.text):
            raise _Unreadable(TA005.at("", "one JSON text", "an HTML page", offset=offset))
        what = _JITER_PLACE.sub("", reason)
        at = char_name(self.text[offset]) if offset < len(self.text) else "the end of the text"
        raise _Unreadable(TA005.at("", "one JSON text", f"{at}: {what}", offset=offset))

    def check_content_type(self) -> None:
        if not self.answer.headers_known:
            return
        media_type = (self.answer.content_type or "").split(";", 1)[0].strip(" \t").lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            shown = media_type if media_type in _KNOWN_TYPES else "of another kind"
            found = f"Content-Type {shown}" if media_type else "no Content-Type"
            self.beside.append(TA009.at("", "Content-Type application/json", found))


def _not_object(value: object) -> str:
    """Its JSON type only: a text that is no member at all is named by nothing."""
    return describe("", None, value) if isinstance(value, list) else json_type(value)


def _ends_early(utf8: bytes) -> bool:
    try:
        from_json(utf8)
    except ValueError as error:
        return str(error).startswith("EOF")
    return False


def _offset(utf8: bytes, reason: str) -> int:
    """The place in jiter's message (line and byte column, from 1) as an offset in characters."""
    place = _JITER_PLACE.search(reason)
    if place is None:
        return 0
    line, column = int(place[1]), int(place[2])
    start = 0
    for _ in range(line - 1):
        start = utf8.index(b"\n", start) + 1
    return len(utf8[: start + max(column - 1, 0)].decode("utf-8", "ignore"))
