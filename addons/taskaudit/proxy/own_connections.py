"""Which connections are the proxy's own: whoever comes by one of them comes through the proxy."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Server


def is_own(host: str, port: int, to: int) -> bool:
    """Whether the proxy has connected from there to a port `to`.

    Two connections may come from the same port as long as they lead to different ones: that of somebody who
    looks at the listener, and that of the proxy to an origin on this machine.
    """
    proxy = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
    handlers = proxy.connections.values() if isinstance(proxy, Proxyserver) else ()
    own = (each for handler in handlers for each in handler.transports if isinstance(each, Server))
    ends = ((each.sockname, each.peername) for each in own)
    return any(  # Where nothing is known of the other end, it may lead there.
        here and here[1] == port and _same(here[0], host) and (there is None or there[1] == to)
        for here, there in ends
    )


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(host: str) -> object:
    """Without the scope of an IPv6 address; what is an IPv4 address, as one."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
