"""Ports that are bound and let go, and clients that want too much."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from taskaudit.listener import server
from taskaudit.listener.access import Address
from taskaudit.listener.server import TOKEN_VARIABLE, Listener, ListenError
from tests.listener.serving import LOOPBACK, TOKEN, Serving

type Serve = Callable[[Address], Serving]


def bound(address: Address = LOOPBACK, **environ: str) -> Listener:
    return Listener(address, environ)


def test_a_free_port_is_found() -> None:
    one, other = bound(), bound()
    assert 0 < one.address.port != other.address.port > 0
    assert one.url == f"http://127.0.0.1:{one.address.port}/?token={one.access.token}"
    one.stop()
    other.stop()


def test_a_busy_port_is_told() -> None:
    one = bound()
    with pytest.raises(ListenError) as refused:
        bound(one.address)
    assert str(refused.value) == f"cannot listen on {one.address}: address already in use"
    one.stop()
    bound(one.address).stop()


@pytest.mark.parametrize("host", ["host.invalid", "192.0.2.1", "a" * 64 + ".example", "a..b"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(ListenError, match=rf"^cannot listen on {host}:0: \w+"):
        bound(Address(host, 0))


def test_stopped_it_lets_the_port_and_the_clients_go(serve: Serve) -> None:
    serving = serve(LOOPBACK)
    with serving.connected() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        serving.do(serving.listener.stop)
        assert connection.recv(65536) == b""
    bound(serving.listener.address).stop()


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_other_ways_to_the_loopback(serve: Serve, host: str) -> None:
    serving = serve(Address(host, 0))
    assert serving.ask("/healthz").text == "ok\n"
    shown = "[::1]" if host == "::1" else host
    assert serving.listener.url == f"http://{shown}:{serving.port}/"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_elsewhere_the_address_has_a_name(host: str) -> None:
    listener = bound(Address(host, 0))
    assert listener.url.startswith(f"http://{socket.gethostname()}:{listener.address.port}/?token=")
    listener.stop()


def test_a_given_token_is_not_printed() -> None:
    listener = bound(**{TOKEN_VARIABLE: TOKEN})
    assert listener.access.knows(TOKEN)
    assert listener.url == f"http://127.0.0.1:{listener.address.port}/"
    listener.stop()


def test_each_start_has_a_token_of_its_own() -> None:
    listeners = [bound(), bound(**{TOKEN_VARIABLE: ""})]
    one, other = (each.access.token for each in listeners)
    assert one != other
    assert min(len(one), len(other)) >= 22  # 128 bits
    for each in listeners:
        each.stop()


def sent(serving: Serving, data: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    with serving.connected() as connection:
        try:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""


HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n",
        HEAD + b"X: x\r\n" * 100_000 + b"\r\n",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + b"x" * 1_000_000,
        b"x" * 1_000_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["header", "headers", "target", "body", "chunk", "nothing", "http2", "tls"],
)
def test_what_is_too_much_is_cut_off_and_others_are_served(serve: Serve, data: bytes) -> None:
    serving = serve(LOOPBACK)
    assert b"200 OK" not in sent(serving, data)
    assert serving.ask("/healthz").text == "ok\n"


def test_who_says_nothing_is_not_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_IDLE", 0.2)
    serving = serve(LOOPBACK)
    for begun in (b"", HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"):
        assert b"200 OK" not in sent(serving, begun)


def test_connections_are_bounded_and_slow_ones_keep_nobody_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 3)
    serving = serve(LOOPBACK)
    with ExitStack() as opened:
        slow = [opened.enter_context(serving.connected()) for _ in range(10)]
        for each in slow[-2:]:
            each.sendall(HEAD)
        assert serving.ask("/healthz", Authorization="").text == "ok\n"
        assert [each.recv(1) for each in slow[:8]] == [b""] * 8
        slow[-1].sendall(b"\r\n")
        assert slow[-1].recv(65536).startswith(b"HTTP/1.1 200")
