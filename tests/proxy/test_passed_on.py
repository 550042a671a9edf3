"""Arguments of mitmproxy, and what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.proxy.passed_on import Mode, PassedOn, understand

REGULAR = Mode("regular", "127.0.0.1:8080", "")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a mitmproxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def meaning(*arguments: str) -> PassedOn:
    found = understand(arguments)
    assert found is not None
    return found


def loaded(*arguments: str) -> tuple[tuple[str, ...], bool]:
    found = meaning(*arguments)
    return found.scripts, found.scripts_in_flags


def configure(home: Path, text: str) -> None:
    folder = home / ".mitmproxy"
    folder.mkdir()
    (folder / "config.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "modes"),
    [
        ([], [REGULAR]),
        (["-p", "9090"], [Mode("regular", "127.0.0.1:9090", "")]),
        (["-p9090"], [Mode("regular", "127.0.0.1:9090", "")]),
        (["--listen-port", "9090"], [Mode("regular", "127.0.0.1:9090", "")]),
        (["--listen-port=9090"], [Mode("regular", "127.0.0.1:9090", "")]),
        (["--set", "listen_port=9090"], [Mode("regular", "127.0.0.1:9090", "")]),
        (["--set", "listen_port=1", "-p", "2"], [Mode("regular", "127.0.0.1:2", "")]),
        (["-p", "0"], [Mode("regular", "127.0.0.1:", "")]),
        (["--listen-host", "10.0.0.7"], [Mode("regular", "10.0.0.7:8080", "")]),
        (["--listen-host", "0.0.0.0"], [REGULAR]),
        (["--listen-host", "::1"], [Mode("regular", "[::1]:8080", "")]),
        (["--mode", "regular@7000", "-p", "9090"], [Mode("regular", "127.0.0.1:7000", "")]),
        (
            ["-m", "reverse:https://a.example"],
            [Mode("reverse", "127.0.0.1:8080", "https://a.example")],
        ),
        (
            ["-m", "regular", "-m", "reverse:https://a.example@9"],
            [REGULAR, Mode("reverse", "127.0.0.1:9", "https://a.example")],
        ),
        (["-n", "-r", "saved.flows"], []),
        (["-np", "3"], []),
        # Options of mitmproxy's own addons, and of ours.
        (["--web-port", "9", "-r", "p", "-w", "+out", "-M", "|a|b", "--set", "taskaudit_log=p"], [REGULAR]),
    ],
)
def test_how_clients_reach_the_proxy(arguments: list[str], modes: list[Mode]) -> None:
    assert list(meaning(*arguments).modes) == modes


def test_the_certificate_is_in_the_home(home: Path) -> None:
    assert meaning().certificate == home / ".mitmproxy" / "mitmproxy-ca-cert.pem"


@pytest.mark.parametrize("confdir", ["{home}/own", "~/own"])
def test_the_certificate_is_in_the_users_folder(home: Path, confdir: str) -> None:
    found = meaning("--set", f"confdir={confdir.format(home=home)}")
    assert found.certificate == home / "own" / "mitmproxy-ca-cert.pem"


def test_what_is_named() -> None:
    found = meaning("--set", "web_columns=path", "--set", "web_columns=size", "--set", "x")
    assert found.named == {"web_columns", "x"}


@pytest.mark.parametrize(
    ("arguments", "scripts", "in_flags"),
    [
        (["-s", "a.py", "-sb.py"], ("a.py", "b.py"), True),
        (["--set", "scripts=a.py", "--set", "scripts=b.py"], ("a.py", "b.py"), False),
        (["--set", "scripts=a.py", "-s", "b.py"], ("b.py",), True),
        ([], (), False),
    ],
)
def test_which_scripts_are_loaded(arguments: list[str], scripts: tuple[str, ...], in_flags: bool) -> None:
    assert loaded(*arguments) == (scripts, in_flags)


def test_scripts_of_config_yaml(home: Path) -> None:
    configure(home, "scripts: [a.py]\n")
    assert loaded() == ((str(home / ".mitmproxy" / "a.py"),), False)
    assert loaded("-s", "b.py") == (("b.py",), True)


@pytest.mark.parametrize(
    ("arguments", "only_tells"),
    [
        (["--version"], True),
        (["--options"], True),
        (["--commands"], True),
        (["--help"], True),
        (["-q"], False),
    ],
)
def test_whether_a_proxy_runs_at_all(arguments: list[str], only_tells: bool) -> None:
    assert meaning(*arguments).only_tells is only_tells


def test_config_yaml_wins_over_set_and_not_over_flags(home: Path) -> None:
    configure(home, "listen_port: 5\nlisten_host: 10.0.0.7\ntaskaudit_log: a\n")
    assert meaning("--set", "listen_port=6").modes[0].address == "10.0.0.7:5"
    assert meaning("-p", "6").modes[0].address == "10.0.0.7:6"
    assert meaning().configured == {"listen_port", "listen_host", "taskaudit_log"}


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_config_yaml_is_empty(home: Path, text: str) -> None:
    configure(home, text)
    assert meaning() == meaning("--set", f"confdir={home}/.mitmproxy")._replace(named=frozenset())


@pytest.mark.parametrize(
    "arguments",
    [["-p", "x"], ["--set", "listen_port=x"], ["--mode", "reserve:x"], ["-p"], ["--mode", "reverse:"]],
)
def test_mitmproxy_refuses_it(arguments: list[str]) -> None:
    assert understand(arguments) is None


@pytest.mark.parametrize("text", ["listen_port: many\n", "[", "a list\n"])
def test_mitmproxy_refuses_its_config_yaml(home: Path, text: str) -> None:
    configure(home, text)
    assert understand([]) is None
