"""Hosts out of scope: what goes there is passed on undecrypted, and counted."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx
import pytest
from running import PATIENCE, wait_until
from serving import Serve

from taskaudit.demo.api import DemoApi


def _certificate(port: int) -> bytes:
    """The one that a client is shown, whoever made it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b""


def _submit(port: int) -> httpx.Response:
    with httpx.Client(verify=False, timeout=PATIENCE) as client:
        return client.post(f"https://127.0.0.1:{port}/v1/p/cloudservers", json={"server": {"name": "web"}})


@pytest.mark.parametrize(
    ("hosts", "is_looked_at"),
    [("[]", True), ("[127.0.0.*]", True), ("[ecs.example.com]", False)],
)
def test_what_is_out_of_scope_is_not_decrypted(
    tmp_path: Path, tls_api: DemoApi, hosts: str, is_looked_at: bool
) -> None:
    settings = f"scope: {{hosts: {hosts}}}\n"
    with Serve(tls_api.url, tmp_path, "--set", "ssl_insecure=true", settings=settings) as proxy:
        own = _certificate(int(tls_api.url.rpartition(":")[2]))
        assert (_certificate(proxy.port) != own) is is_looked_at
        assert _submit(proxy.port).status_code == 200
        records = proxy.stopped()
    totals = records[-1]["session"]["totals"]
    assert totals["audited"] == int(is_looked_at)
    if not is_looked_at:
        assert (totals["other"], totals["seen"]) == (2, 2)  # Two connections, each counted once.


def test_the_scope_follows_the_configuration(tmp_path: Path, tls_api: DemoApi) -> None:
    with Serve(tls_api.url, tmp_path, "--set", "ssl_insecure=true") as proxy:
        own = _certificate(int(tls_api.url.rpartition(":")[2]))
        assert _certificate(proxy.port) != own
        proxy.config.write_text("scope: {hosts: [ecs.example.com]}\n")
        wait_until(lambda: _certificate(proxy.port) == own, "the new scope is in force")
