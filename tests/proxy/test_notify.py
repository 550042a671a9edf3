"""What a service manager gets to hear."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskaudit.proxy.notify import Notify

PATIENCE = 10.0


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A service manager that listens, and the name it gives its socket."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@taskaudit-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(PATIENCE)
        listening.bind(name.replace("@", "\0"))
        yield listening, name


def test_messages(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    notify = Notify({"NOTIFY_SOCKET": name})
    notify.ready("listening on 127.0.0.1:8080")
    notify.alive("seen 0")
    notify.stopping()
    assert [listening.recv(1000) for _ in range(3)] == [
        b"READY=1\nSTATUS=listening on 127.0.0.1:8080",
        b"WATCHDOG=1\nSTATUS=seen 0",
        b"STOPPING=1",
    ]


def test_a_manager_that_does_not_read_holds_nothing_up(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    notify = Notify({"NOTIFY_SOCKET": name})
    for number in range(5000):
        notify.alive(str(number))
    assert listening.recv(1000) == b"WATCHDOG=1\nSTATUS=0"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_nobody_listens(environ: dict[str, str]) -> None:
    Notify(environ).ready("listening")


def test_a_zero_byte_does_not_end_the_message(manager: tuple[socket.socket, str]) -> None:
    listening, name = manager
    Notify({"NOTIFY_SOCKET": name}).alive("a\0b")
    assert listening.recv(1000) == b"WATCHDOG=1\nSTATUS=ab"
