"""`taskaudit web` and `mitmdump -s` without what Windows does not have; see `tests/test_like_windows.py`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import PATIENCE, RawOrigin, assert_sound, bodies, exchange_bytes, records_in, wait_until

from taskaudit.demo.mitmdump import program
from taskaudit.paths import addon_script
from tests.test_like_windows import environment

BODY = '{"error": {"message": "坏 😀", "code": "坏 😀"}}'.encode()
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
COMMON = ["--set", "listen_host=127.0.0.1", "-p", "0"]
WEB = [sys.executable, "-m", "taskaudit", "web", "--set", "web_open_browser=false", "--set", "web_port=0"]
LOG = r"C:\logs\today.ndjson"


@pytest.mark.parametrize(
    "command",
    [[*WEB, "--log", LOG], [program(), "-s", str(addon_script()), "--set", f"taskaudit_log={LOG}"]],
    ids=["web", "mitmdump"],
)
def test_it_audits_and_stops_in_good_order(
    tmp_path: Path,
    confdir: Path,
    raw_origin: Callable[[dict[str, bytes]], RawOrigin],
    command: list[str],
) -> None:
    origin = raw_origin({"bad": BAD % (len(BODY), BODY)})
    output = tmp_path / "output"
    with output.open("wb") as told:
        process = subprocess.Popen(
            [*command, *COMMON, "--set", f"confdir={confdir}", "--mode", f"reverse:{origin.url}"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            env=environment(PYTHONIOENCODING="gbk", PYTHONUNBUFFERED="1"),
            start_new_session=True,
        )
    try:
        wait_until(lambda: listening(output) is not None, "the proxy listens")
        port = listening(output)
        assert port is not None
        assert exchange_bytes(port, "bad").endswith(BODY)
        # As Ctrl-C in a console: all of its processes get it.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0, output.read_text(encoding="gbk")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
    records = records_in(tmp_path / LOG)
    assert_sound(records)
    assert [each["kind"] for each in bodies(records, "submission")] == ["error"]
    assert bodies(records, "fault") == []
    assert records[-1]["session"]["state"] == "stop"
    text = output.read_text(encoding="gbk")
    assert "Traceback" not in text
    assert "recording into C:\\logs\\today.ndjson" in text


def listening(output: Path) -> int | None:
    """The port that it has told."""
    for line in output.read_text(encoding="gbk").splitlines():
        if "proxy" in line and "listening at" in line and line.rstrip(".").rpartition(":")[2].isdecimal():
            return int(line.rstrip(".").rpartition(":")[2])
    return None
