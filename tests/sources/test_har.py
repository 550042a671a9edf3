"""HTTP Archives: the variants of exporters, and damage."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.answer import Missing
from taskaudit.exchange import Exchange
from taskaudit.sources import har
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.har import read_har
from taskaudit.sources.window import Window


def _entry(number: int = 0, response: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An entry; `response` replaces members of its response, `more` of itself."""
    return {
        "startedDateTime": "2026-01-01T00:00:00.500Z",
        "time": 250.0,
        "request": {
            "method": "POST",
            "url": f"https://ecs.example.com:8443/v1/p/cloudservers?n={number}#there",
            "headers": [{"name": ":authority", "value": "x"}, {"name": "X-Request-Id", "value": "asked"}],
            "postData": {"mimeType": "application/json", "text": "{}"},
        },
        "response": {
            "status": 200,
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"size": 17, "mimeType": "x-unknown", "text": '{"job_id": "}]"}'},
            "bodySize": 17,
        }
        | (response or {}),
        "cache": {},
    } | more


def _har(*entries: object, version: str = "1.2") -> bytes:
    log = {"version": version, "creator": {"name": 'a "quoted" [name'}, "entries": entries, "comment": "]}"}
    return json.dumps({"log": log}, indent=1).encode()


def _read(data: bytes, chunk: int = 4096) -> tuple[list[Captured], list[Damage]]:
    found = list(read_har(Window(io.BytesIO(data), chunk=chunk)))
    return (
        [each for each in found if isinstance(each, Captured)],
        [each for each in found if isinstance(each, Damage)],
    )


def _only(entry: dict[str, Any]) -> Exchange:
    captured, damages = _read(_har(entry))
    assert damages == []
    assert [each.index for each in captured] == [0]
    return captured[0].exchange


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_facts(version: str) -> None:
    ((captured,), damages) = _read(_har(_entry(), version=version))
    exchange = captured.exchange
    assert damages == []
    assert (exchange.method, exchange.host, exchange.path, exchange.query) == (
        "POST",
        "ecs.example.com",
        "/v1/p/cloudservers",
        "n=0",
    )
    assert (exchange.started, exchange.ended) == (1767225600.5, 1767225600.75)
    assert (exchange.request_id, exchange.client, exchange.flow_id) == ("asked", None, None)
    assert exchange.answer
    assert exchange.answer.body == b'{"job_id": "}]"}'
    assert (exchange.answer.status, exchange.answer.content_type) == (200, "application/json")
    assert exchange.answer.missing is None


@pytest.mark.parametrize(
    ("content", "body", "missing"),
    [
        ({"size": 2, "text": "e30=", "encoding": "base64"}, b"{}", None),
        ({"size": 5, "text": "作业"}, "作业".encode(), None),
        ({"size": 5, "text": "\ud800"}, b"\xed\xa0\x80", None),
        ({"size": 0, "text": ""}, b"", None),
        ({"size": 0}, b"", Missing.NOT_CAPTURED),
        ({"size": 9}, b"", Missing.NOT_CAPTURED),
        ({"size": 9, "text": ""}, b"", Missing.NOT_CAPTURED),
        ({}, b"", Missing.NOT_CAPTURED),
    ],
)
def test_bodies(content: dict[str, Any], body: bytes, missing: Missing | None) -> None:
    answer = _only(_entry(response={"content": content})).answer
    assert answer
    assert (answer.body, answer.missing) == (body, missing)


def test_no_body_at_all() -> None:
    answer = _only(_entry(response={"status": 204, "content": {"size": 0}, "bodySize": 0})).answer
    assert answer
    assert (answer.body, answer.missing) == (b"", None)


def test_a_content_coding_is_already_undone() -> None:
    answer = _only(_entry(response={"headers": [{"name": "Content-Encoding", "value": "gzip"}]})).answer
    assert answer
    assert answer.content_encoding == ""


@pytest.mark.parametrize(
    ("mime_type", "content_type"), [("application/json", "application/json"), ("x-unknown", None), ("", None)]
)
def test_content_type_without_headers(mime_type: str, content_type: str | None) -> None:
    answer = _only(_entry(response={"headers": [], "content": {"mimeType": mime_type, "text": "{}"}})).answer
    assert answer
    assert answer.content_type == content_type


