"""Secrets through a real proxy: none in its log, in what it prints, or in what it notes on saved flows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader
from running import PATIENCE, RawOrigin, Start, bodies, records_in

from taskaudit.proxy.annotate import KEY
from tests import canary
from tests.canary import found, places, secret

QUERY = f"token={quote(secret('query value'), safe='')}"


def answer(body: object, status: int) -> bytes:
    """An answer with secrets in its head, too."""
    text = body if isinstance(body, str) else json.dumps(body)
    sent = text.encode("utf-8")
    head = (
        f"HTTP/1.1 {status} {secret('reason')}\r\n"
        f"Content-Type: application/json; x={secret('media type')}\r\n"
        f"Set-Cookie: s={secret('cookie')}\r\nContent-Length: {len(sent)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + sent


def ask(port: int, name: str) -> None:
    """Submits a task with secrets in query, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {**canary.request_headers(), "Host": f"user:{secret('password')}@api.example.com"}
    path = f"/v1/p/batchaction/attachvolumes/{name}?{QUERY}"
    connection.request("POST", path, json.dumps({"adminPass": secret("sent")}), headers)
    connection.getresponse().read()
    connection.close()


def test_no_secret_leaves_a_proxy(
    launch: Start, raw_origin: Callable[[dict[str, bytes]], RawOrigin], tmp_path: Path
) -> None:
    planted = list(enumerate((*canary.sound(), *canary.broken())))
    answers = {f"{number}?{QUERY}": answer(body, status) for number, (_, body, status) in planted}
    saved = tmp_path / "saved.mitm"
    # mitmproxy's own lines on each request hold its query.
    quiet = ("--set", "flow_detail=0")
    proxy = launch("--mode", f"reverse:{raw_origin(answers).url}", "-w", str(saved), *quiet)
    for number, _ in planted:
        ask(proxy.port, str(number))
    output, status = proxy.stop()
    assert status == 0
    assert output.count("taskaudit: ") > len(planted)
    assert found(output, places()) == []
    assert len(bodies(records_in(proxy.log), "submission")) == len(planted)
    assert found(proxy.log.read_text(encoding="utf-8"), places()) == []
    with saved.open("rb") as file:
        flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, HTTPFlow)]
    assert len(flows) == len(planted)
    notes = [(flow.marked, flow.comment, flow.metadata[KEY]) for flow in flows]
    assert found(json.dumps(notes), places()) == []
