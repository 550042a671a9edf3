"""Who may look: only this machine, or whoever knows the token.

A page in the tester's browser could try to reach the loopback through a name of its own that resolves to
127.0.0.1 (DNS rebinding): then the Host header is that name, and nothing is answered. Another machine could
try to reach it through the proxy: then the connection is one of the proxy's own.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit


class Address(NamedTuple):
    """Where to listen; port 0 is one that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine gets there."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`9090`, `127.0.0.1:9090` or `[::1]:9090`. Raises ValueError that says what is right."""
    wanted = f"127.0.0.1:{text}" if text.isdecimal() else text
    try:
        parts = urlsplit(f"//{wanted}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.netloc != wanted or parts.username is not None:
        raise ValueError(f'"{text}" is no address; give a port, or host and port: 9090, 127.0.0.1:9090')
    return Address(host, port)


def is_loopback(host: str) -> bool:
    """Whether a host, by name or number, is this machine and cannot be made another one by a name server."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


type IsOwn = Callable[[str, int, int], bool]
"""Whether the proxy has made a connection from a host and port, to another port."""


def _never(*_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Access:
    """Who may look at a listener on `address`. The token is asked for where that is not the loopback."""

    address: Address
    token: str
    is_own: IsOwn = _never

    @property
    def needs_token(self) -> bool:
        """Whether others than this machine get there."""
        return not self.address.is_loopback

    def is_host_right(self, host_header: str) -> bool:
        """Whether the browser, or whoever asks, meant this listener and not another name for it."""
        if self.needs_token:  # No page can know it, under whatever name it asks.
            return True
        try:
            named = urlsplit(f"//{host_header}").hostname
        except ValueError:
            return False
        return named is not None and is_loopback(named)

    def comes_through_proxy(self, host: str, port: int) -> bool:
        """Whether somebody, maybe on another machine, has the proxy ask for him. With a token he may."""
        return not self.needs_token and self.is_own(host, port, self.address.port)

    def knows(self, token: str | None) -> bool:
        """Whether this is the token; in a time that does not tell how much of it is right."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())
