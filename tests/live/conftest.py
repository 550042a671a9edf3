"""Real proxies on the loopback: a mitmdump with the audit, started for a test and always stopped."""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browser import browser, look  # noqa: F401 (fixtures)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from forking import Forks
from mitmproxy.certs import CertStore
from mitmproxy.options import CONF_BASENAME, KEY_SIZE
from postgres import Postgres
from running import Client, Proxy, RawOrigin, Start

from taskaudit.demo.api import DemoApi
from taskaudit.demo.mitmdump import Mitmdump
from taskaudit.paths import addon_script
from tests.programs import found, rights


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mitmproxy's configuration directory: its CA is made once, here: two that start at once collide."""
    folder = tmp_path_factory.mktemp("mitmproxy")
    CertStore.from_store(folder, CONF_BASENAME, KEY_SIZE)
    return folder


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Most of what a start costs, once."""
    with Forks() as made:
        yield made


@pytest.fixture
def launch(tmp_path: Path, confdir: Path) -> Iterator[Start]:
    """Starts proxies: `launch(*arguments, audit=True, log=None, command="mitmdump", scripts=())`."""
    with ExitStack() as running:

        def start(
            *arguments: str,
            audit: bool = True,
            log: Path | str | None = None,
            command: str = "mitmdump",
            scripts: tuple[Path, ...] = (),
        ) -> Proxy:
            log = tmp_path / "taskaudit.ndjson" if log is None else log
            before = [word for script in scripts for word in ("-s", str(script))]
            ours = ["-s", str(addon_script()), "--set", f"taskaudit_log={log}"] if audit else []
            where = ["--listen-host", "127.0.0.1", "--listen-port", "0"]
            child = Mitmdump([*where, *before, *ours, *arguments], confdir, command=command)
            return Proxy(running.enter_context(child), Path(log))

        yield start


@pytest.fixture
def api() -> Iterator[DemoApi]:
    """The demo's API."""
    with DemoApi() as running:
        yield running


@pytest.fixture
def client() -> Iterator[Callable[[int], Client]]:
    """Makes clients of a port, closed at the end."""
    with ExitStack() as opened:

        def connect(port: int) -> Client:
            made = Client(port)
            opened.callback(made.close)
            return made

        yield connect


@pytest.fixture
def raw_origin() -> Iterator[Callable[[dict[str, bytes]], RawOrigin]]:
    """Makes origins of given bytes, closed at the end."""
    with ExitStack() as opened:

        def make(answers: dict[str, bytes]) -> RawOrigin:
            made = RawOrigin(answers)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL that runs; a test that stops it starts it again."""
    made = Postgres()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """An empty database of it."""
    return postgres.new_database()


@pytest.fixture
def tls_api(tmp_path: Path) -> Iterator[DemoApi]:
    """The API behind TLS, with a certificate of a CA that nobody knows."""
    store = CertStore.from_store(tmp_path / "origin", "origin", 2048)
    entry = store.get_cert("127.0.0.1", [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    key = entry.privatekey.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "origin.pem").write_bytes(key + entry.cert.to_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "origin.pem")
    with DemoApi(tls=context) as running:
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for 400 KiB."""
    mount, umount = found("mount"), found("umount")
    rights()
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run([mount, "-t", "tmpfs", "-o", "size=400k", "taskaudit-test", folder], check=True)
    yield folder
    subprocess.run([umount, "-l", folder], check=True)
