"""The log file: never lost, never truncated, never shared, read as far as it can be read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit.log import LogError, LogFile
from taskaudit.recording.recorder import Recorder
from tests.samples import outcome

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and locks")


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
    log.prepare()
    assert log.is_empty
    LogFile.append.__wrapped__(log, session)  # type: ignore[attr-defined]
    log.close()
    assert log_path.read_bytes() == session


def test_what_another_process_cut_is_not_filled_up(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place where the next write would have cut off half a line lies behind the end then."""
    log = LogFile(log_path)
    line = b'{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"session"}\n'
    append = LogFile.append.__wrapped__  # type: ignore[attr-defined]
    append(log, line)

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
        patch.setattr(os, "ftruncate", fails)
        with pytest.raises(OSError, match="7 of"):
            append(log, line)
    os.truncate(log_path, 0)
    append(log, line)
    log.close()
    assert log_path.read_bytes() == line
