"""TA001 to TA010: what is told of a body before its members are looked at."""

from __future__ import annotations

import codecs
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskaudit.contract.answer import STRICT, Allowance, Answer, Missing
from taskaudit.contract.body import Body, read_body, read_carefully

LIMIT = 4096
NO_QUOTA = '{"error": {"message": "配额不足", "code": "Ecs.0001"}}'
BIG = "目" * 10
FOUR_BYTES = '{"job_id": "𝄞"}'.encode()


def read(body: bytes | str, allowance: Allowance = STRICT, limit: int = LIMIT, **facts: object) -> Body:
    raw = body if isinstance(body, bytes) else body.encode()
    return read_body(Answer(raw, **facts), allowance, limit)  # type: ignore[arg-type]


def codes(body: Body) -> list[str]:
    return [fault.rule.code for fault in body.faults]


def place(body: Body) -> tuple[int, int]:
    """Line and column of the only fault, from 1."""
    (fault,) = body.faults
    assert body.text is not None
    assert fault.offset is not None
    before = body.text[: fault.offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
).map(json.dumps)
TYPES = st.sampled_from([None, "", "application/json", "application/json; charset=utf-8", "text/html"])


@given(
    st.binary(max_size=20) | JSON_LIKE.map(str.encode) | JSON_LIKE.map(lambda text: text.encode("utf-16")),
    TYPES,
    st.booleans(),
)
@example(b'{"a": "\xff"}', "application/json", True)
@example(b'{"a": 1, "a": 2}', "application/json", True)
@example(codecs.BOM_UTF8 + b"{}", "application/json", True)
@example(b'{"a": NaN}', None, False)
@example(b'{"a": "\\ud800"}', None, False)
@example(b"[" * 5000, None, False)
def test_what_is_read_at_once_is_read_rightly(raw: bytes, content_type: str | None, known: bool) -> None:
    answer = Answer(raw, 200, known, content_type)
    assert read_body(answer, STRICT, LIMIT) == read_carefully(answer, STRICT, LIMIT)


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t ", codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n"])
def test_ta001_for_a_body_without_text(body: bytes) -> None:
    assert codes(read(body))[-1] == "TA001"


def test_an_empty_body_that_the_route_allows() -> None:
    allowed = Allowance(empty_statuses=frozenset({204}))
    assert read(b"", allowed, status=204) == Body((), accepted=True)
    assert codes(read(b"", allowed, status=200)) == ["TA001"]


@pytest.mark.parametrize("coding", ["snappy", "gzip", "br", "zstd", "deflate, x", "gzip, gzip, gzip"])
def test_ta002_for_what_is_not_in_the_coding_it_names(coding: str) -> None:
    body = read(b'{"job_id": "a"}', content_encoding=coding)
    assert (codes(body), body.text, body.value) == (["TA002"], None, None)


@pytest.mark.parametrize(
    ("size", "facts", "expected"),
    [
        (LIMIT, {}, []),
        (LIMIT + 1, {}, ["TA003"]),
        (10, {"missing": Missing.STREAMED}, ["TA003"]),
        (10, {"missing": Missing.CUT_SHORT}, ["TA006"]),
    ],
)
def test_ta003_for_what_was_not_seen(size: int, facts: dict[str, object], expected: list[str]) -> None:
    body = b"{" + b" " * (size - 2) + b"}"
    assert codes(read(body, **facts)) == expected