@pytest.mark.parametrize(
    "entry",
    [
        _entry(response={"status": 0}),
        _entry(response={"status": None}),
        _entry(response={"_error": "net::ERR_ABORTED"}),
        _entry(_error="net::ERR_ABORTED"),
        _entry() | {"response": None},
        {"request": {"method": "POST", "url": "https://a/"}},
    ],
)
def test_aborted(entry: dict[str, Any]) -> None:
    assert _only(entry).answer is None


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("http://user:secret@a.b/c", "a.b", "/c"),
        ("https://[::1]:8080/c?d", "::1", "/c"),
        ("https://a.b", "a.b", "/"),
        ("https://a.b?x=http://c/", "a.b", "/"),
        ("data:text/plain,x", None, "data:text/plain,x"),
        ("", None, ""),
        ("https://a.b/\ud800", "a.b", "/\ufffd"),
    ],
)
def test_urls(url: str, host: str | None, path: str) -> None:
    exchange = _only(_entry(request={"method": "GET", "url": url}))
    assert (exchange.host, exchange.path) == (host, path)


@pytest.mark.parametrize("moment", ["", "yesterday", "0001-01-01T00:00:00+14:00", "1e9"])
def test_times_that_are_none(moment: str) -> None:
    exchange = _only(_entry(startedDateTime=moment))
    assert (exchange.started, exchange.ended) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        "7",
        '"text"',
        "null",
        '{"request": 1}',
        '{"request": {"method": "GET", "url": 7}}',
        '{"a": nope}',
        '{"a": [1}, 2]',
        '{"startedDateTime": "lost quote, "request": {"method": "GET", "url": "https://a/"}}',
    ],
)
@pytest.mark.parametrize("chunk", [64, 4096])
def test_a_damaged_entry_costs_only_itself(wrong: str, chunk: int) -> None:
    before, after = _har(_entry(0), "HERE", _entry(2)).split(b'"HERE"')
    data = before + wrong.encode() + after
    captured, damages = _read(data, chunk)
    assert [each.exchange.query for each in captured] == ["n=0", "n=2"]
    assert [each.index for each in captured] == [0, 2]
    at = len(before)
    assert [(each.index, each.where) for each in damages] == [
        (1, f"line {1 + data.count(b'\n', 0, at)}, byte {at}")
    ]


def test_truncated_anywhere() -> None:
    data = _har(_entry(0), _entry(1))
    second = data.index(b'"startedDateTime"', data.index(b'"startedDateTime"') + 1) + 20
    for cut in [*range(second, len(data), 17), len(data) - 1]:
        captured, damages = _read(data[:cut])
        assert captured[0].exchange.query == "n=0"
        assert len(damages) == 1, cut
        assert len(captured) + len([each for each in damages if each.index is not None]) == 2


@pytest.mark.parametrize(
    "start", [b"", b"{", b'{"log"', b'{"log": {"entries": {', b'{"log": {"a": 1 "entries": []']
)
def test_no_entries(start: bytes) -> None:
    captured, damages = _read(start)
    assert captured == []
    assert len(damages) == 1


def test_members_after_the_entries_and_none() -> None:
    assert _read(_har()) == ([], [])
    assert _read(b'{"log": {"entries": [ ] , "a": {"b": [1]}, "c": null} , "d": "e"} \n') == ([], [])
    assert len(_read(b'{"log": {"entries": []}} x')[1]) == 1


@given(st.integers(1, 400))
def test_chunk_size_makes_no_difference(chunk: int) -> None:
    data = _har(_entry(0), _entry(1, response={"content": {"text": '\\"}{][' * 50}}), {"bad": 1}, _entry(3))
    assert _read(data, chunk) == _read(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4), st.integers(1, 60), st.sampled_from([None, 1]))
def test_splits_as_json_does(values: list[Any], chunk: int, indent: int | None) -> None:
    entries = [_entry(number, _more=value) for number, value in enumerate(values)]
    har = {"first": values, "log": {"pages": values, "entries": entries, "last": values}, "more": values}
    captured, damages = _read(json.dumps(har, indent=indent).encode(), chunk)
    assert damages == []
    assert [each.exchange.query for each in captured] == [f"n={number}" for number in range(len(values))]


def test_nested_deeper_than_one_match() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = {"parent": [deep]}
    assert _only(_entry(_initiator=deep)).answer


def test_ids_are_stable_and_apart() -> None:
    ids = [each.exchange.exchange_id for each in _read(_har(_entry(), _entry()))[0]]
    assert ids == [each.exchange.exchange_id for each in _read(_har(_entry(), _entry()))[0]]
    assert ids[0] != ids[1]


