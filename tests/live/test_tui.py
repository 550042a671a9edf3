"""The console of mitmproxy with the audit, on a terminal of tmux: keys pressed, and what is then shown."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import PATIENCE, Client, is_open, wait_until

from taskaudit.demo.api import DemoApi
from taskaudit.paths import addon_script
from tests.programs import found

BIN = Path(sys.executable).parent


class Screen:
    """A tmux server of its own, with one terminal of 100 columns that runs a program."""

    def __init__(self, command: list[str], socket_path: Path) -> None:
        self._tmux = [found("tmux"), "-S", str(socket_path), "-f", "/dev/null"]
        size = ["-x", "100", "-y", "40"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        self._run("new-session", "-d", *size, *command, env=environment)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self._run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Presses keys by their names in tmux: `Enter`, `Space`, `q`."""
        for key in keys:
            self._run("send-keys", key)

    def type(self, command: str) -> None:
        """Types a command of mitmproxy, once its prompt is there."""
        self.press(":")
        wait_until(lambda: self.text.rstrip().endswith("\n:"), f"the prompt on\n{self.text}")
        self._run("send-keys", "-l", command)
        self.press("Enter")

    def shows(self, *texts: str) -> None:
        """Waits until all of `texts` are on the screen."""
        wait_until(lambda: all(text in self.text for text in texts), f"{texts} on\n{self.text}")

    def close(self) -> None:
        """Ends the program and the terminal."""
        self._run("kill-server", check=False)

    def _run(self, *words: str, check: bool = True, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=check, timeout=PATIENCE, env=env
        )
        return done.stdout


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free: int = server.getsockname()[1]
        return free


@pytest.fixture
def screen(tmp_path: Path, api: DemoApi, port: int) -> Iterator[Screen]:
    """The console, listening, with a key for `taskaudit.next`."""
    confdir = tmp_path / "mitmproxy"
    confdir.mkdir()
    keys = "- key: ctrl t\n  ctx: [flowlist, flowview]\n  cmd: taskaudit.next\n"
    (confdir / "keys.yaml").write_text(keys, encoding="utf-8")
    options = [f"confdir={confdir}", f"taskaudit_log={tmp_path / 'taskaudit.ndjson'}"]
    where = ["--listen-host", "127.0.0.1", "-p", str(port), "--mode", f"reverse:{api.url}"]
    command = [str(BIN / "mitmproxy"), "-s", str(addon_script()), *where]
    opened = Screen([*command, *(w for option in options for w in ("--set", option))], tmp_path / "tmux")
    try:
        wait_until(lambda: is_open(port), "the console listens")
        yield opened
    finally:
        opened.close()


def test_a_malformed_answer_is_found_explained_and_reported(
    screen: Screen, port: int, client: Callable[[int], Client], tmp_path: Path
) -> None:
    ask = client(port)
    job_id = json.loads(ask.submit("web")[1])["job_id"]
    ask.submit("code-number")
    ask("GET", f"/v1/p/jobs/{job_id}")
    screen.shows("✅", "❌", "🔍")

    screen.press("C-t")
    screen.shows("TA306 /error/code: Number 400")
    screen.shows("[2/3]")
    screen.press("Enter", "Right")
    screen.shows("Task response", "error: not well-formed", "expected String, found Number 400")
    screen.shows('1 | {"error": {"message": "Bad request.", "code": 400}}', '"message": "Bad request.",')

    bug = tmp_path / "bug.md"
    screen.type(f"taskaudit.bug @focus {bug}")
    screen.shows("written to")
    assert "TA306" in bug.read_text(encoding="utf-8")
    screen.press("q")

    screen.type("taskaudit.summary")
    screen.shows("TA306 error-code-not-string (error)", "seen 3 = other 0 + audited 3 + unaudited 0")
    screen.press("q")
    screen.type("taskaudit.jobs")
    screen.shows("Data viewer", job_id, "1 job: 1 open")
    screen.press("q")
    screen.type("taskaudit.explain")
    screen.shows("Data viewer", "expected String, found Number 400", "A comparison with a documented code")
    screen.press("q")
    screen.type("taskaudit.recheck @shown")
    screen.shows("audited 3 flows again, 0 changed")
    report = tmp_path / "report.html"
    screen.type(f"taskaudit.report {report}")
    wait_until(lambda: "TA306" in (report.read_text("utf-8") if report.exists() else ""), "the report")


def test_the_view_of_a_job_tells_its_story_as_it_stands_when_it_is_opened(
    screen: Screen, port: int, client: Callable[[int], Client]
) -> None:
    ask = client(port)
    job_id = json.loads(ask.submit("web")[1])["job_id"]
    screen.shows("✅")
    screen.press("Enter", "Right")
    screen.shows(f"job {job_id}: well-formed", "not asked yet")
    ask("GET", f"/v1/p/jobs/{job_id}")
    screen.press("Left", "Right")
    screen.shows("submitted  HTTP 200", "INIT")


def test_a_replay_is_marked_anew(screen: Screen, port: int, client: Callable[[int], Client]) -> None:
    ask = client(port)
    ask.submit("code-number")
    screen.shows("❌")
    screen.type('flow.comment @focus "mine"')
    screen.type("flow.mark @focus :grapes:")
    screen.shows("🍇")
    ask.submit("web")
    screen.shows("✅")
    screen.press("g")
    screen.type("replay.client @all")
    screen.shows("↺🍇", "↺✅")
    screen.press("Enter", "Right", "Right")
    screen.shows("Comment: mine")
