"""Rotated files: compressed, deleted, rescued; a crash at any moment costs nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from zstandard import ZstdCompressor, ZstdDecompressor

from taskaudit.log import tidying
from taskaudit.log.settings import LogSettings
from taskaudit.log.tidying import Orphan, Tidier, compress, rescue, tidied

ZSTD = LogSettings(compress="zstd")
TEXT = b'{"some": "line"}\n' * 100_000


@pytest.fixture
def full(tmp_path: Path) -> Callable[[int], Path]:
    """Makes rotated files of the log `log`."""

    def make(number: int, text: bytes = TEXT) -> Path:
        path = tmp_path / f"log.20260921T141320Z-{number:03}"
        path.write_bytes(text)
        return path

    return make


Full = Callable[..., Path]


def unpacked(path: Path) -> bytes:
    with path.open("rb") as file, ZstdDecompressor().stream_reader(file, read_across_frames=True) as text:
        return text.read()


def tidy(tmp_path: Path, settings: LogSettings = ZSTD) -> list[str]:
    return list(tidied(tmp_path / "log", settings))


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name.removeprefix("log.20260921T141320Z-") for path in tmp_path.iterdir())


def test_a_compressed_file_takes_the_place_of_its_original(tmp_path: Path, full: Full) -> None:
    path = full(1)
    path.chmod(0o640)
    os.utime(path, (1_790_000_000, 1_790_000_000))
    before = path.stat()
    compress(path)
    (packed,) = tmp_path.iterdir()
    assert packed.name == path.name + ".zst"
    assert unpacked(packed) == TEXT
    assert packed.stat().st_size < len(TEXT) / 10
    assert (packed.stat().st_mode, packed.stat().st_mtime) == (before.st_mode, before.st_mtime)


def test_each_frame_holds_whole_lines(full: Full) -> None:
    path = full(1)
    compress(path)
    first = ZstdDecompressor().decompress(path.with_name(path.name + ".zst").read_bytes())
    assert 0 < len(first) < len(TEXT)
    assert first.endswith(b"\n")


def test_all_that_is_not_compressed_is(tmp_path: Path, full: Full) -> None:
    for number in (1, 2, 3):
        full(number)
    (tmp_path / "log").touch()
    assert tidy(tmp_path) == []
    assert names(tmp_path) == ["001.zst", "002.zst", "003.zst", "log"]
    assert tidy(tmp_path) == []


@pytest.mark.parametrize(
    ("left", "after"),
    [
        ({"001": TEXT, "001.zst.tmp": b"half"}, ["001.zst"]),
        ({"001": TEXT, "001.zst": ZstdCompressor().compress(TEXT)}, ["001.zst"]),
        ({"001.zst": ZstdCompressor().compress(TEXT), "001.zst.tmp": b""}, ["001.zst"]),
        ({"001.tmp": b"half of a rescue"}, []),
    ],
)
def test_what_a_crash_left_is_put_right(tmp_path: Path, left: dict[str, bytes], after: list[str]) -> None:
    for name, content in left.items():
        (tmp_path / f"log.20260921T141320Z-{name}").write_bytes(content)
    assert tidy(tmp_path) == []
    assert names(tmp_path) == after
    assert all(unpacked(path) == TEXT for path in tmp_path.iterdir())


def test_a_stranger_in_the_place_of_the_compressed_file_is_left(tmp_path: Path, full: Full) -> None:
    path = full(1)
    path.with_name(path.name + ".zst").write_bytes(ZstdCompressor().compress(TEXT[:-1]))
    (told,) = tidy(tmp_path)
    assert "holds something else" in told
    assert names(tmp_path) == ["001", "001.zst"]


def test_what_cannot_be_compressed_stays(tmp_path: Path, full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    full(1)

    def is_full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", is_full)
        (told,) = tidy(tmp_path)
    assert told == "log.20260921T141320Z-001 cannot be compressed: No space left on device"
    assert names(tmp_path) == ["001"]


def test_a_stop_leaves_the_rest_for_the_next_start(tmp_path: Path, full: Full) -> None:
    full(1)
    asked = iter([False, True])
    assert list(tidied(tmp_path / "log", ZSTD, lambda: next(asked))) == []
    assert names(tmp_path) == ["001"]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (LogSettings(keep_files=2), ["003.zst", "004"]),
        (LogSettings(keep_files=9), ["001", "001.zst", "002", "003.zst", "004"]),
        (LogSettings(keep_days=1.5), ["002", "003.zst", "004"]),
        (LogSettings(keep_days=1.5, keep_files=1), ["004"]),
        (LogSettings(), ["001", "001.zst", "002", "003.zst", "004"]),
    ],
)
def test_what_is_too_old_or_too_much_is_deleted(
    tmp_path: Path, full: Full, settings: LogSettings, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, name in enumerate(["004", "003.zst", "002", "001", "001.zst"], 0):
        path = tmp_path / f"log.20260921T141320Z-{name}"
        path.touch()
        days = min(age, 3) if name != "002" else 1
        os.utime(path, (1_790_000_000 - days * 86400,) * 2)
    for name in ("other", "log", "log.1"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    monkeypatch.setattr(tidying.time, "time", lambda: 1_790_000_000.0)
    if settings.keep_days:
        os.utime(tmp_path / "log.20260921T141320Z-003.zst", (1_790_000_000 - 3600,) * 2)
    assert tidy(tmp_path, settings) == []
    assert names(tmp_path) == [*kept, "log", "log.1", "other"]


def test_a_deleted_file_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(TEXT)
    path.chmod(0o640)
    fd = os.open(path, os.O_RDWR)
    path.unlink()
    rescue(Orphan(fd, tmp_path / "rescued"))
    os.close(fd)
    assert [each.name for each in tmp_path.iterdir()] == ["rescued"]
    assert (tmp_path / "rescued").read_bytes() == TEXT
    assert (tmp_path / "rescued").stat().st_mode & 0o777 == 0o640


def test_a_rescue_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("another's")
    (tmp_path / "log").write_text("ours")
    fd = os.open(tmp_path / "log", os.O_RDWR)
    with pytest.raises(FileExistsError):
        rescue(Orphan(fd, tmp_path / "taken"))
    os.close(fd)
    assert (tmp_path / "taken").read_text() == "another's"


def orphan(folder: Path) -> int:
    folder.mkdir()
    fd = os.open(folder / "log", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"a\nb\n")
    (folder / "log").unlink()
    folder.rmdir()
    return fd


def test_what_cannot_be_rescued_is_counted(tmp_path: Path) -> None:
    told: list[str] = []
    tidier = Tidier(tmp_path / "gone" / "log", told.append)
    tidier.rescue(orphan(tmp_path / "gone"), tmp_path / "gone" / "rescued")
    assert tidier.close() == 2
    assert told == ["a deleted log cannot be saved as rescued: No such file or directory"]


def test_a_rescue_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "RETRY", 0.01)
    told: list[str] = []
    rescued = threading.Event()

    def tell(trouble: str) -> None:
        told.append(trouble)
        (tmp_path / "gone").mkdir()

    def rescue_and_say(orphan: Orphan) -> None:
        rescue(orphan)
        rescued.set()

    monkeypatch.setattr(tidying, "rescue", rescue_and_say)
    tidier = Tidier(tmp_path / "gone" / "log", tell)
    tidier.rescue(orphan(tmp_path / "gone"), tmp_path / "gone" / "rescued")
    assert rescued.wait(30)
    assert tidier.close() == 0
    assert len(told) == 1


def test_what_can_be_rescued_at_the_end_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    tidier = Tidier(tmp_path / "gone" / "log", told.append)
    tidier.rescue(orphan(tmp_path / "gone"), tmp_path / "gone" / "rescued")
    (tmp_path / "gone").mkdir()
    assert tidier.close() == 0
    assert (tmp_path / "gone" / "rescued").read_bytes() == b"a\nb\n"


def test_the_thread_does_what_is_asked(tmp_path: Path, full: Full) -> None:
    path = full(1)
    tidier = Tidier(tmp_path / "log", pytest.fail)
    tidier.tidy(LogSettings(keep_files=1))
    tidier.close()
    assert path.exists()
    assert Tidier(tmp_path / "log", pytest.fail).close() == 0
