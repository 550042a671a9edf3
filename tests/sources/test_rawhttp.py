"""Raw responses, as `curl -i` prints them."""

from __future__ import annotations

import gzip
import io

import pytest

from taskaudit.contract.answer import Answer, Missing
from taskaudit.exchange import Exchange
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import read

JSON = b'{"job_id": "x"}'
GZIPPED = gzip.compress(JSON)


def _read(data: bytes, limit: int = 1000) -> tuple[list[Captured], list[Damage]]:
    found = list(read(io.BytesIO(data), limit))
    return (
        [each for each in found if isinstance(each, Captured)],
        [each for each in found if isinstance(each, Damage)],
    )


def _exchange(data: bytes) -> Exchange:
    ((captured,), damages) = _read(data)
    assert damages == []
    return captured.exchange


def _answer(data: bytes) -> Answer:
    answer = _exchange(data).answer
    assert answer
    return answer


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"HTTP/3"])
def test_facts(version: bytes, end: bytes) -> None:
    lines = [version + b" 202 Accepted", b"Content-Type: application/json", b"X-Request-Id:  abc ", b"", JSON]
    exchange = _exchange(end.join(lines))
    assert (exchange.method, exchange.host, exchange.path, exchange.request_id) == (None, None, None, "abc")
    assert exchange.answer == Answer(JSON, 202, True, "application/json")


def test_no_reason_and_a_byte_order_mark() -> None:
    assert _answer(b"\xef\xbb\xbfHTTP/2 200\r\n\r\n" + JSON) == Answer(JSON, 200, True)


def test_repeated_and_folded_headers() -> None:
    data = b"HTTP/1.1 200 OK\nContent-Encoding: a\ncontent-encoding: b\nContent-Type: x;\n  y=z\n\n"
    answer = _answer(data + JSON)
    assert (answer.content_encoding, answer.content_type) == ("a, b", "x; y=z")


@pytest.mark.parametrize(
    ("headers", "sent", "body", "encoding", "missing"),
    [
        (b"Content-Length: 15", JSON, JSON, "", None),
        (b"Content-Length: 15", JSON + b"\r\n \n", JSON, "", None),
        (b"Content-Length: 16", JSON, JSON, "", Missing.CUT_SHORT),
        (b"Content-Length: 1" + b"0" * 30, JSON, JSON, "", None),
        (b"Content-Length: many", JSON, JSON, "", None),
        (b"Transfer-Encoding: chunked", JSON, JSON, "", None),
        (b"Transfer-Encoding: chunked", b"f\r\n" + JSON + b"\r\n0\r\n\r\n", JSON, "", None),
        (
            b"Transfer-Encoding: chunked",
            b"5;a=b\n" + JSON[:5] + b"\nA\n" + JSON[5:] + b"\n0\n\n",
            JSON,
            "",
            None,
        ),
        (b"Transfer-Encoding: chunked", b"f\r\n" + JSON + b"\r\n0\r\nA: b\r\n\r\n", JSON, "", None),
        (b"Transfer-Encoding: chunked", b"f\r\n" + JSON[:5], JSON[:5], "", Missing.CUT_SHORT),
        (b"Transfer-Encoding: chunked", b"f\r\n" + JSON + b"\r\n", JSON, "", Missing.CUT_SHORT),
        (b"Content-Encoding: gzip", GZIPPED, GZIPPED, "gzip", None),
        (b"Content-Encoding: gzip", JSON, JSON, "", None),
        (b"Content-Encoding: gzip\nContent-Length: 7", JSON, JSON, "", None),
        (b"Content-Encoding: gzip\nContent-Length: 99", GZIPPED, GZIPPED, "gzip", Missing.CUT_SHORT),
        (b"Content-Encoding: br\nContent-Length: 11", b"\n [1]", b"\n [1]", "", None),
        (b"Content-Encoding: gzip", b"oops", b"oops", "gzip", None),
        (b"Content-Encoding: snappy", JSON, JSON, "snappy", None),
        (b"Content-Encoding: gzip, snappy", JSON, JSON, "gzip, snappy", None),
        (b"A: b", b"", b"", "", None),
    ],
)
def test_bodies(headers: bytes, sent: bytes, body: bytes, encoding: str, missing: Missing | None) -> None:
    answer = _answer(b"HTTP/1.1 200 OK\n" + headers + b"\n\n" + sent)
    assert (answer.body, answer.content_encoding, answer.missing) == (body, encoding, missing)


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 Connection Established\nProxy-Agent: x\n\nHTTP/1.1 100 Continue\n\n",
        b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /b\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/2 307\r\nlocation: /b\r\n\r\n",
    ],
)
def test_what_leads_to_the_answer_is_stepped_over(before: bytes) -> None:
    assert _answer(before + b"HTTP/1.1 200 OK\r\n\r\n" + JSON).body == JSON


