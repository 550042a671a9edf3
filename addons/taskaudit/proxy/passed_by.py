"""Connections to hosts out of scope: passed through as they are, and counted."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import TCPLayer, UDPLayer


class PassedBy:
    """Counts each connection whose bytes the proxy passes on unseen; comes after mitmproxy's NextLayer."""

    name = "taskaudit.passed_by"

    def __init__(self, count: Callable[[], None]) -> None:
        self._count = count

    def next_layer(self, nextlayer: NextLayer) -> None:
        """A connection is passed by when what handles it makes no flow of it."""
        if isinstance(nextlayer.layer, TCPLayer | UDPLayer) and nextlayer.layer.flow is None:
            self._count()
