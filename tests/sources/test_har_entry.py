"""Entries of other types: what each member plainly means, and that none but the method and URL is needed."""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from taskaudit.contract.answer import Missing
from taskaudit.exchange import Exchange
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.har import read_har
from taskaudit.sources.window import Window

RICH: dict[str, Any] = {
    "startedDateTime": "2026-03-02T09:00:00.000Z",
    "time": 50,
    "pageref": "page_1",
    "request": {
        "method": "POST",
        "url": "https://ecs.example.com/v1/p/cloudservers?a=b",
        "httpVersion": "HTTP/1.1",
        "cookies": [{"name": "c", "value": "d", "expires": None, "httpOnly": False}],
        "headers": [{"name": "Content-Type", "value": "application/json", "comment": ""}],
        "queryString": [{"name": "a", "value": "b"}],
        "postData": {
            "mimeType": "application/json",
            "text": "{}",
            "params": [{"name": "f", "value": "g", "fileName": "h", "contentType": "text/plain"}],
        },
        "headersSize": 10,
        "bodySize": 2,
        "comment": "",
    },
    "response": {
        "status": 200,
        "statusText": "OK",
        "httpVersion": "HTTP/1.1",
        "cookies": [{"name": "c", "value": "d", "path": "/", "domain": "x"}],
        "headers": [{"name": "X-Request-Id", "value": "r"}],
        "content": {
            "size": 17,
            "compression": 0,
            "mimeType": "application/json",
            "text": base64.b64encode(b'{"job_id": "abc"}').decode(),
            "encoding": "base64",
            "comment": "",
        },
        "redirectURL": "",
        "headersSize": 10,
        "bodySize": 17,
        "_transferSize": 27,
        "_error": None,
        "_fetchedViaServiceWorker": False,
    },
    "cache": {
        "beforeRequest": {"expires": "x", "lastAccess": "y", "eTag": "z", "hitCount": 1},
        "afterRequest": None,
    },
    "timings": {"blocked": -1, "dns": 1, "connect": 2, "send": 3, "wait": 4, "receive": 5, "ssl": 6},
    "serverIPAddress": "192.0.2.1",
    "connection": "443",
    "clientIPAddress": "10.0.0.1",
    "_clientAddress": "10.0.0.2",
    "_initiator": {"type": "script", "stack": {"callFrames": [{"lineNumber": 1}]}},
    "_webSocketMessages": [{"type": "send", "time": 1.5, "opcode": 1, "data": "x"}],
    "_error": None,
    "_fetchedViaServiceWorker": False,
}
"""An entry with all members of the specification, and some of exporters."""

GONE = object()
OTHERS = [None, 7, -1.5, True, "x", "", [], [1, {"a": []}], {}, {"a": 1}, GONE]
NEEDED = [("request",), ("request", "method"), ("request", "url")]
READ = {
    *("startedDateTime", "time", "request", "response", "clientIPAddress"),
    *("_clientAddress", "_error", "_fetchedViaServiceWorker"),
}
READ_WITHIN = {"method", "url", "headers", "postData", "status", "content", "bodySize"}

type Place = tuple[str | int, ...]


def places(value: Any, before: Place = ()) -> Iterator[Place]:
    """The place of each member and element, at any depth."""
    named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in named:
        yield (*before, name)
        yield from places(part, (*before, name))


def with_other(place: Place, other: Any) -> dict[str, Any]:
    """The rich entry with another value at a place, or with none."""
    entry: Any = copy.deepcopy(RICH)
    at = entry
    for name in place[:-1]:
        at = at[name]
    if other is GONE:
        del at[place[-1]]
    else:
        at[place[-1]] = other
    return entry  # type: ignore[no-any-return]


def is_read(place: Place) -> bool:
    if place[0] in ("request", "response"):
        return len(place) == 1 or place[1] in READ_WITHIN | {"_error", "_fetchedViaServiceWorker"}
    return place[0] in READ


def found_in(*entries: Any) -> list[Captured | Damage]:
    return list(read_har(Window(io.BytesIO(json.dumps({"log": {"entries": entries}}).encode()))))


def only(entry: dict[str, Any]) -> Exchange:
    (captured,) = found_in(entry)
    assert isinstance(captured, Captured)
    return captured.exchange


