"""The command that `taskaudit web` and `taskaudit tui` become."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from mitmproxy.tools.console.consoleaddons import ConsoleAddon
from mitmproxy.tools.web.web_columns import AVAILABLE_WEB_COLUMNS
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.listener.access import parse_address
from taskaudit.paths import addon_script
from taskaudit.proxy.launch import CONSOLE, STATUS_PAGE, WEB, FrontEnd, arguments, overruled, program
from taskaudit.proxy.passed_on import understand

SCRIPT = str(addon_script())


class Became(Exception):
    """The process would be another one now."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where mitmproxy ran before; nothing is started."""

    def become(path: str, argv: list[str]) -> None:
        raise Became(path, argv)

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TASKAUDIT_LANG", "")
    monkeypatch.setattr(os, "execv", become)
    (tmp_path / ".mitmproxy").mkdir()
    (tmp_path / ".mitmproxy" / "mitmproxy-ca-cert.pem").touch()
    return tmp_path


def built(*passed_on: str, **audit: str) -> list[str]:
    return arguments(WEB, audit, passed_on, understand(passed_on))


def settings(words: list[str]) -> dict[str, list[str]]:
    """The values of each option behind `--set`."""
    found: dict[str, list[str]] = {}
    for word, option in pairwise(words):
        if word == "--set":
            name, _, value = option.partition("=")
            found.setdefault(name, []).append(value)
    return found


def became(*words: str) -> list[str]:
    """What the command line becomes."""
    result = CliRunner().invoke(app, list(words))
    assert isinstance(result.exception, Became), result.output
    path, argv = result.exception.args
    assert path == argv[0]
    return list(argv)


