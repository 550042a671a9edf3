"""`taskaudit demo`, run as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import PATIENCE, assert_sound, records_in

from taskaudit.contract.verdict import Kind
from taskaudit.demo.mitmdump import Mitmdump

COMMAND = [str(Path(sys.executable).with_name("taskaudit")), "demo"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A temporary folder of its own, wide output, and proxies that must not be asked."""
    nowhere = "http://127.0.0.1:9"
    proxies = {name: nowhere for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY")}
    return {**os.environ, **proxies, "TMPDIR": str(tmp_path), "COLUMNS": "130"}


def test_shows_every_kind_and_adds_up(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    shown = set(re.findall(r"^(?:ok|error|warning|info|unaudited) +(\w+)", done.stdout, re.MULTILINE))
    assert shown == {kind.value for kind in Kind} | {"aborted", "query"}
    assert "\x1b" not in done.stdout
    seen, other, audited, unaudited = map(
        int,
        re.findall(r"seen (\d+) = other (\d+) \+ audited (\d+) \+ unaudited (\d+)", done.stdout)[0],
    )
    assert seen == other + audited + unaudited

    (log,) = tmp_path.glob("taskaudit-demo-*/taskaudit.ndjson")
    assert str(log) in done.stdout
    records = records_in(log)
    assert_sound(records)
    for job_id in (r["submission"]["job_id"] for r in records if "submission" in r):
        assert job_id is None or job_id in done.stdout
    for rule in (r["finding"]["rule"] for r in records if "finding" in r):
        assert rule in done.stdout


def test_tells_what_each_client_does_next(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    first, _, following = done.stdout.partition("What the client does next")
    following, _, _ = following.partition("\nJobs\n")
    assert not re.findall("TA5[0-9]{2}", first)
    clients = following.split("\nA client that ")[1:]
    found = [re.findall("^ +(TA[0-9]{3})", client, re.MULTILINE) for client in clients]
    assert found == [[], ["TA502"], [*["TA504"] * 4, "TA505"], ["TA501"]]
    assert re.findall("(INIT|RUNNING|SUCCESS)$", clients[0], re.MULTILINE) == ["INIT", "RUNNING", "SUCCESS"]

    (log,) = tmp_path.glob("taskaudit-demo-*/taskaudit.ndjson")
    records = records_in(log)
    rules = [r["finding"]["rule"] for r in records if r["event_type"] == "finding"]
    assert rules[-1] == "TA501"
    assert f"taskaudit findings {log}" in done.stdout
    assert re.search(rf"taskaudit jobs --job [-0-9a-f]{{36}} {log}", done.stdout)


def test_says_which_finding_did_not_come(environment: dict[str, str]) -> None:
    """An audit that allows more than the demo says."""
    script = (
        "import taskaudit.demo as demo; from rich.console import Console\n"
        "demo.CONFIG = 'query_within: 300'\n"
        "demo._PATIENCE = 0.1\n"
        "raise SystemExit(demo.run(Console()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    (told,) = re.findall("^not as expected: (.*)", done.stdout, re.MULTILINE)
    assert told == "the client that takes the job for done, and never asks: TA501 did not come"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_running(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        COMMAND, env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout
        assert any("mitmdump" in line for line in demo.stdout)
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text(encoding="utf-8").split()
        demo.send_signal(number)
        rest = demo.stdout.read()
        assert demo.wait(PATIENCE) in (130, 0), rest
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_says_what_is_missing(environment: dict[str, str], tmp_path: Path) -> None:
    """A mitmdump that is not there, and one that does not start."""
    script = (
        "import taskaudit.demo as demo; from pathlib import Path; from rich.console import Console\n"
        "demo.addon_script = lambda: Path('/nowhere/audit_tasks.py')\n"
        "raise SystemExit(demo.run(Console()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "mitmdump did not start" in done.stdout
    assert "/nowhere/audit_tasks.py" in done.stdout
    assert done.stderr == ""


def test_mitmdump_tells_at_once_where_the_environment_is_not_heard(tmp_path: Path) -> None:
    """As with pipx, whose programs run under `python -E`."""
    with Mitmdump(["-p", "0"], tmp_path, environment={"PYTHONUNBUFFERED": ""}) as mitmdump:
        assert mitmdump.ports(patience=30)
