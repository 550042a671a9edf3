"""The proxy knows its own connections."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, Server
from mitmproxy.test import taddons

from taskaudit.proxy.own_connections import is_own

LISTENER = 9090


def handler(
    *ends: tuple[str, int] | None, to: tuple[str, int] | None = ("127.0.0.1", LISTENER)
) -> SimpleNamespace:
    """A client's connections, and those from these ends to a server; None is not open yet, or not known."""
    client = Client(peername=("127.0.0.1", 4000), sockname=("127.0.0.1", 8080))
    servers = [Server(address=("127.0.0.1", 9), sockname=end, peername=end and to) for end in ends]
    return SimpleNamespace(transports=dict.fromkeys([client, *servers]))


@pytest.mark.parametrize(
    ("host", "port", "own"),
    [
        ("127.0.0.1", 5000, True),
        ("127.0.0.1", 5001, True),
        ("::1", 5002, True),
        ("127.0.0.1", 5003, True),
        ("127.0.0.1", 5002, False),
        ("127.0.0.2", 5000, False),
        ("127.0.0.1", 8080, False),
        ("127.0.0.1", 4000, False),
        ("fe80::1", 5004, True),
        ("127.0.0.1", 5005, False),
        ("127.0.0.1", 5006, True),
    ],
)
def test_ends_of_connections(host: str, port: int, own: bool) -> None:
    server = Proxyserver()
    with taddons.context(server):
        server.connections["one"] = handler(None, ("127.0.0.1", 5000), ("127.0.0.1", 5001))  # type: ignore[index,assignment]
        server.connections["two"] = handler(  # type: ignore[index,assignment]
            ("::1", 5002), ("::ffff:127.0.0.1", 5003), ("fe80::1%eth0", 5004)
        )
        server.connections["to an origin"] = handler(("127.0.0.1", 5005), to=("127.0.0.1", 8000))  # type: ignore[index,assignment]
        server.connections["to somewhere"] = handler(("127.0.0.1", 5006), to=None)  # type: ignore[index,assignment]
        assert is_own(host, port, LISTENER) is own


def test_without_a_server_there_are_none() -> None:
    with taddons.context():
        assert not is_own("127.0.0.1", 5000, LISTENER)
