"""`taskaudit web` and `taskaudit tui` as a person starts them: processes, a real terminal, a first run."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import PATIENCE, Client, assert_sound, bodies, records_in, wait_until

from taskaudit.demo.api import DemoApi
from tests.programs import found

TASKAUDIT = Path(sys.executable).with_name("taskaudit")
LISTENING = re.compile(r"proxy.* listening at \S*:(\d+)")
WEB = ["--set", "web_open_browser=false", "--set", "web_port=0", "--set", "listen_host=127.0.0.1", "-p", "0"]


class Web:
    """A running `taskaudit web` in a folder and a home of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [TASKAUDIT, "web", *WEB, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(folder), "TASKAUDIT_LANG": "en", "PYTHONUNBUFFERED": "1"},
            )

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        wait_until(lambda: bool(LISTENING.search(self.output)), "the proxy listens")
        listening = LISTENING.search(self.output)
        assert listening
        return int(listening[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Callable[..., Web]]:
    started: list[Web] = []

    def start(*arguments: str) -> Web:
        started.append(Web(tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_web_audits_and_stops_in_good_order(
    web: Callable[..., Web],
    api: DemoApi,
    client: Callable[[int], Client],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    started = web("--mode", f"reverse:{api.url}", "--log", "mine.ndjson")
    job_id = json.loads(client(started.port).submit("web")[1])["job_id"]
    assert started.stop(number) == 0
    records = records_in(tmp_path / "mine.ndjson")
    assert_sound(records)
    assert [each["job_id"] for each in bodies(records, "submission")] == [job_id]
    assert records[-1]["session"]["state"] == "stop"
    assert "Traceback" not in started.output


def test_web_takes_the_users_options_and_scripts(
    web: Callable[..., Web], api: DemoApi, client: Callable[[int], Client], tmp_path: Path
) -> None:
    script = tmp_path / "mine.py"
    script.write_text("def response(flow):\n    flow.response.headers['x-mine'] = 'yes'\n")
    flows = tmp_path / "saved.flows"
    started = web("--mode", f"reverse:{api.url}", "-s", str(script), "-w", str(flows))
    client(started.port).submit("web")
    assert started.stop() == 0
    assert len(bodies(records_in(tmp_path / "taskaudit.ndjson"), "submission")) == 1
    assert b"x-mine" in flows.read_bytes()


def test_web_shows_saved_flows(
    web: Callable[..., Web], api: DemoApi, client: Callable[[int], Client], tmp_path: Path
) -> None:
    live = web("--mode", f"reverse:{api.url}", "-w", "saved.flows", "--log", "live")
    client(live.port).submit("web")
    assert live.stop() == 0
    again = web("-r", "saved.flows", "--log", "again")
    assert again.port
    assert again.stop() == 0
    jobs = [bodies(records_in(tmp_path / log), "submission")[0]["job_id"] for log in ("live", "again")]
    assert jobs[0] == jobs[1]


def test_the_hint_is_told_at_the_first_start_only(web: Callable[..., Web], tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        started = web()
        assert started.port
        assert started.stop() == 0
        seen.append(str(tmp_path / ".mitmproxy" / "mitmproxy-ca-cert.pem") in started.output)
    assert seen == [True, False]


def test_the_hint_works(
    web: Callable[..., Web], api: DemoApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is the one thing in it that cannot be known before the start."""
    # curl reads SSL_CERT_FILE where neither of the last two is set.
    for name in ("NO_PROXY", "no_proxy", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    started = web("--set", "connection_strategy=lazy")  # The name mitm.it need not be known here.
    port = started.port
    exports = [line.strip() for line in started.output.splitlines() if line.strip().startswith("export ")]
    assert len(exports) == 4

    def curl(*arguments: str) -> bytes:
        lines = [*exports, shlex.join([found("curl"), "--silent", "--fail", *arguments])]
        return subprocess.check_output(["sh", "-ec", "\n".join(lines).replace(":PORT", f":{port}")])

    body = json.dumps({"server": {"name": "web"}})
    assert b"job_id" in curl("-d", body, f"{api.url}/v1/p/cloudservers")
    assert b"Install mitmproxy" in curl("https://mitm.it/")
    assert started.stop() == 0
    assert len(bodies(records_in(tmp_path / "taskaudit.ndjson"), "submission")) == 1


def test_a_misspelt_option_of_ours_is_refused(web: Callable[..., Web]) -> None:
    started = web("--set", "taskaudit_lgo=1")
    assert started.process.wait(PATIENCE) == 1
    assert 'did you mean "taskaudit_log"?' in started.output


class Tmux:
    """A terminal of its own server."""

    def __init__(self, folder: Path) -> None:
        self._server = [found("tmux"), "-f", "/dev/null", "-S", str(folder / "tmux")]

    def run(self, *words: str) -> str:
        return subprocess.run(
            [*self._server, *words], capture_output=True, text=True, check=True, timeout=PATIENCE
        ).stdout

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def tui(self, home: Path, *arguments: str) -> None:
        """Types the command."""
        words = [
            str(TASKAUDIT),
            "tui",
            "--lang",
            "en",
            "-p",
            "0",
            "--set",
            "listen_host=127.0.0.1",
            *arguments,
        ]
        command = f"HOME={shlex.quote(str(home))} {shlex.join(words)}; echo ended: $?"
        self.run("send-keys", command, "Enter")

    def shows(self, text: str) -> None:
        """Returns once it does."""
        wait_until(lambda: text in self.screen, f"the screen shows {text!r}")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    terminal = Tmux(tmp_path)
    terminal.run("new-session", "-d", "-x", "160", "-y", "40", "-c", str(tmp_path), "sh")
    yield terminal
    terminal.run("kill-server")


def test_tui(tmux: Tmux, api: DemoApi, client: Callable[[int], Client], tmp_path: Path) -> None:
    tmux.tui(tmp_path, "--mode", f"reverse:{api.url}")
    tmux.shows("Press Enter to start the console.")
    assert f"Call this endpoint instead of {api.url}" in tmux.screen
    tmux.run("send-keys", "Enter")
    tmux.shows("listening at 127")
    listening = LISTENING.search(tmux.screen)
    assert listening
    job_id = json.loads(client(int(listening[1])).submit("web")[1])["job_id"]
    tmux.shows(f"taskaudit: job {job_id}")
    assert re.search(r">>.* POST .*/v1/p/cloudservers +200", tmux.screen)
    tmux.run("send-keys", "q")
    tmux.shows("Quit (yes,no)?")
    tmux.run("send-keys", "y")
    tmux.shows("ended: 0")
    records = records_in(tmp_path / "taskaudit.ndjson")
    assert [each["job_id"] for each in bodies(records, "submission")] == [job_id]
    assert records[-1]["session"]["state"] == "stop"


def test_tui_is_left_before_the_start(tmux: Tmux, tmp_path: Path) -> None:
    tmux.tui(tmp_path)
    tmux.shows("Press Enter to start the console.")
    tmux.run("send-keys", "C-c")
    tmux.shows("ended: 130")
    assert "Traceback" not in tmux.screen
    assert not (tmp_path / "taskaudit.ndjson").exists()
