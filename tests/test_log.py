"""The log file: never lost, never truncated, never shared, read as far as it can be read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit.log import Damaged, LogError, LogFile, follow_log, read_log
from taskaudit.recorder import Recorder
from tests.samples import BAD_ERROR, outcome

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and locks")


@pytest.fixture
def written(recorder: Recorder, log_path: Path) -> bytes:
    """A closed log with some records, the last one a stop."""
    recorder.record(outcome())
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.stop()
    return log_path.read_bytes()


@needs_posix
def test_a_new_log_is_for_its_owner_only(log_path: Path) -> None:
    log = LogFile(log_path)
    log.close()
    log.close()
    assert stat.S_IMODE(log_path.stat().st_mode) == 0o600


@needs_posix
def test_the_mode_of_an_existing_log_stays(written: bytes, log_path: Path) -> None:
    log_path.chmod(0o640)
    LogFile(log_path).close()
    assert stat.S_IMODE(log_path.stat().st_mode) == 0o640


def test_an_existing_log_is_appended_to(
    written: bytes, log_path: Path, new_recorder: Callable[..., Recorder]
) -> None:
    new_recorder().start()
    both = log_path.read_bytes()
    assert both.startswith(written)
    assert both.count(b"\n") == written.count(b"\n") + 1


@needs_posix
def test_a_log_in_use_is_refused(log_path: Path, recorder: Recorder) -> None:
    with pytest.raises(LogError, match="in use by another audit"):
        LogFile(log_path)
    recorder.record(outcome())


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


@needs_posix
def test_a_short_write_leaves_nothing_half(tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from taskaudit.log import LogFile
log = LogFile(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log.append(b"a" * 99 + b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
for _ in range(3):
    try:
        log.append(b"b" * 99 + b"\\n")
    except OSError as error:
        print(error.errno)
log.append(b"c" * 49 + b"\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(b"d" * 99 + b"\\n")
"""
    path = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["28", "28", "28"]
    assert path.read_bytes() == b"a" * 99 + b"\n" + b"c" * 49 + b"\n" + b"d" * 99 + b"\n"


def test_what_could_not_be_cut_off_at_once_is_cut_off_before_the_next_write(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFile(log_path)
    session = b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"session"}\n'

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
        patch.setattr(os, "ftruncate", fails)
        with pytest.raises(OSError, match="7 of"):
            LogFile.append.__wrapped__(log, session)  # type: ignore[attr-defined]
    assert log_path.read_bytes() == session[:7]
    LogFile.append.__wrapped__(log, session)  # type: ignore[attr-defined]
    log.close()
    assert log_path.read_bytes() == session


def test_reading_gives_every_record_in_order(written: bytes, log_path: Path) -> None:
    assert list(read_log(log_path)) == [json.loads(line) for line in written.splitlines()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"timestamp":', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\x00\x00", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a record"),
        (b"1", "not a record"),
        (b"{}", "not a record"),
        (b'{"event_type": 1}', "not a record"),
        (b'{"event_type": []}', "not a record"),
        (b'{"event_type": "submission"}', "not a record"),
        (b'{"event_type": "submission", "submission": 1}', "not a record"),
    ],
)
def test_a_damaged_line_is_told_and_the_rest_is_read(
    written: bytes, log_path: Path, line: bytes, reason: str
) -> None:
    lines = written.splitlines()
    lines[2:2] = [line]
    log_path.write_bytes(b"\n".join(lines) + b"\n")
    read = list(read_log(log_path))
    damaged = [item for item in read if isinstance(item, Damaged)]
    assert [(each.path, each.line) for each in damaged] == [(log_path, 3)]
    assert damaged[0].reason.startswith(reason)
    assert len(read) == len(lines)


@pytest.mark.parametrize("cut", [1, 20, 60, 300])
def test_a_last_line_that_is_not_finished_is_told(written: bytes, log_path: Path, cut: int) -> None:
    log_path.write_bytes(written + written[:cut])
    *records, last = read_log(log_path)
    assert isinstance(last, Damaged)
    assert last.line == len(records) + 1 == written.count(b"\n") + 1
    assert "not finished" in last.reason


def test_an_empty_log_holds_nothing(log_path: Path) -> None:
    log_path.touch()
    assert list(read_log(log_path)) == []


def test_following_gives_lines_as_they_are_finished(written: bytes, log_path: Path) -> None:
    lines = written.splitlines(keepends=True)
    log_path.write_bytes(lines[0] + lines[1][:10])
    followed = follow_log(log_path)
    assert [next(followed) for _ in range(3)] == [json.loads(lines[0]), None, None]
    with log_path.open("ab") as file:
        file.write(lines[1][10:] + lines[2])
    assert [next(followed) for _ in range(3)] == [json.loads(lines[1]), json.loads(lines[2]), None]
    followed.close()  # type: ignore[attr-defined]