# In batches, or one by one: the same.


def _alone(data: bytes, chunk: int = 4096) -> tuple[list[Captured], list[Damage]]:
    """The careful way alone: no seam is ever found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(har, "_seam", lambda _: b"")
        return _read(data, chunk)


DAMAGED = {
    "no JSON": '{"a": nope}',
    "brackets": '{"a": [1}, 2]',
    "a lost quote": '{"startedDateTime": "lost quote, "request": {"method": "GET", "url": "https://a/"}}',
    "wrong shape": '{"startedDateTime": "x", "request": {"method": "GET", "url": 7}}',
    "a number": "7",
    "nothing": "",
    "a comma too many": ",",
    "of other types": json.dumps(_entry(12, time="5", response={"status": "200", "content": {"size": "x"}})),
    "half a surrogate": json.dumps(_entry(7, response={"content": {"text": "\ud800"}})),
    "a seam in a string": json.dumps(_entry(8, _note=',{"startedDateTime":')),
    "an entry within": json.dumps(_entry(9, _parent=[_entry(10), _entry(11)])),
    "not UTF-8": '{"startedDateTime": "x", "request": {"method": "GET", "url": "\udcff"}}',
}
"""What stands for an entry between sound ones, and is none, or one that is hard to read."""
_STYLES: list[dict[str, Any]] = [{}, {"indent": 1}, {"indent": 4}, {"separators": (",", ":")}]


def _with(odd: list[str], style: dict[str, Any], first: str) -> bytes:
    """Each odd text among sound entries, of which every third begins in another way."""
    texts: list[str] = []
    for number, text in enumerate(["", *odd]):
        texts += [text] if number else []
        for place in range(3):
            entry = _entry(10 * number + place)
            texts.append(json.dumps(({first: 1} if place else {}) | entry, **style))
    comma = "," if "separators" in style else ",\n"
    text = f'{{"log": {{"entries": [{comma.join(texts)}]}}}}'
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("first", ["startedDateTime", "_initiator", "pageref", "time"])
@pytest.mark.parametrize("style", _STYLES, ids=str)
@pytest.mark.parametrize("odd", DAMAGED)
def test_a_batch_with_an_odd_entry_is_read_as_one_by_one(odd: str, style: dict[str, Any], first: str) -> None:
    data = _with([DAMAGED[odd]], style, first)
    assert _read(data) == _alone(data)
    assert _read(data)[0][0].exchange.query == "n=0"


@given(
    st.lists(st.sampled_from(sorted(DAMAGED.values())), max_size=4),
    st.sampled_from(_STYLES),
    st.sampled_from(["startedDateTime", "_initiator"]),
    st.integers(1, 5000),
    st.integers(100, 8000),
    st.integers(0, 10**6),
    st.binary(max_size=3),
)
def test_batches_read_what_is_read_one_by_one(
    odd: list[str], style: dict[str, Any], first: str, chunk: int, size: int, at: int, other: bytes
) -> None:
    data = _with(odd, style, first)
    at %= len(data)
    data = data[:at] + other + data[at + len(other) :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(har, "_BATCH_SIZE", size)
        assert _read(data, chunk) == _alone(data)


def test_sound_entries_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the first, which shows how entries begin, and the last, which nothing follows."""
    singly: list[bytes] = []
    decoded = har.decoded
    monkeypatch.setattr(har, "decoded", lambda text: singly.append(text) or decoded(text))
    for style in _STYLES:
        singly.clear()
        captured, _ = _read(_with([], style, "startedDateTime"))
        assert len(captured) == 3
        assert len(singly) == 2, style


def test_what_is_passed_by_counts_and_is_asked_about_once() -> None:
    asked: list[tuple[str, str]] = []

    def passes_by(method: str, path: str, query: str) -> bool:
        asked.append((method, path))
        return len(asked) % 2 == 0

    data = _with([DAMAGED["wrong shape"], DAMAGED["no JSON"]], {}, "startedDateTime")
    found = list(read_har(Window(io.BytesIO(data)), passes_by))
    captured, damages = _read(data)
    assert asked == [("POST", "/v1/p/cloudservers")] * len(captured)
    assert [each for each in found if isinstance(each, Captured)] == captured[::2]
    assert [each for each in found if isinstance(each, Damage)] == damages