@pytest.mark.parametrize(
    ("raw", "content_type", "told"),
    [
        (NO_QUOTA.encode("gb18030"), None, "text in gb18030"),
        (NO_QUOTA.encode("gbk"), "application/json", "text in gb18030"),
        (NO_QUOTA.encode("gb18030"), "application/json; charset=gbk", "text in gbk"),
        (NO_QUOTA.encode("gb18030"), "application/json; charset=UTF-8", "text in gb18030"),
        (NO_QUOTA.encode("gb18030"), "application/json; charset=klingon", "text in gb18030"),
        ('{"m": "é"}'.encode("latin-1"), "application/json;charset=ISO-8859-1", "text in iso8859-1"),
        (f'{{"m": "{BIG}"}}'.encode("big5"), 'application/json; charset="Big5"', "text in big5"),
        (f'{{"m": "{BIG}"}}'.encode("utf-16"), "application/json; charset=utf-16", "text in utf-16"),
        ('{"m": "a"}'.encode("utf-16-le"), "application/json; charset=utf-16le", "text in utf-16-le"),
        ('{"m": "a"}'.encode("utf-32-be"), "application/json; charset=UTF-32BE", "text in utf-32-be"),
        ('{"m": "目"}'.encode("shift_jis"), "application/json; charset=shift_jis", "text in shift_jis"),
    ],
)
def test_ta004_goes_on_in_the_charset_that_explains_the_bytes(
    raw: bytes, content_type: str | None, told: str
) -> None:
    body = read(raw, content_type=content_type)
    assert [(f.rule.code, f.found) for f in body.faults] == [("TA004", told)]
    assert body.value == json.loads(body.text or "")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"m": "\xff"}',
        '{"m": "a"}'.encode("utf-16"),  # with a byte order mark, but not declared
        codecs.BOM_UTF16_BE + '{"m": "目"}'.encode("utf-16-be"),
        b"\x80\x00\xfe\xff",
    ],
)
def test_ta004_alone_where_no_charset_explains_the_bytes(raw: bytes) -> None:
    body = read(raw)
    assert (codes(body), body.text, body.value) == (["TA004"], None, None)


def test_a_transformation_is_no_charset() -> None:
    assert codes(read(b'{"m": "a"}', content_type="application/json; charset=rot13")) == []
    assert codes(read(b"\xff\xff", content_type="application/json; charset=hex")) == ["TA004"]


def test_a_declared_charset_does_not_matter_to_utf_8() -> None:
    body = read(NO_QUOTA, content_type="application/json; charset=latin-1")
    assert (codes(body), body.text) == ([], NO_QUOTA)


def test_ta004_marks_the_first_byte_that_is_not_utf_8() -> None:
    body = read('{"m": "é"}'.encode("latin-1"), content_type="x; charset=latin-1")
    assert place(body) == (1, 8)


@pytest.mark.parametrize("cut", range(FOUR_BYTES.index(b"\xf0") + 1, FOUR_BYTES.index(b"\xf0") + 4))
def test_ta006_not_ta004_for_a_cut_inside_a_character(cut: int) -> None:
    body = read(FOUR_BYTES[:cut])
    assert codes(body) == ["TA006"]
    assert place(body) == (1, 13)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ("XXX", (1, 1)),
        ('{"error": {"message": "", "code": XXX，""}}', (1, 35)),
        ('{"a": NaN}', (1, 7)),
        ('{"a": Infinity}', (1, 7)),
        ('{"a": -Infinity}', (1, 8)),
        ("{'a': 1}", (1, 2)),
        ('{"a": 1} // comment', (1, 10)),
        ('{/* comment */ "a": 1}', (1, 2)),
        ('{"a": 1,}', (1, 9)),
        ('{"a": [1,\n 2,]}', (2, 4)),
        ('{"a": 1} x', (1, 10)),
        ('{"a": 1}\n{"a": 1}', (2, 1)),
        ('{"a": 01}', (1, 8)),
        ('{"a": True}', (1, 7)),
        ('{"配": 1} x', (1, 10)),
        ('{"a": "\t"}', (1, 8)),
        ('{"a": "\x00"}', (1, 8)),
        ('"a" "b"', (1, 5)),
    ],
)
def test_ta005_and_where(body: str, at: tuple[int, int]) -> None:
    read_back = read(body)
    assert (codes(read_back), place(read_back)) == (["TA005"], at)


@pytest.mark.parametrize(
    "body",
    [
        r'{"a": "\ud800"}',
        r'{"a": "\udc00 b"}',
        r'{"\ud800": 1}',
        r'{"a": "\x"}',
        '{"a": ' + "[" * 300 + "]" * 300 + "}",
        '{"a": ' * 300 + "1" + "}" * 300,
        "[" * 100_000,
        '{"a": 1, "a": [1,]}',
    ],
)
def test_ta005_wherever_the_parser_says(body: str) -> None:
    found = codes(read(body, limit=1_000_000))
    assert found[-1] == "TA005"
    assert set(found[:-1]) <= {"TA007"}


HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head></html>"


@pytest.mark.parametrize(
    "page", [HTML, HTML.upper(), f"\n<!DOCTYPE html>{HTML}", "<HEAD>", "<body bgcolor=white>"]
)
def test_ta005_says_that_it_is_an_html_page(page: str) -> None:
    (fault,) = read(page).faults
    assert (fault.rule.code, fault.found, fault.offset) == ("TA005", "an HTML page", page.index("<"))