def test_a_redirect_nobody_went_after_is_the_answer() -> None:
    assert _answer(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n").status == 302


def test_several() -> None:
    data = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + JSON + b"\n"
        b"HTTP/2 202 \r\nserver: x\r\n\r\n" + JSON + b"HTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 400 Bad\n\n{}"
    )
    captured, damages = _read(data)
    assert [(each.index, each.exchange.answer and each.exchange.answer.status) for each in captured] == [
        (0, 200),
        (1, 202),
        (2, 204),
        (3, 400),
    ]
    assert [each.exchange.answer and each.exchange.answer.body for each in captured] == [
        JSON,
        JSON,
        b"",
        b"{}",
    ]
    assert len({each.exchange.exchange_id for each in captured}) == 4
    assert damages == []


def test_cut_short_before_another() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + JSON + b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}"
    first, second = (each.exchange.answer for each in _read(data)[0])
    assert first
    assert second
    assert (first.body, first.missing) == (JSON, Missing.CUT_SHORT)
    assert (second.body, second.missing) == (b"{}", None)


def test_a_status_line_in_a_message_is_no_response() -> None:
    body = b'{"error": {"message": "HTTP/1.1 404 Not Found", "code": "A.0001"}}'
    assert _answer(b"HTTP/1.1 502 Bad Gateway\n\n" + body).body == body


@pytest.mark.parametrize(
    ("data", "where", "message"),
    [
        (b"HTTP/1.1 200 OK\nno header\n\n{}", "line 2, byte 16", "found b'n'"),
        (b"HTTP/1.1 200 OK\nA: b\n{}\n", "line 3, byte 21", "an empty line before the body"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}oops", "line 4, byte 37", "found b'o'"),
    ],
)
def test_damage_is_placed_and_the_body_is_still_had(data: bytes, where: str, message: str) -> None:
    ((captured,), (damage,)) = _read(data)
    assert captured.exchange.answer
    assert captured.exchange.answer.body.strip() == b"{}"
    assert (damage.where, damage.index) == (where, 0)
    assert message in damage.message


def test_a_head_that_does_not_end() -> None:
    ((captured,), (damage,)) = _read(b"HTTP/1.1 200 OK\r\nContent-Ty")
    assert captured.exchange.answer
    assert captured.exchange.answer.missing is Missing.CUT_SHORT
    assert damage.where == "line 2, byte 17"


def test_not_a_status_line() -> None:
    captured, damages = _read(b"HTTP/1.1 abc\r\n\r\n{}")
    assert captured == []
    assert len(damages) == 1


def test_a_long_body_is_kept_to_the_limit_and_one() -> None:
    ((captured,), damages) = _read(b"HTTP/1.1 200 OK\nContent-Length: 5000\n\n" + b"x" * 5000, limit=100)
    assert damages == []
    assert captured.exchange.answer
    assert len(captured.exchange.answer.body) == 101
    assert captured.exchange.answer.missing is None


def test_more_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskaudit.sources.rawhttp.READ_AT_MOST", 1000)
    head = b"HTTP/1.1 200 OK\nContent-Length: 5000\n\n"
    ((captured,), damages) = _read(head + b"x" * 5000, limit=100)
    assert captured.exchange.answer
    assert (len(captured.exchange.answer.body), captured.exchange.answer.missing) == (101, None)
    assert damages == []
    many, stopped = _read((b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}") * 100, limit=100)
    assert len(many) < 100
    assert len(stopped) == 1
