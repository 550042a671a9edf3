"""What stands in front of several proxies: HAProxy and nginx, with the configurations that ship."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from running import PATIENCE, is_open, wait_until
from serving import Serve

from taskaudit.paths import configs_dir
from tests.programs import found


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def replaced(name: str, changed: Mapping[str, str]) -> str:
    """A configuration that ships, with other ports and paths; each of them has to be in it."""
    text = (configs_dir() / name).read_text(encoding="utf-8")
    for before, after in changed.items():
        assert before in text, f"{before} is not in configs/{name}"
        text = text.replace(before, after)
    return text


@contextmanager
def running(*command: str, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the foreground, its output in the file `told`."""
    with told.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


class HAProxy:
    """A running HAProxy; `states` tells what it thinks of its servers."""

    def __init__(self, port: int, control: Path) -> None:
        self.port = port
        self._control = control

    def states(self) -> dict[str, str]:
        """By the server's name: UP, DOWN, a step between them, or `no check`."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(self._control))
            connection.sendall(b"show stat\n")
            told = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        header, *rows = (line.split(",") for line in told.lstrip("# ").splitlines() if line)
        named = (dict(zip(header, row, strict=True)) for row in rows)
        return {row["svname"]: row["status"] for row in named if row["pxname"] == "audited"}

    def wait_for(self, **states: str) -> None:
        """Until its servers are in these states."""
        wait_until(lambda: states.items() <= self.states().items(), f"HAProxy sees {states}")


@contextmanager
def haproxy(folder: Path, a: Serve, b: Serve) -> Iterator[HAProxy]:
    """An HAProxy before two instances, checking them more often than it would."""
    port, control, config = free_port(), folder / "haproxy.sock", folder / "haproxy.cfg"
    config.write_text(
        replaced(
            "haproxy/haproxy.cfg",
            {
                "maxconn 10000": f"maxconn 100\n    stats socket {control}",
                "127.0.0.1:8080": f"127.0.0.1:{port}",
                "127.0.0.1:8081": f"127.0.0.1:{a.port}",
                "127.0.0.1:8082": f"127.0.0.1:{b.port}",
                "check port 9101 inter 2s": f"check port {a.page} inter 100ms",
                "check port 9102 inter 2s": f"check port {b.page} inter 100ms",
            },
        )
    )
    with running(found("haproxy"), "-db", "-f", str(config), told=folder / "haproxy.err"):
        wait_until(lambda: control.exists() and is_open(port), "HAProxy listens")
        yield HAProxy(port, control)


@contextmanager
def nginx(folder: Path, a: Serve, b: Serve) -> Iterator[int]:
    """An nginx before two instances; gives its port."""
    port, config = free_port(), folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    config.write_text(
        replaced(
            "nginx/nginx.conf",
            {
                "http {\n": f"http {{\n    access_log off;\n{own}",
                "127.0.0.1:8080": f"127.0.0.1:{port}",
                "127.0.0.1:8081": f"127.0.0.1:{a.port}",
                "127.0.0.1:8082": f"127.0.0.1:{b.port}",
            },
        )
    )
    user = "user root; " if os.geteuid() == 0 else ""
    first = f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;"
    with running(found("nginx"), "-c", str(config), "-g", first, told=folder / "nginx.out"):
        wait_until(lambda: is_open(port), "nginx listens")
        yield port
