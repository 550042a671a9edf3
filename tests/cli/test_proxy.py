"""`taskaudit addon`; `web` and `tui` start real proxies, in `tests/live/`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import run


@pytest.fixture
def taken() -> Iterator[str]:
    """A port of the loopback at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def test_the_addon_is_there() -> None:
    path = Path(run("addon").stdout.strip())
    assert path.is_absolute()
    assert "addons" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["web", "-p", "{}"], "-p PORT"),
        (["tui", "--listen-host", "127.0.0.1", "-p", "{}"], "-p PORT"),
        (["web", "--mode", "regular@127.0.0.1:{}"], "--mode regular@PORT"),
        (["web", "-p", "0", "--web-port", "{}"], "--web-port PORT"),
        (["web", "-n", "--set", "web_port={}"], "--web-port PORT"),
    ],
)
def test_a_port_in_use_is_reported_before_mitmproxy_starts(
    taken: str, arguments: list[str], option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*(word.format(taken) for word in arguments))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("taskaudit: cannot listen on ")
    assert result.stderr.endswith(
        f":{taken}: another program does already; stop that one, or choose another port with {option}\n"
    )
    assert not list(tmp_path.iterdir())