@pytest.mark.parametrize("place", list(places(RICH)), ids=lambda place: ".".join(map(str, place)))
def test_no_member_but_the_method_and_the_url_damages_an_entry(place: Place) -> None:
    before, after = copy.deepcopy(RICH), copy.deepcopy(RICH)
    before["request"]["url"] = after["request"]["url"] = "https://ecs.example.com/other"
    whole = only(RICH)
    for other in OTHERS:
        found = found_in(before, with_other(place, other), after)
        assert [each.index for each in found] == [0, 1, 2]
        damaged = [each for each in found if isinstance(each, Damage)]
        if place not in NEEDED:
            assert damaged == [], other
        if damaged:
            assert [each.index for each in damaged] == [1]
            continue
        captured = found[1]
        assert isinstance(captured, Captured)
        if not is_read(place):
            assert captured.exchange.answer == whole.answer
            assert captured.exchange.request_digest == whole.request_digest
            assert (captured.exchange.started, captured.exchange.ended) == (whole.started, whole.ended)


@pytest.mark.parametrize("name", ["method", "url"])
@pytest.mark.parametrize("other", [None, 7, [], {}, GONE])
def test_without_a_method_or_a_url_an_entry_is_damaged(name: str, other: object) -> None:
    (damage,) = found_in(with_other(("request", name), other))
    assert isinstance(damage, Damage)
    assert damage.index == 0
    assert f"String in its request's '{name}'" in damage.message


def changed(**members: Any) -> Exchange:
    """The exchange of the rich entry with members of its response replaced."""
    return only(RICH | {"response": RICH["response"] | members})


@pytest.mark.parametrize("status", ["200", "200 OK", 200.0, " 200"])
def test_status(status: object) -> None:
    answer = changed(status=status).answer
    assert answer
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [{"name": "Content-Type", "value": "text/x"}],
        [{"name": "Content-Type", "value": ["text/x"]}],
        [{"key": "Content-Type", "value": "text/x"}],
        [["content-type", "text/x"], 7, None, ["a"], {"name": 7, "value": "b"}, {"value": "c"}],
        ["Content-Type: text/x", "no header"],
        {"Content-Type": "text/x", "x-n": 5, "x-null": None},
        {"Content-Type": ["text/x"]},
    ],
)
def test_headers(headers: object) -> None:
    answer = changed(headers=headers).answer
    assert answer
    assert answer.content_type == "text/x"


@pytest.mark.parametrize(("value", "read"), [(5, "5"), (True, "true"), (["a", 2, None], "a, 2"), ({}, None)])
def test_header_values(value: object, read: str | None) -> None:
    exchange = changed(headers=[{"name": "X-Request-Id", "value": value}, {"name": "x", "value": 1.5}])
    assert exchange.request_id == read


def test_without_headers_and_type_nothing_is_known_of_them() -> None:
    answer = changed(headers=7, content={"text": "{}"}).answer
    assert answer
    assert not answer.headers_known


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ({"raw": "https://a.example/b?c", "host": ["a"]}, "a.example"),
        ({"href": "https://a.example/b?c", "pathname": "/b"}, "a.example"),
    ],
)
def test_urls_of_parts(url: object, host: str) -> None:
    exchange = only(RICH | {"request": {"method": "GET", "url": url}})
    assert (exchange.host, exchange.path, exchange.query) == (host, "/b", "c")


_BYTES = b'{"job_id": "~~~???>>>"}'
_CODED = base64.b64encode(_BYTES).decode()


@pytest.mark.parametrize("encoding", ["base64", "BASE64", "Base64", " base64 "])
@pytest.mark.parametrize(
    "text",
    [
        _CODED,
        _CODED.rstrip("="),
        "\r\n".join(_CODED[at : at + 9] for at in range(0, len(_CODED), 9)),
        _CODED.replace("+", "-").replace("/", "_"),
        f"data:application/json;base64,{_CODED}",
        _BYTES.decode(),
    ],
)
def test_base64(text: str, encoding: str) -> None:
    answer = changed(content={"text": text, "encoding": encoding}).answer
    assert answer
    assert answer.body == _BYTES


@pytest.mark.parametrize("encoding", [None, "", "utf-8", "gzip", 64])
def test_other_encodings_are_text(encoding: object) -> None:
    answer = changed(content={"text": _CODED, "encoding": encoding}).answer
    assert answer
    assert answer.body == _CODED.encode()


