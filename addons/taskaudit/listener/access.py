"""Who may look: whoever knows the token.

The loopback is no boundary: every user of a forward proxy on the machine gets there through it, and so does a
page in the tester's browser through a name that resolves to 127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

import hmac
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


@dataclass(frozen=True, slots=True)
class Access:
    """Who may look at a listener. `is_given`: the token is the user's own, and is never printed."""

    address: Address
    token: str
    is_given: bool = False

    def knows(self, token: str | None) -> bool:
        """Whether this is the token; in a time that does not tell how much of it is right."""
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())
