"""What `tests/fuzz.py` feeds to `check`: captures of all kinds, and changes that leave little of them."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import brotli
import zstandard
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from mitmproxy.io import tnetstring

from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example
from tests import hostile

KINDS = ("body", "raw", "har", "flow", "curl", "terraform", "packed")
"""What `check` takes."""
SAMPLES = Path(__file__).parent / "data" / "fuzz"
"""Inputs that once broke something, by the kind that their names begin with."""

# Seeds: the rules' examples, hostile text in each place, and what once broke something.


def _bodies() -> Iterator[bytes]:
    yield from (b"", b"[]", b'{"order_id": "1"}', b'\xef\xbb\xbf{"job_id": "8ab1"}')
    for rule in RULES.values():
        yield from (each.sent for each in (rule.bad, rule.good) if isinstance(each, Example))
    yield from (json.dumps({"job_id": text, "error": {"message": text}}).encode() for text in _TEXTS)


_TEXTS = tuple(hostile.TEXTS.values())


def _answers() -> Iterator[bytes]:
    for rule in RULES.values():
        for each in (rule.bad, rule.good):
            if isinstance(each, Example):
                headers = {"Content-Type": each.content_type, "Content-Encoding": each.content_encoding}
                named = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
                yield f"HTTP/1.1 {each.status} OK\r\n{named}\r\n".encode() + each.sent
    body = b'{"job_id": "8ab1"}'
    yield b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n" + body
    yield b"HTTP/2 200 \r\ncontent-type: application/json\r\n\r\n" + body
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + body + b"\r\n0\r\n\r\n"
    for name, packed in _CODINGS.items():
        yield f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\n\r\n".encode() + packed(body)
        yield f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\n\r\n".encode() + packed(bytes(1 << 24))


def _verbose() -> Iterator[bytes]:
    """Answers as `curl -v` prints them, with their requests."""
    asked = b"*   Trying 192.0.2.1...\n> POST /v1/p/cloudservers HTTP/1.1\n> Host: ecs.example.com\n> \n"
    for answer in _answers():
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = b"".join(b"< " + line + b"\r\n" for line in [*head.split(b"\r\n"), b""])
        yield asked + lines + body + b"* Connection #0 to host ecs.example.com left intact\n"


def _logs() -> Iterator[bytes]:
    """Bodies as Terraform's providers log them: in one message, line by line, and as JSON."""
    at, provider = b"2026-03-02T09:00:00.000+0800", b"provider.terraform-provider-huaweicloud"
    for body in _bodies():
        parts = [
            b"API Request URL: POST https://ecs.example.com/v1/p/cloudservers",
            b"API Response Code: 202\nAPI Response Headers:\nContent-Type: application/json",
            b"API Response Body: " + body,
        ]
        yield b"".join(b"%s [DEBUG] %s: %s: timestamp=%s\n" % (at, provider, part, at) for part in parts)
        lines = [b"2026/03/02 09:00:00 [DEBUG] " + line for part in parts for line in part.split(b"\n")]
        yield b"".join(b"%s [DEBUG] %s_v1: %s\n" % (at, provider, line) for line in lines)
        records = [{"@message": part.decode("utf-8", "replace"), "@module": "provider.x"} for part in parts]
        yield b"".join(json.dumps({"@level": "debug", **each}).encode() + b"\n" for each in records)


