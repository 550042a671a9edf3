"""`taskaudit serve` as users run it: each way through it, its signals, its exit status, what it tells."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import to_builtins
from running import PATIENCE, Client, RawOrigin, bodies, exchange_bytes, records_in, submission, wait_until
from serving import Serve, StartServe, changed, serving  # noqa: F401 (fixture)

from taskaudit.auditor import Auditor
from taskaudit.config.loading import load
from taskaudit.demo.api import SCENARIOS, DemoApi
from taskaudit.demo.mitmdump import program
from taskaudit.offline.check import Check, Checked
from taskaudit.recording.records import Stamp, records_of
from tests.pages import blocks, text_of

JOB = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
PATH = "/v1/p/cloudservers"
type Connect = Callable[[int], Client]
type MakeOrigin = Callable[[dict[str, bytes]], RawOrigin]


class _OffersHttp2(ssl.SSLContext):
    """httpx offers HTTP/1.1 first, and mitmproxy takes the first that it knows."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols(["h2"])


def _post(url: str, **options: Any) -> httpx.Response:
    with httpx.Client(timeout=PATIENCE, trust_env=False, **options) as client:
        return client.post(url, json={"server": {"name": "web"}})


def _job_id(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return str(answer.json()["job_id"])


def _is_recorded(proxy: Serve, job_id: str) -> bool:
    return [each["job_id"] for each in bodies(proxy.stopped(), "submission")] == [job_id]


def test_forward(serve: StartServe, api: DemoApi) -> None:
    proxy = serve("", mode="regular")
    job_id = _job_id(_post(f"{api.url}{PATH}", proxy=f"http://127.0.0.1:{proxy.port}"))
    assert _is_recorded(proxy, job_id)


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_forward_over_tls(serve: StartServe, tls_api: DemoApi, confdir: Path, version: str) -> None:
    # Lazy: an origin of HTTP/1.1 that is connected to first would make it HTTP/1.1 for the client too.
    proxy = serve("", "-k", "--set", "connection_strategy=lazy", mode="regular")
    through = f"http://127.0.0.1:{proxy.port}"
    is_new = version == "HTTP/2"
    trusting = (_OffersHttp2 if is_new else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(confdir / "mitmproxy-ca-cert.pem")
    answer = _post(f"{tls_api.url}{PATH}", proxy=through, verify=trusting, http2=is_new)
    assert answer.http_version == version
    assert _is_recorded(proxy, _job_id(answer))


def test_reverse(serve: StartServe, api: DemoApi) -> None:
    proxy = serve(api.url)
    assert _is_recorded(proxy, _job_id(_post(f"http://127.0.0.1:{proxy.port}{PATH}")))


@pytest.mark.parametrize("option", ["ssl_insecure=true", "ssl_verify_upstream_trusted_ca={}"])
def test_reverse_before_tls(serve: StartServe, tls_api: DemoApi, tmp_path: Path, option: str) -> None:
    proxy = serve(tls_api.url, "--set", option.format(tmp_path / "origin" / "origin-ca-cert.pem"))
    assert _is_recorded(proxy, _job_id(_post(f"http://127.0.0.1:{proxy.port}{PATH}")))


def test_a_certificate_that_is_not_trusted_is_told_once(serve: StartServe, tls_api: DemoApi) -> None:
    proxy = serve(tls_api.url)
    for _ in range(2):
        assert _post(f"http://127.0.0.1:{proxy.port}{PATH}").status_code == 502
    assert proxy.stop() == 0
    assert [each["reason"] for each in proxy.of("unaudited")] == ["aborted", "aborted"]
    assert proxy.told.count("is not trusted (unable to get local issuer certificate): trust its CA with") == 2
    assert "(again once since it was last told)" in proxy.told


def test_upstream(serve: StartServe, api: DemoApi) -> None:
    behind = serve("", "--proxyauth", "me:secret", mode="regular", name="behind")
    ahead = ["--upstream-auth", "me:secret"]
    proxy = serve("", *ahead, mode=f"upstream:http://127.0.0.1:{behind.port}")
    job_id = _job_id(_post(f"{api.url}{PATH}", proxy=f"http://127.0.0.1:{proxy.port}"))
    assert _is_recorded(proxy, job_id)
    assert _is_recorded(behind, job_id)


def test_socks5(serve: StartServe, raw_origin: MakeOrigin) -> None:
    origin = raw_origin({"job": _answer(JOB)})
    proxy = serve("", mode="socks5")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        client.sendall(b"\x05\x01\x00")
        assert client.recv(2) == b"\x05\x00"
        client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + origin.port.to_bytes(2, "big"))
        assert client.recv(10)[:2] == b"\x05\x00"
        client.sendall(submission("job"))
        assert b"".join(iter(lambda: client.recv(65536), b"")) == _answer(JOB)
    assert _is_recorded(proxy, json.loads(JOB)["job_id"])


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


MODES = (
    *("regular", "socks5", "transparent", "dns", "wireguard", "upstream:http://127.0.0.1:9"),
    *("reverse:http://127.0.0.1:9", "reverse:http3://127.0.0.1:9", "reverse:tcp://127.0.0.1:9"),
    "reverse:dns://127.0.0.1",
)


def test_all_modes_at_once(serve: StartServe) -> None:
    """Also those with threads of mitmproxy's own: its end is in good order."""
    where = [f"{mode}@127.0.0.{number}:0" for number, mode in enumerate(MODES, 2)]
    proxy = serve("", *(word for each in where for word in ("--mode", each)), mode="regular@127.0.0.1:0")
    assert proxy.port
    (told,) = (line for line in proxy.told.splitlines() if "listening on" in line)
    assert [f" 127.0.0.{number}:" in told for number in range(1, len(MODES) + 2)] == [True] * (len(MODES) + 1)
    start, *_ = proxy.stopped()
    recorded = {mode.partition("@")[0] for mode in start["session"]["mode"].split(",")}
    assert recorded == {mode.partition(":")[0] for mode in MODES}


def test_proxyauth(serve: StartServe, api: DemoApi) -> None:
    proxy = serve("", "--proxyauth", "me:secret", mode="regular")
    assert _post(f"{api.url}{PATH}", proxy=f"http://127.0.0.1:{proxy.port}").status_code == 407
    job_id = _job_id(_post(f"{api.url}{PATH}", proxy=f"http://me:secret@127.0.0.1:{proxy.port}"))
    records = proxy.stopped()
    assert job_id in [each["job_id"] for each in bodies(records, "submission")]
    assert bodies(records, "session")[-1]["totals"]["seen"] == 2


def test_saved_flows_give_the_same_records(
    serve: StartServe, api: DemoApi, client: Connect, tmp_path: Path
) -> None:
    flows = tmp_path / "flows"
    proxy = serve(api.url, "-w", str(flows))
    ask = client(proxy.port)
    for name in [name for name, scenario in SCENARIOS.items() if not scenario.cut]:
        ask.submit(name)
    ask("GET", f"/v1/p/jobs/{api.job_ids[0]}")
    ask("POST", "/v9/unlisted/thing", {})
    ask.submit("cut-short")
    recorded = _about_exchanges(proxy.stopped())
    assert len(recorded) > len(SCENARIOS)
    assert _about_exchanges(_offline(flows)) == recorded


def _offline(flows: Path) -> Iterator[dict[str, Any]]:
    config = load(None)
    auditor = Auditor(config.catalogue, config.settings.inspection_limit)
    for item in Check(auditor).over([flows]):
        assert isinstance(item, Checked), item
        stamp = Stamp(instance_id="offline", session_id="offline")
        yield from (to_builtins(record) for record in records_of(item.outcome, stamp, 0))


def _about_exchanges(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By id, without what is a session's own; late findings, on the life of jobs, are told later offline."""
    own = ("instance_id", "session_id", "seq")
    return {
        record["record_id"]: {key: value for key, value in record.items() if key not in own}
        for record in records
        if record["event_type"] in ("submission", "job_query", "finding", "unaudited")
    }


def test_the_first_command_of_the_page_works_on_a_fresh_machine(tmp_path: Path) -> None:
    """Without folders, files or a user of its own; only the ports are others here."""
    command = blocks(text_of("docs/staging.md"))[0].commands[0]
    _, *words = shlex.split(command.replace("8080", "0").replace("9101", "0"))
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen(
            [program("taskaudit"), *words],
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        output = tmp_path / "told"
        wait_until(lambda: process.poll() is not None or "listening" in output.read_text(), "it listens")
        process.terminate()
        assert process.wait(PATIENCE) == 0, output.read_text()
    finally:
        process.kill()
    assert bodies(records_in(tmp_path / "ecs.ndjson"), "session")[-1]["state"] == "stop"


def test_config_yaml_of_mitmproxy_is_not_read(serve: StartServe, api: DemoApi, tmp_path: Path) -> None:
    """Else it would win over the command line."""
    confdir = tmp_path / "mitmproxy"
    confdir.mkdir()
    (confdir / "config.yaml").write_text("body_size_limit: '1'\nmode: [socks5]\n")
    proxy = serve(api.url, confdir=confdir)
    assert _is_recorded(proxy, _job_id(_post(f"http://127.0.0.1:{proxy.port}{PATH}")))


class _Asking:
    """A client that waits for an answer, in a thread."""

    def __init__(self, port: int, name: str) -> None:
        self.answer = b""
        self._thread = threading.Thread(target=self._ask, args=(port, name), daemon=True)
        self._thread.start()

    def _ask(self, port: int, name: str) -> None:
        with suppress(ConnectionResetError):
            self.answer = exchange_bytes(port, name)

    def answered(self) -> bytes:
        """What came, until the end."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.answer


def _refuses(port: int) -> bool:
    """Whether nothing listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # It was in the queue when the listener closed: the next one tells.
    return False


@pytest.fixture
def slow(raw_origin: MakeOrigin) -> RawOrigin:
    """An origin that holds back the body of its answers."""
    origin = raw_origin({"job": _answer(JOB), "large": _answer(JOB[:-1] + b" " * 900_000 + b"}")})
    origin.go_on.clear()
    return origin


@pytest.mark.parametrize("fsync", ["off", "batch", "each"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_ends_well(
    serve: StartServe, slow: RawOrigin, by: signal.Signals, fsync: str
) -> None:
    proxy = serve(slow.url, settings=f"log: {{fsync: {fsync}}}")
    asking = [_Asking(proxy.port, name) for name in ("job", "large", "job")]
    wait_until(lambda: slow.arrived == 3, "three requests at the origin")
    proxy.send(by)
    wait_until(lambda: _refuses(proxy.port), "new connections are refused")
    assert proxy.process.poll() is None
    slow.go_on.set()
    assert [each.answered() for each in asking] == [slow.answers[name] for name in ("job", "large", "job")]
    assert proxy.wait() == 0  # A second signal, as it ends, would end it at once.
    records = proxy.stopped()
    assert len(bodies(records, "submission")) == 3
    assert [record["event_type"] for record in records[-2:]] == ["stats", "session"]
    assert "in flight" not in proxy.told


def test_a_client_that_reads_slowly_gets_all(serve: StartServe, slow: RawOrigin) -> None:
    proxy = serve(slow.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", proxy.port))
        client.sendall(submission("large"))
        wait_until(lambda: slow.arrived == 1, "the request at the origin")
        proxy.send(signal.SIGTERM)
        slow.go_on.set()
        wait_until(lambda: bool(proxy.of("submission")), "the answer is recorded")
        assert b"".join(iter(lambda: client.recv(4096), b"")) == slow.answers["large"]
    assert proxy.wait() == 0
    proxy.stopped()


def test_an_origin_that_never_answers_is_not_waited_for(serve: StartServe, slow: RawOrigin) -> None:
    proxy = serve(slow.url, command=changed(0.3))
    asking = _Asking(proxy.port, "job")
    wait_until(lambda: slow.arrived == 1, "the request at the origin")
    records = proxy.stopped()
    assert asking.answered() == b""
    assert [each["reason"] for each in bodies(records, "unaudited")] == ["aborted"]
    assert bodies(records, "session")[-1]["totals"]["unaudited"]["aborted"] == 1
    assert "stopped with 1 exchanges in flight" in proxy.told


def test_a_second_signal_ends_it_at_once(serve: StartServe, slow: RawOrigin) -> None:
    proxy = serve(slow.url, command=changed(10 * PATIENCE))
    asking = _Asking(proxy.port, "job")
    wait_until(lambda: slow.arrived == 1, "the request at the origin")
    proxy.send(signal.SIGTERM)
    wait_until(lambda: _refuses(proxy.port), "the stop has begun")
    records = proxy.stopped()
    assert asking.answered() == b""
    assert [each["reason"] for each in bodies(records, "unaudited")] == ["aborted"]


def test_idle_connections_do_not_hold_it_up(serve: StartServe, api: DemoApi, client: Connect) -> None:
    proxy = serve(api.url, command=changed(10 * PATIENCE))
    for ask in [client(proxy.port) for _ in range(5)]:
        assert ask.submit("web")[0] == 200
    assert len(bodies(proxy.stopped(), "submission")) == 5


SAYS_WHAT_IS_FROZEN = """
import gc, signal

signal.signal(signal.SIGUSR1, lambda *_: print(f"{gc.get_freeze_count()} frozen", flush=True))

from taskaudit.cli import main

main()
"""


def test_its_own_program_is_no_garbage(serve: StartServe, api: DemoApi) -> None:
    """To look for garbage among all that was imported would halt all traffic for a tenth of a second."""
    proxy = serve(api.url, command=[sys.executable, "-c", SAYS_WHAT_IS_FROZEN])
    assert proxy.port
    proxy.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: "frozen" in proxy.told, "it says what is frozen")
    assert int(re.findall(r"(\d+) frozen", proxy.told)[0]) > 50_000


@pytest.mark.parametrize(
    ("arguments", "names", "status"),
    [
        ([], ["code-number"], 0),
        (["--fail-on", "error"], ["web"], 0),
        (["--fail-on", "error"], ["web", "details-null"], 0),
        (["--fail-on", "warning"], ["web", "details-null"], 1),
        (["--fail-on", "error"], ["code-number", "web"], 1),
    ],
)
def test_exit_status(
    serve: StartServe, api: DemoApi, client: Connect, arguments: list[str], names: list[str], status: int
) -> None:
    settings = "query_within: 1000000\n"
    proxy = serve(api.url, *arguments, settings=settings)
    ask = client(proxy.port)
    for name in names:
        ask.submit(name)
    job_ids = api.job_ids
    for job_id in job_ids * 4:  # Until it has ended: else it would be a finding that nobody asked.
        ask("GET", f"/v1/p/jobs/{job_id}")
    expected = 1 if status else 0
    found = proxy.stop()
    severities = {finding["severity"] for finding in proxy.of("finding")}
    assert (found, severities) == (expected, severities)


@pytest.mark.parametrize("what", ["port", "page", "log", "configuration", "address"])
def test_it_cannot_start(serve: StartServe, api: DemoApi, what: str) -> None:
    """One message, and status 1; traffic is never taken."""
    first = serve(api.url)
    arguments, options, told = {
        "port": (["-p", str(first.port)], {}, "choose another port with -p PORT"),
        "page": ([], {"listen": f"127.0.0.1:{first.page}"}, "cannot listen on"),
        "log": ([], {"log": first.log}, "is in use by another audit"),
        "configuration": ([], {"settings": "unlistd: detect"}, "unlistd"),
        "address": ([], {"listen": "nonsense:"}, '"nonsense:" is no address'),
    }[what]
    other = serve(api.url, *arguments, name="other", **options)
    assert other.wait() == 1, other.told
    assert told in other.told
    assert "Traceback" not in other.told
    assert "listening on" not in other.told
    assert what == "log" or not other.log.exists()
    first.stopped()


def test_hangup_opens_the_log_anew(serve: StartServe, api: DemoApi, client: Connect) -> None:
    proxy = serve(api.url)
    ask = client(proxy.port)
    ask.submit("web")
    renamed = proxy.log.rename(proxy.log.with_suffix(".1"))
    proxy.send(signal.SIGHUP)
    wait_until(lambda: proxy.log.exists() and b"log_reopened" in proxy.log.read_bytes(), "a new log")
    ask.submit("web")
    proxy.stop()
    found = [bodies(records_in(log), "submission") for log in (renamed, proxy.log)]
    assert [[each["job_id"] for each in log] for log in found] == [[job_id] for job_id in api.job_ids]
    assert proxy.records[0]["session"]["state"] == "continue"
    assert "configuration read anew" in proxy.told


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_service_manager_is_told(serve: StartServe, api: DemoApi, tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"@taskaudit-live-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(PATIENCE)
        manager.bind(name.replace("@", "\0"))
        proxy = serve(api.url, environment={"NOTIFY_SOCKET": name})
        ready = _next(manager, b"READY=1")
        assert f"STATUS=listening on 127.0.0.1:{proxy.port}".encode() in ready
        _post(f"http://127.0.0.1:{proxy.port}{PATH}")
        while b"seen 1 = other 0 + audited 1" not in _next(manager, b"WATCHDOG=1"):
            pass
        _next(manager, b"WATCHDOG=1")
        proxy.send(signal.SIGTERM)
        assert _next(manager, b"STOPPING=1") == b"STOPPING=1"
    assert proxy.wait() == 0
    proxy.stopped()


def _next(manager: socket.socket, start: bytes) -> bytes:
    """The next message that starts so; others come between."""
    for _ in range(1000):
        if (message := manager.recv(4096)).startswith(start):
            return message
    raise AssertionError(f"never told: {start!r}")


def test_a_flood_is_one_line_and_a_count(serve: StartServe, api: DemoApi, client: Connect) -> None:
    proxy = serve(api.url)
    ask = client(proxy.port)
    for _ in range(1000):
        ask.submit("code-number")
    assert proxy.told.count("TA306") == 1
    findings = bodies(proxy.stopped(), "finding")
    assert [finding["rule"] for finding in findings] == ["TA306"] * 1000
    assert proxy.told.count("TA306") == 2
    assert "(again 999 times since it was last told)" in proxy.told


def test_verbose_tells_each(serve: StartServe, api: DemoApi, client: Connect) -> None:
    proxy = serve(api.url, "--verbose")
    ask = client(proxy.port)
    for _ in range(5):
        ask.submit("code-number")
    proxy.stopped()
    assert proxy.told.count("TA306") == 5
    assert "client connect" in proxy.told
