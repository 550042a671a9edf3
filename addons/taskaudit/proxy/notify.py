"""Tells systemd how the service is: sd_notify(3), over the socket that it names."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


class Notify:
    """Says nothing where no service manager listens (`NOTIFY_SOCKET` is not set)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # "@" stands for the zero byte of a name in the abstract namespace.
        self._address = name.replace("@", "\0", 1) if name.startswith("@") else name

    def ready(self, status: str) -> None:
        """Clients can be served."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """Feeds the watchdog."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto(message.replace("\0", "").encode(), self._address)
