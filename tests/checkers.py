"""For each format, what tells harmless text from text that does something. Each raises AssertionError."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from markdown_it.token import Token

HARMFUL = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
"""Categories of characters that no text for people holds: line feeds are the layout's own."""

_UNSEEN = re.compile(
    r"VARIATION SELECTOR|COMBINING GRAPHEME JOINER|KHMER VOWEL INHERENT|HANGUL .*FILLER|KHITAN .*FILLER"
    r"|PATTERN BLANK|(FULL|HALF) BLANK|NULL NOTEHEAD|PLANE SPACE"
)

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False}).enable(["table", "strikethrough"])
_ACTIVE = frozenset({"html_inline", "html_block", "image"})
_OUR_LINKS = re.compile(r"https://www\.rfc-editor\.org/rfc/rfc\d+\.html#section-[\d.]+")
# What a tracker acts on outside of code: names, numbers, addresses, emoji (GitHub, "autolinked references").
_TRACKED = re.compile(r"@\w|(?<!\w)#\d|\bGH-\d|://|www\.\w|:\+1:|:warning:")
_CSV_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
_XML_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COMMAND = re.compile(r"::(error|warning|notice) (file=[^:,]+,)?title=[^:,]*::[^\r\n]*")
_COMMAND_LIKE = re.compile(r"\s*(::|##\[)")
_METRIC = re.compile(
    r"[a-z_]+(_bucket|_info)?(\{[a-z_]+=\"[^\"\\]*\"(,[a-z_]+=\"[^\"\\]*\")*\})? [0-9.e+-]+|# .*"
)


def plain_text(text: str) -> None:
    """A terminal shows it as it is, and does nothing; its lines are those of the layout."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return
    found = {char for char in set(text) if char != "\n" and _is_harmful(char)}
    assert not found, f"{sorted(map(ascii, found))} in {_around(text, found)!r}"


@cache
def _is_harmful(char: str) -> bool:
    """Also what is seen as nothing, or as a blank that it is not."""
    category = unicodedata.category(char)
    is_other_blank = category == "Zs" and char != " "
    return category in HARMFUL or is_other_blank or bool(_UNSEEN.search(unicodedata.name(char, "")))


def one_line(text: str) -> None:
    """One event of a log."""
    plain_text(text)
    assert "\n" not in text, ascii(text)


def log_lines(data: bytes) -> None:
    """One record a line, however lines are told, and nothing that a terminal would act on."""
    text = data.decode("utf-8")
    plain_text(text)
    assert (
        text.splitlines(keepends=True) == text.split("\n")[:-1] or text.splitlines() == text.split("\n")[:-1]
    )
    for line in text.splitlines():
        record = json.loads(line)
        assert record["event_type"] in record


def json_lines(text: str) -> None:
    """One document a line, all of it ASCII."""
    assert text.isascii()
    plain_text(text)
    for line in text.splitlines():
        json.loads(line)


def json_document(text: str) -> None:
    """One document, all of it ASCII."""
    assert text.isascii()
    plain_text(text)
    json.loads(text)


def table(text: str) -> None:
    """Rows of one width, no cell of which a spreadsheet runs."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} <= {len(rows[0])} if rows else True
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(_CSV_RUN) or _NUMBER.fullmatch(cell), ascii(cell)
        plain_text(cell)


def xml(text: str) -> None:
    """It can be parsed, declares no entity, and holds what XML allows only (XML 1.0, section 2.2)."""
    assert not _XML_ILLEGAL.search(text)
    assert "<!" not in text
    root = ElementTree.fromstring(text.encode("utf-8"))
    known = {"testsuites", "testsuite", "properties", "property", "testcase"}
    assert {element.tag for element in root.iter()} <= known | {"failure", "error", "skipped", "system-out"}
    for element in root.iter():
        for told in (*element.attrib.values(), element.text or "", element.tail or ""):
            plain_text(told)


def markdown(text: str) -> None:
    """Rendered, nothing of it is HTML, an image, or a link but ours; nobody is mentioned."""
    plain_text(text)
    for token in _tokens(text):
        assert token.type not in _ACTIVE, token.content
        if token.type == "link_open":
            assert _OUR_LINKS.fullmatch(str(token.attrGet("href"))), token.attrs
        if token.type == "text":
            # The text of our links stands beside them, not in an address.
            assert not _TRACKED.search(token.content), token.content


def markdown_shape(text: str) -> Counter[str]:
    """How many there are of each element of a Markdown text, but for code spans and text."""
    return Counter(t.type for t in _tokens(text) if t.type not in ("text", "code_inline", "softbreak"))


def _tokens(text: str) -> Iterator[Token]:
    for token in _MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def workflow_commands(text: str) -> None:
    """Each line is a workflow command of ours, or holds none."""
    plain_text(text)
    for line in text.splitlines():
        assert _COMMAND.fullmatch(line) or not _COMMAND_LIKE.match(line), line


def metrics(text: str) -> None:
    """Lines of Prometheus' text format, with labels that need no escapes."""
    plain_text(text)
    for line in text.splitlines():
        assert _METRIC.fullmatch(line), line


class _Page(HTMLParser):
    """A page as a browser's parser sees it: start tags and their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self._raw = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        self._raw = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_pi = unknown_decl = handle_comment


@lru_cache(2)
def _page(text: str) -> _Page:
    """Of a long page, the parser takes longer than all that is then asked of it."""
    return _Page(text)


def html(text: str) -> None:
    """Nothing but our script runs, nothing is loaded from elsewhere, and texts are plain."""
    page = _page(text)
    assert not page.others
    names = Counter(tag for tag, _ in page.tags)
    assert sum(tag == "script" and "src" not in dict(attributes) for tag, attributes in page.tags) <= 1
    assert names["style"] <= 1
    assert not names.keys() & {"iframe", "object", "embed", "form", "base", "img", "b", "textarea"}
    for tag, attributes in page.tags:
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name, value)
            plain_text(value or "")
            if name in ("href", "src", "action", "xlink:href"):
                assert (value or "").startswith(("#", "/static/", "data:,")), value
    for each in page.texts:
        plain_text(each)


def html_shape(text: str) -> Counter[tuple[str, tuple[str, ...]]]:
    """How many there are of each element with its attributes' names.

    Without the places where a long operation may break: names of operations hold bars, and so may a path.
    """
    tags = _page(text).tags
    return Counter((tag, tuple(name for name, _ in attributes)) for tag, attributes in tags if tag != "wbr")


def html_text(text: str) -> str:
    """What the page shows."""
    return "".join(_page(text).texts)


def mitmproxy_annotations(marked: str, comment: str, metadata: Any) -> None:
    """What stands on a flow: a known mark, a comment in one line, and facts that every writer can write."""
    assert re.fullmatch(r":[a-z_]+:|", marked), marked
    one_line(comment)
    for told in _strings(metadata):
        one_line(told)
    json.dumps(metadata)


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield from (key, *_strings(each))
        case list() | tuple():
            for each in value:
                yield from _strings(each)


def _around(text: str, found: set[str]) -> str:
    at = min((text.index(char) for char in found), default=0)
    return text[max(0, at - 60) : at + 60]