def refusal(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 2
    return result.output


def test_the_audit_comes_first_and_the_users_options_last() -> None:
    words = built("-s", "mine.py", "-p", "9090", taskaudit_log="a.ndjson")
    assert words[:2] == ["-s", SCRIPT]
    assert words[-4:] == ["-s", "mine.py", "-p", "9090"]
    assert settings(words)["taskaudit_log"] == ["a.ndjson"]


def test_the_verdict_is_a_column() -> None:
    columns = settings(built())["web_columns"]
    assert "comment" in columns
    assert set(columns) <= set(AVAILABLE_WEB_COLUMNS)


def test_beside_the_verdict_are_its_mark_and_what_is_flush_right_as_it_is() -> None:
    columns = settings(built())["web_columns"]
    at = columns.index("comment")
    assert columns[at - 1 : at + 2] == ["path", "comment", "size"]


def test_the_console_shows_the_event_log() -> None:
    layout = settings(arguments(CONSOLE, {}, [], None))["console_layout"]
    assert set(layout) <= set(ConsoleAddon(None).layout_options())  # type: ignore[no-untyped-call]
    assert layout == ["vertical"]


@pytest.mark.parametrize("command", ["web", "tui"])
@pytest.mark.parametrize(
    ("words", "listens"),
    [
        ([], STATUS_PAGE),
        (["--listen", "9101"], "9101"),
        (["--listen", "0.0.0.0:9101"], "0.0.0.0:9101"),
        (["--listen", ""], ""),
        (["--set", "taskaudit_listen=9101"], "9101"),
        (["--set", "taskaudit_listen="], ""),
    ],
)
def test_where_the_status_page_is(
    command: str, words: list[str], listens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(type(stream), "isatty", lambda _: True, raising=False)
    assert settings(became(command, "--version", *words))["taskaudit_listen"] == [listens]


def test_the_status_page_is_for_this_machine_unless_the_user_says_otherwise() -> None:
    address = parse_address(STATUS_PAGE)
    assert address.is_loopback
    assert address.port == 0


@pytest.mark.parametrize(("words", "told"), [([], False), (["--listen", "9101"], True)])
def test_where_config_yaml_says_it_is(home: Path, words: list[str], told: bool) -> None:
    (home / ".mitmproxy" / "config.yaml").write_text("taskaudit_listen: '9102'\n")
    result = CliRunner().invoke(app, ["web", *words])
    assert ("config.yaml sets taskaudit_listen, and wins" in result.stderr) is told


def test_what_the_user_sets_is_not_set_twice() -> None:
    words = built("--set", "web_columns=path", "--set", "taskaudit_log=mine", taskaudit_log="ours")
    found = settings(words)
    assert (found["web_columns"], found["taskaudit_log"]) == (["path"], ["mine"])


@pytest.mark.parametrize("folder", ["", "../" + addon_script().parent.name + "/"])
def test_the_audit_is_not_loaded_twice(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(addon_script().parent)
    words = built("-s", f"{folder}{addon_script().name}")
    assert words.count("-s") == 1


@pytest.mark.parametrize("passed_on", [[], ["--set", "scripts=/mine.py"]])
def test_scripts_that_a_flag_would_drop_are_kept(home: Path, passed_on: list[str]) -> None:
    if not passed_on:
        (home / ".mitmproxy" / "config.yaml").write_text("scripts: [/mine.py]\n")
    assert built(*passed_on)[:4] == ["-s", SCRIPT, "-s", "/mine.py"]


def test_an_audit_that_config_yaml_loads_is_left_there(home: Path) -> None:
    (home / ".mitmproxy" / "config.yaml").write_text(f"scripts: [{SCRIPT}, /mine.py]\n")
    assert "-s" not in built()


def test_what_mitmproxy_refuses_still_goes_to_it() -> None:
    assert built("-p", "many")[-2:] == ["-p", "many"]


def test_options_without_effect(home: Path) -> None:
    (home / ".mitmproxy" / "config.yaml").write_text("taskaudit_log: there\nlisten_port: 1\n")
    audit = {"taskaudit_log": "here", "taskaudit_config": "c.yaml"}
    assert overruled(audit, understand([])) == ["taskaudit_log"]
    assert overruled({}, understand([])) == overruled(audit, None) == []


@pytest.mark.parametrize("front", [WEB, CONSOLE], ids=lambda front: front.program)
def test_the_program_is_the_one_beside_us(front: FrontEnd) -> None:
    assert program(front) == [str(Path(sys.executable).with_name(front.program))]


@pytest.mark.parametrize("front", [WEB, CONSOLE], ids=lambda front: front.program)
def test_without_a_console_script_python_runs_it(front: FrontEnd, tmp_path: Path) -> None:
    (tmp_path / "mitmproxy.py").write_text("raise SystemExit('not this one')")
    words = program(front, str(tmp_path / "python"))
    done = subprocess.run(
        [sys.executable, *words[1:], "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Mitmproxy: 12.")


@pytest.mark.parametrize(
    "passed_on",
    [
        ["--mode", "reverse:https://ecs.example.com", "-p", "9090", "--set", "web_open_browser=false"],
        ["-rcapture.flows"],  # Letters of a value are no options of ours.
        ["-r", "chlog"],
        ["--no-web-open-browser", "-nr", "saved.flows"],
        ["--listen-host", "127.0.0.1"],
        ["~u"],
    ],
    ids=" ".join,
)
def test_other_options_go_to_mitmweb_as_they_are(passed_on: list[str]) -> None:
    assert became("web", *passed_on)[-len(passed_on) :] == passed_on


def test_our_options_are_found_among_others() -> None:
    words = became("web", "-n", "--log", "a b", "-r", "saved", "--config", "c.yaml")
    assert words[0] == program(WEB)[0]
    assert words[-3:] == ["-n", "-r", "saved"]
    found = settings(words)
    assert (found["taskaudit_log"], found["taskaudit_config"]) == (["a b"], ["c.yaml"])


def test_options_of_mitmweb_that_are_like_ours_are_reached_behind_two_dashes() -> None:
    assert became("web", "--", "--help")[-1:] == ["--help"]


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize(("command", "other"), [("web", "mitmweb"), ("tui", "mitmproxy")])
def test_help_is_ours_and_names_the_other(command: str, other: str, flag: str) -> None:
    result = CliRunner().invoke(app, [command, flag])
    text = " ".join(result.output.replace("│", "").split())
    assert result.exit_code == 0
    assert f"{other} --help" in text
    assert "--log" in text


def test_the_hint_alone() -> None:
    result = CliRunner().invoke(app, ["web", "--hint", "-p", "9090"])
    assert "HTTP_PROXY=http://127.0.0.1:9090" in result.stdout
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        ([], {}, "Go through the proxy"),
        (["--lang", "zh"], {}, "通过代理访问"),
        ([], {"TASKAUDIT_LANG": "zh"}, "通过代理访问"),
        (["--lang", "en"], {"TASKAUDIT_LANG": "zh"}, "Go through the proxy"),
    ],
)
def test_the_language_of_the_hint(words: list[str], environment: dict[str, str], said: str) -> None:
    assert said in CliRunner().invoke(app, ["web", "--hint", *words], env=environment).stdout


@pytest.mark.parametrize("words", [["web", "--lang", "zh"], ["--lang", "zh", "tui", "--version"]])
def test_the_audit_in_the_proxy_speaks_the_same_language(words: list[str]) -> None:
    became(*words)
    assert os.environ["TASKAUDIT_LANG"] == "zh"


def test_no_such_language() -> None:
    assert '--lang is "fr"; expected en or zh' in refusal("tui", "--lang", "fr")


def test_a_hint_of_what_mitmproxy_refuses() -> None:
    assert "mitmweb does not take these options" in refusal("web", "--hint", "-p", "many")


@pytest.mark.parametrize("name", ["log", "config", "listen"])
def test_one_thing_said_twice(name: str) -> None:
    output = refusal("web", f"--{name}", "a", "--set", f"taskaudit_{name}=b")
    assert f"--{name} and --set taskaudit_{name} say the same: give one of them" in output


def test_an_option_without_effect_is_told(home: Path) -> None:
    (home / ".mitmproxy" / "config.yaml").write_text("taskaudit_log: there\n")
    result = CliRunner().invoke(app, ["web", "--log", "here"])
    assert "config.yaml sets taskaudit_log, and wins" in result.stderr


def test_the_console_needs_a_terminal() -> None:
    assert "the console needs a terminal" in refusal("tui")


def test_the_console_tells_its_version_anywhere() -> None:
    assert became("tui", "--version")[-1] == "--version"


def test_a_program_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, argv: list[str]) -> None:
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr(os, "execv", fail)
    assert f"cannot start {program(WEB)[0]}: No such file or directory" in refusal("web")
