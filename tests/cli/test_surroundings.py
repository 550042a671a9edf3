"""Several captures are read, and the exit status says what was found, however the program is run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories import submit, write_log

SCRIPT = """
from taskaudit.offline import check
from taskaudit.processes import in_shares
check.shares_of = lambda paths, *_: in_shares(paths, [1] * len(paths), 2, worth=1)
from taskaudit.cli import main
main()
"""
"""Has no guard around what it does; each capture is worth a process."""
NO_SEMAPHORES = """
from multiprocessing import synchronize
def refused(*_, **__):
    raise PermissionError(13, "Permission denied")
synchronize.SemLock.__init__ = refused
"""
"""As without /dev/shm."""
ENTRY = {
    "request": {"method": "POST", "url": "https://ecs.example.com/v1/0123/cloudservers", "headers": []},
    "response": {
        "status": 200,
        "headers": [{"name": "Content-Type", "value": "application/json"}],
        "content": {"text": json.dumps({"job_id": 5})},
    },
}


def leave_a_gone_folder() -> None:
    """The current folder is there no more."""
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")


def few_files(most: int) -> Callable[[], None]:
    """So many may be open."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture
def captures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.har" for name in "abcd"]
    for path in paths:
        path.write_text(json.dumps({"log": {"entries": [ENTRY]}}))
    return paths


@pytest.mark.parametrize(
    ("command", "given", "before"),
    [
        pytest.param(["script"], None, None, id="script"),
        pytest.param(["-"], SCRIPT, None, id="standard input"),
        pytest.param(["-c", SCRIPT], None, None, id="-c"),
        pytest.param(["-c", NO_SEMAPHORES + SCRIPT], None, None, id="no semaphores"),
        pytest.param(["-m", "taskaudit"], None, None, id="-m"),
        *[pytest.param(["-c", SCRIPT], None, few_files(most), id=f"{most} files") for most in (8, 9, 12, 16)],
        pytest.param(["script"], None, leave_a_gone_folder, id="gone folder"),
        pytest.param(["-m", "taskaudit"], None, leave_a_gone_folder, id="-m in a gone folder"),
    ],
)
def test_captures_are_read(
    command: list[str],
    given: str | None,
    before: Callable[[], None] | None,
    captures: list[Path],
    tmp_path: Path,
) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPT)
    words = [str(script) if word == "script" else word for word in command]
    done = subprocess.run(
        [sys.executable, *words, "check", "--quiet", *captures],
        input=given,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        preexec_fn=before,
        check=False,
        timeout=60,
        env={**os.environ, "TASKAUDIT_LANG": "en"},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{path}[0] TA201 /job_id expected String, found Number 5" for path in captures
    ]
    assert done.returncode == 1


@pytest.mark.parametrize("most", [12, 20])
def test_many_logs_are_read_with_few_files(most: int, tmp_path: Path) -> None:
    logs = [write_log(tmp_path / str(n), [submit(n, f"job-{n}")], instance=f"proxy-{n}") for n in range(40)]
    done = subprocess.run(
        [sys.executable, "-m", "taskaudit", "jobs", *logs],
        capture_output=True,
        text=True,
        preexec_fn=few_files(most),
        check=False,
        timeout=60,
        env={**os.environ, "TASKAUDIT_LANG": "en"},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "seen 40 = other 0 + audited 40 + unaudited 0"
    assert done.returncode == 0


@pytest.mark.parametrize("options", [(), ("--format", "json"), ("--format", "sarif"), ("--quiet",)])
def test_nobody_is_there_to_be_told(options: tuple[str, ...], captures: list[Path], tmp_path: Path) -> None:
    """All standard streams are closed. What was opened does not get what was meant for them."""
    command = [sys.executable, "-c", SCRIPT, "check"]
    before = [path.read_bytes() for path in captures]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *command, *options, *captures],
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert [path.read_bytes() for path in captures] == before