@pytest.mark.parametrize(
    ("text", "body"),
    [({"job_id": "作"}, '{"job_id": "作"}'.encode()), (7, b""), ([], b""), ({}, b""), (None, b"")],
)
def test_texts_of_other_types(text: object, body: bytes) -> None:
    answer = changed(content={"text": text, "size": "nothing"}).answer
    assert answer
    assert (answer.body, answer.missing) == (body, None if body else Missing.NOT_CAPTURED)


_LONG = b"7" * 5000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"time": NaN, "_n": Infinity, "request": {"method": "GET", "url": "https://a/b"}}', "NaN"),
        (
            b'{"time": 1e999, "_n": %s, "request": {"method": "GET", "url": "https://a/b"}}' % (b"7" * 5000),
            "long",
        ),
        (b'{"time": %s, "request": {"method": "GET", "url": "https://a/b"}}' % (b"7" * 5000), "long time"),
        (b'{"_n": "\n\t", "time": "", "request": {"method": "GET", "url": "https://a/b"}}', "control"),
        (
            b'{"serverIPAddress": "\xd6\xd0", "time": "", "request": {"method": "GET", "url": "https://a/b"}}',
            "GBK",
        ),
        (
            b'{"_n": %s1%s, "request": {"_n": [%s%s], "method": "GET", "url": "https://a/b"}}'
            % (b'{"a":[' * 5000, b"]}" * 5000, b"[" * 9000, b"]" * 9000),
            "deep",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_json_that_a_strict_reader_refuses(text: bytes, why: str) -> None:
    found = list(read_har(Window(io.BytesIO(b'{"log": {"entries": [%s]}}' % text))))
    assert [(each.exchange.path if isinstance(each, Captured) else each) for each in found] == ["/b"], why


@pytest.mark.parametrize("left_out", [{}, {"encoding": "base64"}, {"text": None}])
@pytest.mark.parametrize(
    ("members", "is_empty"),
    [
        ({}, False),
        ({"status": 204}, True),
        ({"status": 205}, True),
        ({"status": 304}, True),
        ({"headers": [{"name": "content-length", "value": "0"}]}, True),
        ({"headers": [{"name": "Content-Length", "value": 0}]}, True),
        ({"headers": [{"name": "Content-Length", "value": "5"}]}, False),
        ({"bodySize": 0}, False),
        ({"content": None}, False),
        ({"content": {}}, False),
    ],
)
def test_a_body_that_is_not_there(members: dict[str, Any], is_empty: bool, left_out: dict[str, Any]) -> None:
    answer = changed(**({"content": left_out} | members)).answer
    assert answer
    assert answer.body == b""
    assert answer.missing is (None if is_empty else Missing.NOT_CAPTURED)


def test_the_answer_to_a_head_is_empty() -> None:
    answer = only(
        RICH | {"request": {"method": "head", "url": "https://a/"}, "response": {"status": 200}}
    ).answer
    assert answer
    assert answer.missing is None


@pytest.mark.parametrize(
    ("members", "is_empty"),
    [
        ({"content": {"text": "", "size": 0}, "bodySize": 0}, True),
        ({"content": {"text": "", "size": 0}, "bodySize": 310}, True),
        ({"content": {"text": ""}, "bodySize": -1}, True),
        ({"content": {"text": "", "size": 5}, "bodySize": 0}, False),
        ({"content": {"text": "", "size": -1}, "bodySize": 5}, False),
        ({"content": {"text": "", "size": 0}, "headers": [{"name": "Content-Length", "value": "5"}]}, False),
    ],
)
def test_an_empty_text_with_a_sign_of_a_body_was_not_kept(members: dict[str, Any], is_empty: bool) -> None:
    answer = changed(**members).answer
    assert answer
    assert answer.missing is (None if is_empty else Missing.NOT_CAPTURED)


@pytest.mark.parametrize(
    ("error", "came"),
    [(None, True), ("", True), ("net::ERR_HTTP_RESPONSE_CODE_FAILURE", True), ("net::ERR_ABORTED", False)],
)
def test_errors_of_chrome(error: object, came: bool) -> None:
    assert (changed(_error=error).answer is not None) is came
