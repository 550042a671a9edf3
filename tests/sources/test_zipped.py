"""Zip archives are read as folders."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.sources import zipped as under_test
from taskaudit.sources.captured import Captured, Damage, Skipped
from taskaudit.sources.reading import Met, read

JOB = '{"job_id": "8ab1"}'
RAW = f"HTTP/1.1 202 Accepted\r\n\r\n{JOB}"
MEMBERS: dict[str, str | bytes] = {
    "b/job.json": JOB,
    "a.txt": RAW,
    "notes.md": "# What I did",
    "c.gz": gzip.compress(RAW.encode()),
}


def packed(members: dict[str, str | bytes], method: int = ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def found(data: bytes) -> list[tuple[type, str]]:
    return [(type(each), each.member) for each in read(io.BytesIO(data), chunk=100)]


IN_ORDER = [(Captured, "b/job.json"), (Captured, "a.txt"), (Skipped, "notes.md"), (Captured, "c.gz")]


@pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_STORED])
def test_members_are_read_in_order(method: int) -> None:
    assert found(packed(MEMBERS, method)) == IN_ORDER


def test_of_a_path(tmp_path: Path) -> None:
    path = tmp_path / "captures.bin"
    path.write_bytes(packed(MEMBERS))
    assert [(type(each), each.member) for each in read(path)] == IN_ORDER


def test_hidden_files_and_folders_are_passed_over() -> None:
    assert found(packed({"__MACOSX/._a": JOB, ".git/a.json": JOB, "d/": "", "x.json": JOB})) == [
        (Captured, "x.json")
    ]


def test_bodies_beside_a_har_are_no_answers_of_their_own() -> None:
    har = '{"log": {"version": "1.2", "entries": []}}'
    body = f"{'0a' * 20}.json"
    assert found(packed({"har.har": har, body: JOB})) == []
    assert found(packed({body: JOB})) == [(Captured, body)]


def test_an_archive_in_an_archive_is_not_followed() -> None:
    kinds = found(packed({"inner.zip": packed(MEMBERS), "x.json": JOB}))
    assert kinds == [(Skipped, "inner.zip"), (Captured, "x.json")]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "a zip archive without a capture"),
        ({"a.md": "# Hi", "package.json": '{"name": "x"}'}, "a zip archive without a capture"),
        ({"raw/1_c.txt": "GET / HTTP/1.1", "raw/1_s.txt": RAW}, "a session of Fiddler: export it as HAR"),
    ],
)
def test_an_archive_without_a_capture(tmp_path: Path, members: dict[str, str | bytes], said: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(packed(members))
    *skipped, last = read(path)
    assert isinstance(last, Damage)
    assert said in last.message
    assert all(isinstance(each, Skipped) for each in skipped)
    assert all(isinstance(each, Skipped) for each in read(Met(path)))


def test_a_member_that_is_encrypted_is_damage() -> None:
    data = bytearray(packed(MEMBERS))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    first, *others = read(io.BytesIO(bytes(data)))
    assert isinstance(first, Damage)
    assert (first.member, "encrypted" in first.message) == ("b/job.json", True)
    assert [each.member for each in others] == ["a.txt", "notes.md", "c.gz"]


def test_what_comes_before_and_after_damage_is_read() -> None:
    entry = '{"request": {"method": "POST", "url": "https://a/b"}, "response": {"status": 200}, "n": %d}'
    har = f'{{"log": {{"entries": [{", ".join(entry % n for n in range(5000))}]}}}}'
    data = bytearray(packed({"a.har": har, "b.json": JOB}))
    middle = data.index(b"PK\x03\x04", 4) // 2
    data[middle : middle + 64] = b"\xff" * 64
    kinds = found(bytes(data))
    assert kinds[0] == (Captured, "a.har")
    assert (Damage, "a.har") in kinds
    assert kinds[-1] == (Captured, "b.json")


def test_an_archive_that_was_cut() -> None:
    (damage,) = read(io.BytesIO(packed(MEMBERS)[:-60]))
    assert isinstance(damage, Damage)
    assert "is it all there?" in damage.message


def test_a_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MOST_EXPANDED", 1 << 20)
    kinds = list(read(io.BytesIO(packed({"a.json": b"{" + b" " * (8 << 20), "b.json": JOB})), 16 << 20))
    assert any(isinstance(each, Damage) and "expands to" in each.message for each in kinds)
    assert isinstance(kinds[-1], Captured)


def test_many_members_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "MOST_MEMBERS", 2)
    *_, last = read(io.BytesIO(packed(MEMBERS)))
    assert isinstance(last, Damage)
    assert "expected 2 files in the archive at most, found 4" in last.message


@given(st.integers(0, 700), st.binary(min_size=1, max_size=4))
def test_never_raises(at: int, data: bytes) -> None:
    whole = packed(MEMBERS)
    list(read(io.BytesIO(whole[:at] + data + whole[at + len(data) :])))
