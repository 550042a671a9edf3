"""A throw-away PostgreSQL: a cluster of its own on the loopback, and an empty database for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.programs import found

PASSWORD = "canary-of-the-store"
"""The superuser's; it must not show up in any output."""


def _other_user() -> dict[str, Any]:
    """PostgreSQL does not run as root; then as one of its own."""
    if os.getuid() != 0:
        return {}
    names = {each.pw_name for each in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Postgres:
    """A cluster; `start` and `stop` may be called in turn. `close` removes it."""

    def __init__(self) -> None:
        self._bin = Path(found("initdb")).parent
        self._as = _other_user()
        self._folder = Path(tempfile.mkdtemp(prefix="taskaudit-postgres-"))
        self._data = self._folder / "data"
        self._made = 0
        if self._as:
            os.chown(self._folder, self._as["user"], self._as["group"])
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._make()

    def start(self) -> None:
        """Returns when it can be connected to."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -F"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Ends all connections; `immediate` is a crash."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def close(self) -> None:
        """Stops it if it runs, and removes it."""
        if (self._data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of a new, empty database, with its password."""
        self._made += 1
        name = f"store{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'".encode())
        return self.url(name)

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://auditor:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        self._run("initdb", "-D", self._data, "-U", "auditor", "--auth=scram-sha-256", "-N", "-E", "UTF8",
                  "--locale=C.UTF-8", f"--pwfile={password}")  # fmt: skip

    def _run(self, program: str, *arguments: str | Path) -> None:
        # Into a file: the server keeps what it inherits open.
        told = self._folder / "told"
        with told.open("wb") as output:
            done = subprocess.run(
                [self._bin / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                check=False,
                timeout=60,
                **self._as,
            )
        assert done.returncode == 0, told.read_text(encoding="utf-8", errors="replace")
