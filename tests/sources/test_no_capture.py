"""What is no capture is called by its name, with what to do."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.sources.captured import Captured, Damage, Skipped
from taskaudit.sources.no_capture import what_it_is
from taskaudit.sources.reading import Met, read
from taskaudit.sources.window import Window

ENTRY = {"startedDateTime": "2026-03-02T09:00:00Z", "request": {}, "response": {}}
CHARLES = [{"status": "COMPLETE", "method": "POST", "protocolVersion": "HTTP/1.1", "actualPort": 443}]
NO_CAPTURES = [
    (b"", "an empty file"),
    (b" \r\n\t", "an empty file"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "a picture (PNG)"),
    (b"\xff\xd8\xff\xe0\x00", "a picture (JPEG)"),
    (b"GIF89a\x01\x00", "a picture (GIF)"),
    (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "a picture (WebP)"),
    (b"%PDF-1.7\n", "a PDF document"),
    (bytes(257) + b"ustar\x0000", "a tar archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive: unpack it"),
    (b"Rar!\x1a\x07\x01\x00", "a RAR archive: unpack it"),
    (b"BZh91AY", "bzip2: unpack it"),
    (b"\xfd7zXZ\x00\x00", "xz: unpack it"),
    (b"\xd4\xc3\xb2\xa1\x02", "a packet capture"),
    (b"\xac\xed\x00\x05sr", "a session of Charles: export it as HAR"),
    (json.dumps(CHARLES).encode(), "a session of Charles in JSON: export it as HAR"),
    (b'{"info": {"_postman_id": "1"}}', "a collection of Postman"),
    (b'{"log": {"version": "1.2", "pages": []}}', 'a "log" that has no "entries", as a HAR has: save a HAR'),
    (json.dumps([ENTRY]).encode(), 'entries of a HAR without their "log": save a HAR'),
    (json.dumps({"entries": [ENTRY]}).encode(), 'entries of a HAR without their "log": save a HAR'),
    (json.dumps(ENTRY).encode(), 'entries of a HAR without their "log": save a HAR'),
    (b'onInputData({"log": {"entries": []}});', "JSONP"),
    (b'notice: both are given\n{\n  "job_id": "8ab1"\n}\n', "text before JSON: give the JSON alone"),
    (b"curl: (7) Failed to connect to a\n", "the message of a command that got no answer"),
    (b"*   Trying 10.0.0.1:443...\ncurl: (7) Failed to connect\n", "a command that got no answer"),
    (b"http: error: ConnectionError\n", "the message of a command that got no answer"),
    (b"hello {world}\n", "text, and none of what is read: a HAR"),
    (b"\x00\x01\x02hello", "binary data, and none of what is read: a HAR"),
    (
        b'{"timestamp":"2026-01-02T03:04:05Z","event_type":"session","session":{}}\n',
        "read it with: taskaudit jobs",
    ),
    (b"2026-03-02T09:00:00Z [INFO] started\n", "expected requests of a provider in a log, found none"),
]


@pytest.mark.parametrize(("data", "said"), NO_CAPTURES)
def test_what_is_named_is_told_what_it_is(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "given.txt"
    path.write_bytes(data)
    (damage,) = read(path)
    assert isinstance(damage, Damage)
    assert said in damage.message
    assert damage.where == ""


@pytest.mark.parametrize(("data", "said"), NO_CAPTURES)
def test_what_was_met_in_a_folder_is_skipped(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "met.txt"
    path.write_bytes(data)
    (skipped,) = read(Met(path))
    assert isinstance(skipped, Skipped)
    assert said in skipped.message


BODIES = [b"{}", b"[]", b'"x"', b"-1", b"7", b"true", b"false", b"null", b"\n {", b"<p>", b"\xef\xbb\xbf{}"]


@pytest.mark.parametrize("data", BODIES)
def test_what_begins_like_a_body_is_one(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "named"
    path.write_bytes(data)
    (captured,) = read(path)
    assert isinstance(captured, Captured)
    (skipped,) = read(Met(path))
    assert isinstance(skipped, Skipped)


@pytest.mark.parametrize("name", ["a.json", "a.JSON", "a.json.gz"])
@pytest.mark.parametrize("data", [b"", b"oops", b"#"])
def test_what_is_called_json_is_a_body(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    (captured,) = read(path)
    assert isinstance(captured, Captured)


@pytest.mark.parametrize("data", [b'{"job_id": "8ab1"}', b'{"error": {}}', b'{"error": {"code": XXX'])
def test_a_body_that_names_an_envelope_is_read_in_a_folder(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "met"
    path.write_bytes(data)
    (captured,) = read(Met(path))
    assert isinstance(captured, Captured)


@given(st.binary(max_size=2000))
def test_never_raises(data: bytes) -> None:
    window = Window(io.BytesIO(data))
    assert what_it_is(window)
    assert window.at == 0