def _archive(members: Iterable[bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(members):
            archive.writestr(f"{number}.txt", data)
    return file.getvalue()


_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: bytes(brotli.compress(data, quality=3)),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


@cache
def seeds() -> dict[str, list[bytes]]:
    """What inputs are made of, by kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = [list(hostile.entries(hostile.Planted(text))) for text in _TEXTS[:6]]
        made = {
            "body": list(_bodies()),
            "raw": list(_answers()),
            "har": [hostile.har(folder, each).read_bytes() for each in listed],
            "flow": [hostile.flow_file(folder, each[:4]).read_bytes() for each in listed],
        }
    made["har"].append(b"\x00" + made["har"][0][1:])
    made["curl"] = list(_verbose())
    made["terraform"] = list(_logs())
    small = [made[kind][0] for kind in ("har", "flow", "curl", "terraform")]
    made["packed"] = [
        pack(each) for each in small for pack in (gzip.compress, zlib.compress, _CODINGS["zstd"])
    ]
    made["packed"] += [_archive(small), ("\ufeff" + small[0].decode()).encode("utf-16-le")]
    for kind, known in made.items():
        known += [path.read_bytes() for path in sorted(SAMPLES.glob(f"{kind}-*"))]
    return made


# Changes: of bytes, and of values within a structure that stays whole.

_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"null", b"NaN", b"1e999", b"-0", b"\\ud800", b"\xff"),
    *(b"\x00", b"\x1b[2J", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"//", b'"job_id":'),
    *(b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"9" * 400, b"99999999:", b"0:~"),
    *(b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"[" * 3000, b"1" * 5000),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -1e-308, float("nan"), float("inf"), 10**30, "", " ", "\x00"),
    *("\x1b[2J", "null", [], {}, [[]], {"job_id": 1}, {"log": {"entries": []}}, "x" * 5000, "h2", "base64"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "http://[::1", "//", "http://a:99999/", "\u202e"),
)

_places = st.integers(0, 1 << 20)
_edits = st.lists(
    st.tuples(st.sampled_from(["cut", "drop", "insert", "flip", "repeat"]), _places, st.integers(0, 300)),
    max_size=5,
)
_grafts = st.lists(
    st.tuples(
        st.lists(st.integers(0, 40), max_size=9),
        st.sampled_from(["set", "drop", "add"]),
        st.sampled_from(_VALUES),
    ),
    max_size=4,
)


def edited(data: bytes, edits: Iterable[tuple[str, int, int]]) -> bytes:
    """The bytes with a few changed: cut short, left out, put in, turned over, said again."""
    for what, place, size in edits:
        at = place % (len(data) + 1)
        match what:
            case "cut":
                data = data[:at]
            case "drop":
                data = data[:at] + data[at + size :]
            case "insert":
                data = data[:at] + _TOKENS[size % len(_TOKENS)] + data[at:]
            case "flip":
                data = data[:at] + bytes([size % 256]) + data[at + 1 :]
            case _:
                data = data[: at + size] + data[at:]
    return data


def grafted(value: Any, grafts: Iterable[tuple[list[int], str, Any]]) -> Any:
    """The structure with some values replaced, left out or added."""
    for path, what, new in grafts:
        _graft(value, path, what, new)
    return value


def _graft(value: Any, path: list[int], what: str, new: Any) -> None:
    for step in path[:-1]:
        inner = _child(value, step)
        if not isinstance(inner, list | dict) or not inner:
            break
        value = inner
    if not isinstance(value, list | dict) or not value:
        return
    key = _key(value, path[-1] if path else 0)
    if what == "drop":
        del value[key]
    elif what == "set":
        value[key] = new
    elif isinstance(value, list):
        value.append(new)
    else:
        value[key + key] = new


def _key(value: Any, step: int) -> Any:
    keys = range(len(value)) if isinstance(value, list) else list(value)
    return keys[step % len(keys)]


def _child(value: Any, step: int) -> Any:
    return value[_key(value, step)] if value else None


def _regrown_har(data: bytes, grafts: Any) -> bytes:
    try:
        return json.dumps(grafted(json.loads(data), grafts)).encode()
    except ValueError:
        return data  # A sample that is not JSON.


def _regrown_flow(data: bytes, grafts: Any) -> bytes:
    stream, flows = io.BytesIO(data), []
    try:
        while stream.tell() < len(data):
            flows.append(tnetstring.load(stream))
        return b"".join(tnetstring.dumps(flow) for flow in grafted(flows, grafts))
    except (ValueError, TypeError):
        return data


def _packed(coding: str, body: bytes, edits: Any, chunks: int) -> bytes:
    """A raw response whose body is encoded, and comes in chunks."""
    body = edited(_CODINGS[coding](body), edits)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\n"
    if not chunks:
        return f"{head}\r\n".encode() + body
    size = max(1, len(body) // chunks)
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + framed + b"0\r\n\r\n"


_NAMES = ("job_id", "error", "message", "code", "details", "jobId", "status", "entities", "order_id", "x")
_json = st.recursive(
    st.sampled_from(_VALUES[:20]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())


def inputs(kind: str) -> SearchStrategy[bytes]:
    """Inputs of one kind."""
    known = st.sampled_from(seeds()[kind])
    match kind:
        case "body":
            whole: SearchStrategy[bytes] = known | _json
        case "raw":
            bodies = st.sampled_from(seeds()["body"]) | _json
            whole = known | st.builds(
                _packed, st.sampled_from(sorted(_CODINGS)), bodies, _edits, st.integers(0, 4)
            )
        case "har":
            whole = st.builds(_regrown_har, known, _grafts)
        case "curl" | "terraform" | "packed":
            whole = known
        case _:
            whole = st.builds(_regrown_flow, known, _grafts)
    return st.builds(edited, whole, _edits)