@pytest.mark.parametrize("text", ["<htmlx>", "<?xml?><error/>", f"{{}}{HTML}", f"502 {HTML}"])
def test_ta005_calls_nothing_else_a_page(text: str) -> None:
    (fault,) = read(text).faults
    assert fault.rule.code == "TA005"
    assert fault.found != "an HTML page"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ("{", (1, 2)),
        ('{"job_id"', (1, 10)),
        ('{"job_id": "70a5', (1, 17)),
        ('{"job_id": "70a5"', (1, 18)),
        ('{\n  "job_id": "a",\n', (2, 17)),
        ('{"a": tru', (1, 10)),
        ('{"a": "b\\', (1, 10)),
        ('{"a": "b\\u00', (1, 13)),
        ("[1, 2", (1, 6)),
        ('"', (1, 2)),
    ],
)
def test_ta006_where_the_text_ends(body: str, at: tuple[int, int]) -> None:
    read_back = read(body)
    assert (codes(read_back), place(read_back)) == (["TA006"], at)


def test_every_prefix_of_an_answer_is_cut_short() -> None:
    raw = '{"job_id": "任务-\\u4efb", "list": [1.5e3, true, null], "o": {"a": "\\n"}}'.encode()
    for cut in range(1, len(raw)):
        assert codes(read(raw[:cut])) == ["TA006"], raw[:cut]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ('{"a": 1, "a": 1}', ["/a"]),
        ('{"a": 1, "\\u0061": 2}', ["/a"]),
        ('{"a": 1, "a": 1, "a": 1}', ["/a"]),
        ('{"a": [{"b": 1, "b": 2}]}', ["/a/0/b"]),
        ('{"": 1, "": 2}', ["/"]),
        ('{"a": 1, "A": 1}', []),
        ('[{"a": 1, "a": 1}]', ["/0/a"]),
    ],
)
def test_ta007_for_each_repeated_member(body: str, pointers: list[str]) -> None:
    assert [f.pointer for f in read(body).faults if f.rule.code == "TA007"] == pointers


def test_the_last_of_two_wins() -> None:
    assert read('{"job_id": "a", "job_id": "b"}').value == {"job_id": "b"}


@pytest.mark.parametrize("body", ["[]", '"a"', "1", "-1.5e9", "true", "null", '[{"job_id": "a"}]'])
def test_ta008_for_other_json(body: str) -> None:
    read_back = read(body, headers_known=True)
    assert (codes(read_back), read_back.value) == (["TA008"], None)


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON", True),
        ("application/json;charset=UTF-8", True),
        (" application/json ; charset=utf-8", True),
        ("application/problem+json; charset=utf-8", True),
        ("application/vnd.api+JSON", True),
        ("application/jsonp", False),
        ("application/json-seq", False),
        ("text/json", False),
        ("text/html", False),
        ("application/octet-stream", False),
        ("json", False),
        ("", False),
        (None, False),
    ],
)
def test_ta009_by_the_media_type(content_type: str | None, is_json: bool) -> None:
    body = read('{"job_id": "a"}', content_type=content_type, headers_known=True)
    assert codes(body) == ([] if is_json else ["TA009"])


def test_ta009_is_not_for_a_bare_body_or_what_is_no_object() -> None:
    assert codes(read('{"job_id": "a"}', headers_known=False)) == []
    assert codes(read("<html>", headers_known=True, content_type="text/html")) == ["TA005"]


def test_ta010_and_the_rest_is_read() -> None:
    body = read(codecs.BOM_UTF8 + b'{"job_id": "a"}')
    assert (codes(body), body.value, place(body)) == (["TA010"], {"job_id": "a"}, (1, 1))


def test_only_one_rule_says_that_it_is_unreadable() -> None:
    body = read(codecs.BOM_UTF8 + b"\xff", content_type="text/html", headers_known=True)
    assert codes(body) == ["TA010", "TA004"]


@pytest.mark.parametrize(
    ("text", "told"),
    [('"secret"', "String"), ("252041", "Number"), ("null", "null"), ('["secret"]', "Array (1 entry)")],
)
def test_what_is_no_object_is_told_by_its_type(text: str, told: str) -> None:
    (fault,) = read(text).faults
    assert (fault.rule.code, fault.found) == ("TA008", told)
