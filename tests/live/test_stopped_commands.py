"""A command that is stopped leaves no process, nothing that holds its output, and no file."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import PATIENCE, wait_until

from tests.stories import ask, submit, write_log

PROGRAM = """
import sys
from taskaudit.offline import check, processes
from taskaudit.story import shares
for each in (check, processes, shares):
    each.cores = lambda: 2
from taskaudit.cli import main
main()
"""
"""The command as on a machine with two cores."""
OUTPUT = {"check": ("-o", "output")}
ENTRY = '{"request": {"method": "GET", "url": "http://a/%s"}, "response": {"status": 200, "headers": []}}' % (
    "b" * 1000
)
STATUS = {
    signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: -signal.SIGKILL
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """More than two processes read within some seconds."""
    folder = tmp_path_factory.mktemp("inputs")
    entries = ",".join([ENTRY] * 120_000)
    captures = [folder / "a.har", folder / "b.har"]
    for each in captures:
        each.write_text(f'{{"log": {{"entries": [{entries}]}}}}')
    life = [each for n in range(50) for each in (submit(n, f"job-{n}"), ask(n + 0.5, "RUNNING", f"job-{n}"))]
    log = write_log(folder / "log", life)
    first, *lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + b"".join(lines) * 2000)
    return {"check": captures, "jobs": [log], "findings": [log]}


@pytest.mark.parametrize("by", STATUS)
@pytest.mark.parametrize("command", ["check", "jobs", "findings"])
def test_nothing_is_left(
    command: str, by: signal.Signals, inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Only the command itself gets the signal, as from `kill`; by Ctrl-C the terminal tells all."""
    read, written = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, command, *inputs[command], *OUTPUT.get(command, ())],
        stdin=subprocess.DEVNULL,
        stdout=written,
        stderr=written,
        start_new_session=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as run:
        os.close(written)
        workers = wait_for_workers(run.pid)
        (os.killpg if by == signal.SIGINT else os.kill)(run.pid, by)
        assert run.wait(PATIENCE) == STATUS[by]
    with open(read, "rb") as output:
        assert select.select([output], [], [], PATIENCE)[0]
        assert output.read() == b""  # And its end.
    wait_until(lambda: not any(map(is_there, workers)), "they have ended")
    kept = [each for each in tmp_path.iterdir() if by != signal.SIGKILL or each.name[:11] != ".taskaudit-"]
    assert kept == []


def wait_for_workers(pid: int) -> list[str]:
    """Until the command has started others, and these have begun."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    wait_until(lambda: len(children.read_text(encoding="utf-8").split()) == 2, "two processes")
    time.sleep(0.3)  # Any moment is to do.
    return children.read_text(encoding="utf-8").split()


def is_there(pid: str) -> bool:
    """Whether a process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
