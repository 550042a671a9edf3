"""What a client needs, as it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.words import Language
from taskaudit.proxy import first_run
from taskaudit.proxy.first_run import hint, idle, is_due
from taskaudit.proxy.launch import CONSOLE, WEB
from taskaudit.proxy.passed_on import PassedOn, understand


def meaning(confdir: Path | str, *arguments: str) -> PassedOn:
    found = understand(["--set", f"confdir={confdir}", *arguments])
    assert found is not None
    return found


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-p", "0"],
        ["-p", "9090", "--mode", "upstream:http://proxy:3128"],
        ["--mode", "reverse:https://ecs.example.com"],
        ["--mode", "regular", "--mode", "reverse:https://ecs.example.com@0"],
        ["--mode", "local"],
        ["-n"],
    ],
    ids=" ".join,
)
def test_the_hint(arguments: list[str], language: Language, snapshot: SnapshotAssertion) -> None:
    assert hint(WEB, meaning("/nowhere/.mitmproxy", *arguments), language) == snapshot


def test_the_console_names_its_own_command() -> None:
    assert "taskaudit tui --hint" in hint(CONSOLE, meaning("/nowhere"), Language.EN)


def test_paths_are_quoted_where_a_shell_reads_them() -> None:
    assert "SSL_CERT_FILE='/my home/mitmproxy-ca-cert.pem'" in hint(WEB, meaning("/my home"), Language.EN)


def test_on_windows_it_is_powershells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "IS_WINDOWS", True)
    text = hint(WEB, meaning("/o'neill", "-p", "9090"), Language.EN)
    proxy = "http://127.0.0.1:9090"
    assert f"$env:HTTP_PROXY = '{proxy}'; $env:HTTPS_PROXY = '{proxy}'\n" in text
    assert "$env:SSL_CERT_FILE = '/o''neill/mitmproxy-ca-cert.pem'\n" in text
    assert "export" not in text


@pytest.mark.parametrize("language", Language)
def test_it_fits_a_terminal(language: Language) -> None:
    lines = hint(WEB, meaning("/home/me/.mitmproxy", "-p", "65535"), language).splitlines()
    assert [line for line in lines if cell_len(line) > 80] == []


def test_what_to_check_where_nothing_comes() -> None:
    found = meaning("/m", "--mode", "reverse:https://a.example@9", "--mode", "regular")
    assert idle(found.modes, found.certificate) == (
        "no request so far: does the client call http://127.0.0.1:9 instead of https://a.example? does the "
        "client use the proxy (http_proxy, https_proxy=http://127.0.0.1:8080; NO_PROXY), and trust "
        "/m/mitmproxy-ca-cert.pem? taskaudit web --hint says how, with the same options"
    )


def test_a_certificate_that_is_there_is_not_told_to_be_made(tmp_path: Path) -> None:
    before = hint(WEB, meaning(tmp_path), Language.EN)
    meaning(tmp_path).certificate.touch()
    assert ("made at" in before, "made at" in hint(WEB, meaning(tmp_path), Language.EN)) == (True, False)


@pytest.mark.parametrize(
    ("arguments", "due"), [([], True), (["-n"], False), (["--version"], False), (["--mode", "local"], True)]
)
def test_when_it_is_due(tmp_path: Path, arguments: list[str], due: bool) -> None:
    assert is_due(meaning(tmp_path, *arguments)) is due


def test_it_is_not_due_once_there_is_a_certificate(tmp_path: Path) -> None:
    meaning(tmp_path).certificate.touch()
    assert not is_due(meaning(tmp_path))


def test_nothing_is_told_about_what_mitmproxy_refuses() -> None:
    assert not is_due(None)
