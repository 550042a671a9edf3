"""What a source holds is told by looking at it; what cannot be read is told, never raised."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import Format, expand, format_of, read
from taskaudit.sources.window import Window
from tests.fuzz_inputs import seeds


def _flow_file() -> bytes:
    file = io.BytesIO()
    FlowWriter(file).add(tflow.tflow(resp=True))
    return file.getvalue()


HAR = b'{"log": {"version": "1.2", "entries": []}}'
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (_flow_file(), Format.FLOWS),
        (b"\x00" + _flow_file()[1:], Format.FLOWS),
        (HAR, Format.HAR),
        (BOM + b" \n" + HAR, Format.HAR),
        (b" " * 5000 + HAR, Format.HAR),
        (b'{"_first": {"log": "}"}, "n": -1.5e3, "t": true, ' + HAR[1:], Format.HAR),
        (b'{"log": {"pages": [' + b'{"id": "x"},' * 5000 + b'{}], "entries": [', Format.HAR),
        (b"HTTP/1.1 200 OK\r\n\r\n", Format.RAW),
        (b"HTTP/2 202", Format.RAW),
        (BOM + b"HTTP/1.1 200 OK\r\n\r\n", Format.RAW),
        (b'{"job_id": "x"}', Format.BARE),
        (b'{"log": "entries"}', Format.BARE),
        (b'{"log": {"message": "entries"}}', Format.NONE),
        (b'{"log": {"version"', Format.BROKEN_HAR),
        (b'{"lug": {"creator": {}, "entries": [{', Format.BROKEN_HAR),
        (b'\x00"log": {"version": "1.2", "entries": [{', Format.BROKEN_HAR),
        (b'{"log": {"version": "1.2", "entr\xffes": [{"startedDateTime": "', Format.BROKEN_HAR),
        (b'{"log": {"entries": {"startedDateTime": ""}}}', Format.HAR),
        (b'{"job_id": "x", "log": [], "creator": "", "entries": []}', Format.BARE),
        (b'[{"log": 1}]', Format.BARE),
        (b'"12:3:abc;"', Format.BARE),
        (b"", Format.NONE),
        (b" \n", Format.NONE),
        (b"12", Format.BARE),
        (b"HTTP", Format.NONE),
        (b"POST /v1 HTTP/1.1\r\nHost: a\r\n\r\n", Format.RAW),
        (b"*   Trying\n> POST /v1 HTTP/1.1\n> Host: a\n", Format.TRANSCRIPT),
        (b"< HTTP/2 200 \n< a: b\n", Format.TRANSCRIPT),
        (b"2024-01-24T18:09:50.540+0800 [DEBUG] provider.x: API Request URL: GET a", Format.TERRAFORM),
        (b'{"@level":"info","@message":"Terraform version: 1.7.0"}', Format.TERRAFORM),
        (b"<html>", Format.BARE),
        (b"\xff\xfe\x00", Format.NONE),
    ],
)
@pytest.mark.parametrize("chunk", [3, 4096])
def test_format(data: bytes, held: Format, chunk: int) -> None:
    assert format_of(Window(io.BytesIO(data), chunk=chunk)) == held


def test_each_format_is_read() -> None:
    """What is told apart is also read: one that is not would be passed over without a word."""
    given = {
        Format.FLOWS: seeds()["flow"][0],
        Format.HAR: seeds()["har"][0],
        Format.BROKEN_HAR: b"\x00" + seeds()["har"][0][1:],
        Format.RAW: b"HTTP/1.1 200 OK\r\n\r\n{}",
        Format.TRANSCRIPT: b"< HTTP/1.1 200 OK\n<\n{}",
        Format.TERRAFORM: b"[DEBUG] API Request URL: GET https://a/b",
        Format.NONE: b"text",
        Format.LOG: b'{"timestamp":"2026-09-21T14:13:20.000000Z","event_type":"session","session":{}}\n',
        Format.BARE: b"{}",
    }
    assert set(given) == set(Format)
    for held, data in given.items():
        assert format_of(Window(io.BytesIO(data))) is held
        assert list(read(io.BytesIO(data))), held


@given(st.binary(max_size=300))
@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\n", HAR[:-3], HAR[:-3] + b"{", b"12:9:websocket;"]
)
def test_never_raises(start: bytes, data: bytes) -> None:
    list(read(io.BytesIO(start + data), chunk=50))


def test_progress_tells_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"{}" * 5000)
    told: list[int] = []
    assert len(list(read(path, advance=told.append, chunk=1000))) == 1
    assert sum(told) == 10000


def test_a_huge_bare_body_is_not_read_whole() -> None:
    stream = io.BytesIO(b"7" * 1_000_000)
    (found,) = read(stream, limit=100, chunk=1000)
    assert isinstance(found, Captured)
    assert found.exchange.answer
    assert len(found.exchange.answer.body) == 101
    assert stream.tell() < 200_000


@pytest.mark.parametrize(("name", "why"), [("none", "no such file"), (".", "is a directory")])
def test_unreadable(tmp_path: Path, name: str, why: str) -> None:
    (found,) = read(tmp_path / name)
    assert isinstance(found, Damage)
    assert found.where == str(tmp_path / name)
    assert why in found.message


def test_expand(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", ".hidden", "b/.git/x", "c/d/e"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in expand([tmp_path])]
    assert found == ["a", "b/1", "b/2", "c/d/e"]
    named = [Path("-"), tmp_path / ".hidden", tmp_path / "none"]
    assert list(expand(named)) == named


def test_standard_input_and_no_mitmproxy_for_json() -> None:
    program = (
        "import sys; from pathlib import Path; from taskaudit.sources.reading import read\n"
        "print(len(list(read(Path('-')))), [m for m in sys.modules if m.startswith('mitmproxy')])"
    )
    run = subprocess.run([sys.executable, "-c", program], input=HAR[:-3] + b"{}]}}", capture_output=True)
    assert run.stdout.split() == [b"1", b"[]"], run.stderr


def test_a_log_of_ours_is_no_capture() -> None:
    log = b'{"timestamp":"2026-01-02T03:04:05.000006Z","event_type":"session","schema_version":1}\n'
    (damage,) = read(io.BytesIO(log))
    assert isinstance(damage, Damage)
    assert "taskaudit jobs" in damage.message
