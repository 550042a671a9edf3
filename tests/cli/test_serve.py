"""The command line of `taskaudit serve`: what is its own, what goes on to the proxy, what it ends with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.contract.verdict import Severity
from taskaudit.proxy import serve as module

type Given = tuple[list[str], list[str], Severity | None, bool]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Given]:
    """What the proxy was started with; it ends at once, with status 7."""
    calls: list[Given] = []

    def run(arguments: Sequence[str], options: Sequence[str], fail_on: Severity | None, verbose: bool) -> int:
        calls.append((list(arguments), list(options), fail_on, verbose))
        return 7

    def leave(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(module, "serve", run)
    monkeypatch.setattr(module, "leave", leave)
    return calls


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


def test_defaults(given: list[Given]) -> None:
    assert run().exit_code == 7
    options = [
        "taskaudit_log=taskaudit.ndjson",
        "taskaudit_config=",
        "taskaudit_listen=",
        "taskaudit_baseline=",
    ]
    assert given == [([], options, None, False)]


def test_own_options_and_those_of_the_proxy(given: list[Given]) -> None:
    ours = [
        "--log",
        "a.ndjson",
        "--config",
        "b.yaml",
        "--baseline",
        "base.yaml",
        "--listen",
        "9101",
        "--fail-on",
        "error",
        "--verbose",
    ]
    theirs = [
        "--mode",
        "reverse:https://a.example",
        "-p",
        "8080",
        "-w",
        "flows",
        "--set",
        "http2=false",
        "-k",
    ]
    for words in ([*ours, *theirs], [*theirs, *ours]):
        assert run(*words).exit_code == 7
    options = [
        "taskaudit_log=a.ndjson",
        "taskaudit_config=b.yaml",
        "taskaudit_listen=9101",
        "taskaudit_baseline=base.yaml",
    ]
    assert given == [(theirs, options, Severity.ERROR, True)] * 2


@pytest.mark.parametrize("words", [["--fail-on", "sometimes"], ["--log"]])
def test_wrong_usage_of_its_own_options(given: list[Given], words: list[str]) -> None:
    assert run(*words).exit_code == 2
    assert given == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-s", "my.py"], "taskaudit: -s: serve loads no other addons"),
        (["--map-local", "x"], "taskaudit: --map-local: the audit never alters traffic"),
        (["--set", "htp2=false"], 'did you mean "http2"?'),
    ],
)
def test_what_the_proxy_refuses_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    words: list[str],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level("INFO", logger="taskaudit"):
        result = run(*words)
    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_names_what_it_can_do() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("--listen", "--fail-on", "--mode", "SIGHUP", "Exit status"):
        assert word in result.stdout
