"""On a real terminal: the console of mitmproxy with the audit, and the progress bar of `check`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from running import PATIENCE, Client, bodies, records_in, wait_until
from terminal import Terminal, on_terminal  # noqa: F401 (fixture)

from taskaudit.cli.printing import LONG_WORK
from taskaudit.demo.api import DemoApi
from taskaudit.paths import addon_script

BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_the_console_has_the_audit_too(
    terminal: Terminal, tmp_path: Path, confdir: Path, api: DemoApi, client: Callable[[int], Client]
) -> None:
    port, log = free_port(), tmp_path / "taskaudit.ndjson"
    options = [f"confdir={confdir}", f"taskaudit_log={log}", "listen_host=127.0.0.1", f"listen_port={port}"]
    command = [BIN / "mitmproxy", "-s", addon_script(), "--mode", f"reverse:{api.url}"]
    console = subprocess.Popen(
        [*command, *(word for option in options for word in ("--set", option))],
        stdin=terminal.theirs,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    try:
        wait_until(lambda: _listens(port), "the console listens")
        job_id = json.loads(client(port).submit("web")[1])["job_id"]
        assert [s["job_id"] for s in bodies(records_in(log), "submission")] == [job_id]
        wait_until(lambda: b"cloudservers" in terminal.shown, "the flow is on the screen")
    finally:
        console.send_signal(signal.SIGTERM)
        console.wait(PATIENCE)
    assert records_in(log)[-1]["session"]["state"] == "stop"


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def long_work(tmp_path: Path) -> Path:
    """A folder with a HAR that takes a while."""
    answer = {"status": 200, "headers": [], "content": {"mimeType": "text/plain", "text": "x" * LONG_WORK}}
    request = {"method": "GET", "url": "http://a.example/big", "headers": []}
    entry = {"startedDateTime": "2026-01-02T03:04:05Z", "time": 1, "request": request, "response": answer}
    job = {
        "status": 200,
        "headers": [],
        "content": {"mimeType": "application/json", "text": '{"job_id": "a"}'},
    }
    submission = {**entry, "request": {**request, "method": "POST"}, "response": job}
    har = {"log": {"version": "1.2", "entries": [entry, submission]}}
    folder = tmp_path / "captures"
    folder.mkdir()
    (folder / "long.har").write_text(json.dumps(har))
    return folder


def test_progress_is_shown_on_a_terminal_and_keeps_out_of_the_pipe(
    terminal: Terminal, long_work: Path
) -> None:
    done = subprocess.run(
        [BIN / "taskaudit", "check", "--format", "json", long_work],
        stdout=subprocess.PIPE,
        stderr=terminal.theirs,
        env={**os.environ, "TERM": "xterm"},
        timeout=PATIENCE,
        check=False,
    )
    assert json.loads(done.stdout)["job_id"] == "a"
    wait_until(lambda: b"reading" in terminal.shown, "the bar is shown")


def test_no_progress_elsewhere(long_work: Path) -> None:
    done = subprocess.run(
        [BIN / "taskaudit", "check", long_work], capture_output=True, timeout=PATIENCE, check=False
    )
    assert (b"reading" in done.stdout + done.stderr, done.stderr) == (False, b"")
