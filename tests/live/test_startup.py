"""What is wrong at the start is said in one message, with exit status 1; and mitmweb has the audit too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Client, Start, bodies

from taskaudit.demo.api import DemoApi


def _refused(launch: Start, *arguments: str, log: Path | str | None = None) -> str:
    """What a mitmdump prints that does not start."""
    proxy = launch(*arguments, log=log)
    status = proxy.running.wait()
    output = proxy.running.output
    assert status == 1, output
    assert "Traceback" not in output
    assert "taskaudit" in output
    return output


def test_wrong_configuration(launch: Start, tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text("unlisted: detect\ninspection_limt: 1000\n")
    output = _refused(launch, "--set", f"taskaudit_config={config}")
    assert f"{config}" in output
    assert "inspection_limt" in output
    assert "inspection_limit" in output


def test_no_configuration(launch: Start, tmp_path: Path) -> None:
    assert "nowhere.yaml" in _refused(launch, "--set", f"taskaudit_config={tmp_path}/nowhere.yaml")


def test_misspelt_option(launch: Start) -> None:
    output = _refused(launch, "--set", "taskaudit_lgo=1")
    assert 'unknown option "taskaudit_lgo"; did you mean "taskaudit_log"?' in output


def test_log_is_a_folder(launch: Start, tmp_path: Path) -> None:
    assert f"cannot open the log {tmp_path}: Is a directory" in _refused(launch, log=tmp_path)


def test_log_in_no_folder(launch: Start, tmp_path: Path) -> None:
    log = tmp_path / "missing" / "log"
    assert f"cannot open the log {log}: No such file or directory" in _refused(launch, log=log)


def test_log_has_no_name(launch: Start) -> None:
    assert "taskaudit_log is empty" in _refused(launch, log="")


@pytest.mark.parametrize("text", ["my notes\n", '{"timestamp": "of another program"}\n', "x" * 5000])
def test_log_is_a_file_of_another_kind(launch: Start, tmp_path: Path, text: str) -> None:
    log = tmp_path / "notes"
    log.write_text(text)
    assert f"{log} is not a log of taskaudit" in _refused(launch, log=log)
    assert log.read_text() == text


def test_log_is_in_use(launch: Start) -> None:
    first = launch()
    assert first.port
    assert f"the log {first.log} is in use by another audit" in _refused(launch, log=first.log)
    assert len(bodies(first.stopped(), "session")) == 2


def test_the_port_is_in_use(launch: Start) -> None:
    """Of a start that fails there is no session in the log, which would wait for its end for ever."""
    first = launch()
    other = launch("--listen-port", str(first.port), log=first.log.with_name("other"))
    assert other.running.wait() == 1
    assert "address already in use" in other.running.output
    assert other.log.read_bytes() == b""


def test_mitmweb_has_the_audit_too(launch: Start, api: DemoApi, client: Callable[[int], Client]) -> None:
    web = ["--set", "web_open_browser=false", "--set", "web_port=0", "--set", "web_host=127.0.0.1"]
    proxy = launch("--mode", f"reverse:{api.url}", *web, command="mitmweb")
    job_id = json.loads(client(proxy.port).submit("web")[1])["job_id"]
    assert [s["job_id"] for s in bodies(proxy.stopped(), "submission")] == [job_id]
