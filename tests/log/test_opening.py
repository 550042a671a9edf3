"""Opening: what is not ours is left alone, what a crash left is put aside."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit.log import LogError, LogFile, opening, read_log
from taskaudit.log.opening import is_at, lock, open_log, unlock

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and locks")


FOREIGN = [
    b"not a log\n",
    b"x",
    b"\n",
    b"{}\n",
    b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"submission"}\n',
    b'{"timestamp":"now","event_type":"session"}\n',
    b'{"timestamp":\n',
    b"\x00" * 200,
    b'{"event_type":"session"}\n',
]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(log_path: Path, content: bytes) -> None:
    log_path.write_bytes(content)
    with pytest.raises(LogError, match="is not a log of taskaudit"):
        LogFile(log_path)
    with pytest.raises(LogError, match="is not a log of taskaudit"):
        list(read_log(log_path))
    assert log_path.read_bytes() == content
    assert list(log_path.parent.iterdir()) == [log_path]


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "log"):
        with pytest.raises(LogError, match=f"{path}: "):
            LogFile(path)
        with pytest.raises(LogError, match=f"{path}: "):
            list(read_log(path))


def aside(log_path: Path) -> list[Path]:
    return list(log_path.parent.glob(f"{log_path.name}.partial-*"))


def test_a_partial_last_line_is_put_aside_wherever_it_was_cut(written: bytes, log_path: Path) -> None:
    whole = written[: written.rindex(b"\n", 0, -1) + 1]
    for end in range(len(whole) + 1, len(written)):
        log_path.write_bytes(written[:end])
        log = LogFile(log_path)
        log.close()
        assert log_path.read_bytes() == whole
        assert log.repaired
        assert log.repaired.read_bytes() == written[len(whole) : end]
        log.repaired.unlink()


def test_a_partial_only_line_is_put_aside_wherever_it_was_cut(written: bytes, log_path: Path) -> None:
    first = written[: written.index(b"\n")]
    for end in range(1, len(first) + 1):
        log_path.write_bytes(first[:end])
        log = LogFile(log_path)
        log.close()
        assert log_path.read_bytes() == b""
        assert log.repaired
        assert log.repaired.read_bytes() == first[:end]
        log.repaired.unlink()


@needs_posix
def test_what_is_put_aside_is_for_its_owner_only(written: bytes, log_path: Path) -> None:
    log_path.write_bytes(written + b'{"half')
    LogFile(log_path).close()
    (kept,) = aside(log_path)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_very_long_partial_line_is_found(written: bytes, log_path: Path) -> None:
    torn = b'{"timestamp":"' + b"x" * 300_000
    log_path.write_bytes(written + torn)
    LogFile(log_path).close()
    assert log_path.read_bytes() == written
    assert aside(log_path)[0].read_bytes() == torn


def test_a_whole_log_needs_no_repair(written: bytes, log_path: Path) -> None:
    log = LogFile(log_path)
    log.close()
    assert log.repaired is None
    assert (log_path.read_bytes(), aside(log_path)) == (written, [])


def test_what_is_open_is_at_its_path(log_path: Path) -> None:
    fd, repaired = open_log(log_path)
    assert is_at(fd, log_path)
    assert repaired is None
    log_path.rename(log_path.with_name("moved"))
    assert not is_at(fd, log_path)
    log_path.touch()
    assert not is_at(fd, log_path)
    os.close(fd)


@needs_posix
def test_a_file_that_was_renamed_before_it_was_locked_is_not_taken(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process rotates between our opening and our locking."""
    moves = iter([log_path.with_name("moved")])

    def move_first(fd: int, path: Path) -> None:
        for target in moves:
            path.rename(target)
        lock(fd, path)

    monkeypatch.setattr(opening, "lock", move_first)
    fd, _ = open_log(log_path)
    assert is_at(fd, log_path)
    assert log_path.with_name("moved").exists()
    os.close(fd)


@needs_posix
def test_a_file_that_is_always_renamed_is_given_up(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "lock", lambda fd, path: path.unlink())
    with pytest.raises(LogError, match="renamed all the time"):
        open_log(log_path)
    assert len(os.listdir("/proc/self/fd")) < 90 if Path("/proc/self/fd").exists() else True


@needs_posix
def test_what_is_unlocked_may_be_taken(log_path: Path) -> None:
    fd, _ = open_log(log_path)
    also = os.dup(fd)
    unlock(fd)
    os.close(open_log(log_path).fd)
    for each in (fd, also):
        os.close(each)


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def _terminal(_: Path) -> Path:
    return Path(os.ttyname(os.openpty()[1]))


@pytest.mark.parametrize("made", [_fifo, _terminal, lambda _: Path(os.devnull)], ids=["fifo", "tty", "null"])
def test_only_a_regular_file_is_a_log(made: Callable[[Path], Path], tmp_path: Path) -> None:
    path = made(tmp_path)
    with pytest.raises(LogError, match=f"the log {path} is not a regular file"):
        open_log(path)
