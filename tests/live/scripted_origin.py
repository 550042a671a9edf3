"""An origin that does whatever a test has it do: each answer is a script that gets the connection."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Self

from running import PATIENCE

type Script = Callable[[socket.socket], None]

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MEGABYTE = b" " * 2**20


def sized(body: bytes, head: bytes = JSON) -> bytes:
    """A whole answer."""
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def sends(*parts: bytes) -> Script:
    """Sends these."""
    return lambda connection: send_all(connection, parts)


def send_all(connection: socket.socket, parts: Iterable[bytes]) -> None:
    """Sends one after the other; the parts may be endless."""
    for part in parts:
        connection.sendall(part)


def reset(connection: socket.socket) -> None:
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _end(connection: socket.socket) -> None:
    """Closes in good order: what is left unread would make it an RST."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(2**20):
        pass


class ScriptedOrigin:
    """Runs the script that the last segment of the path names, when a request's head is there, and closes."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as asked:
            line = asked.readline().split(b" ")
            while asked.readline().strip():
                pass
            if len(line) > 1:
                self._scripts[line[1].decode().rpartition("/")[2]](connection)
                _end(connection)
        self._open.discard(connection)
