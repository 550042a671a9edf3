"""What clients do next: each misbehaves in one way on purpose, through a real proxy; one behaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, override

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkecs.v2 import model as ecs
from huaweicloudsdkecs.v2.ecs_client import EcsClient
from msgspec import to_builtins
from running import PATIENCE, Proxy, Start, bodies, wait_until

from taskaudit.auditor import Auditor
from taskaudit.config.loading import load
from taskaudit.demo.api import DemoApi
from taskaudit.lifecycle import Lifecycle
from taskaudit.offline.check import Check, Checked, as_json
from taskaudit.recording.records import Stamp, finding_record

# The SDK's signer calls it.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

CONFIG = "query_within: 2\nmin_interval: 30\n"
ELSEWHERE = "127.0.0.2"
"""The address of a second client."""


class Step(NamedTuple):
    """A request, and the answer that the origin is to give."""

    method: str
    path: str
    answer: Any
    status: int = 200
    body: str = "{}"
    client: str = "127.0.0.1"


def submit(job_id: str, **facts: Any) -> Step:
    return Step("POST", "cloudservers", {"job_id": job_id}, **facts)


def refused(**facts: Any) -> Step:
    error = {"message": "Insufficient ECS quota.", "code": "Ecs.0001"}
    return Step("POST", "cloudservers", {"error": error}, 403, **facts)


def ask(job_id: str, status: str) -> Step:
    return Step("GET", f"jobs/{job_id}", {"job_id": job_id, "status": status})


def not_found(job_id: str) -> Step:
    return Step("GET", f"jobs/{job_id}", {"code": "Common.0011", "message": "no such job"}, 404)


CLIENTS: dict[str, tuple[list[Step], list[str]]] = {
    "behaves": ([submit("j"), ask("j", "INIT"), ask("j", "RUNNING"), ask("j", "SUCCESS")], []),
    "sees-the-error": ([refused(), refused(body="[]")], []),
    "sees-the-failure": ([submit("k"), ask("k", "fail"), submit("l"), ask("l", "SUCCESS")], []),
    "gets-an-id-twice": ([submit("dup"), submit("dup", body="[]"), ask("dup", "SUCCESS")], ["TA204"]),
    "never-asks": ([submit("never")], ["TA501"]),
    "ignores-the-error": ([refused(), not_found("None")], ["TA502"]),
    "fills-no-template": ([not_found("%7Bjob_id%7D"), not_found("")], ["TA502", "TA502"]),
    "asks-for-anothers": ([ask("unknown", "SUCCESS")], ["TA503"]),
    "hammers": (
        [submit("busy"), *[ask("busy", "RUNNING")] * 5, ask("busy", "SUCCESS")],
        ["TA504", "TA504"],
    ),
    "goes-on": ([submit("done"), *[ask("done", "SUCCESS")] * 3], ["TA505"]),
    "gives-up": ([submit("left"), ask("left", "RUNNING")], ["TA506"]),
    "resubmits": ([submit("one"), submit("two"), ask("one", "SUCCESS"), ask("two", "SUCCESS")], ["TA507"]),
    "resubmits-another-task": ([submit("m"), refused(body="[]"), ask("m", "SUCCESS")], []),
    "resubmits-after-the-end": ([submit("n"), ask("n", "FAIL"), refused()], []),
    "resubmits-elsewhere": ([submit("o"), refused(client=ELSEWHERE), ask("o", "SUCCESS")], []),
    "is-told-nothing": (
        [submit("odd"), Step("GET", "jobs/odd", {"job_id": "odd", "status": 7}), ask("odd", "SUCCESS")],
        ["TA508"],
    ),
    "is-told-anothers": (
        [submit("p"), Step("GET", "jobs/p", {"job_id": "q", "status": "SUCCESS"}), ask("p", "SUCCESS")],
        ["TA508"],
    ),
}
"""What each client does, and the findings that come of it. Its name stands in the path as the project."""


class _Scripted(BaseHTTPRequestHandler):
    """Answers what the request says is to be answered."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = self.headers["X-Answer"].encode()
        self.send_response(int(self.headers["X-Status"]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def origin() -> Iterator[str]:
    """The URL of an origin that answers as each request says."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Scripted) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE)


def act(port: int, name: str) -> None:
    """Does what the client of that name does."""
    addresses = {step.client for step in CLIENTS[name][0]}
    connections = {
        address: HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(address, 0))
        for address in addresses
    }
    for step in CLIENTS[name][0]:
        connection = connections[step.client]
        headers = {"X-Answer": json.dumps(step.answer), "X-Status": str(step.status)}
        body = step.body if step.method == "POST" else None
        connection.request(step.method, f"/v1/{name}/{step.path}", body, headers)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (step.status, step.answer)
    for connection in connections.values():
        connection.close()


def by_client(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The rules found, by the client's name."""
    found: dict[str, list[str]] = {name: [] for name in CLIENTS}
    for record in records:
        if record["event_type"] == "finding":
            found[record["http"]["path"].split("/")[2]].append(record["finding"]["rule"])
    return found


def test_each_client_gets_what_it_deserves_live_and_offline(
    launch: Start, origin: str, tmp_path: Path
) -> None:
    config, flows = tmp_path / "config.yaml", tmp_path / "flows"
    config.write_text(CONFIG, encoding="utf-8")
    proxy = launch("--mode", f"reverse:{origin}", "-w", str(flows), "--set", f"taskaudit_config={config}")
    for name in CLIENTS:
        act(proxy.port, name)
    wait_until(lambda: "TA501" in by_client(proxy.records)["never-asks"], "TA501 while the proxy runs")
    running = by_client(proxy.records)
    assert "TA506" not in running["gives-up"]
    records = proxy.stopped()
    assert by_client(records) == {name: expected for name, (_, expected) in CLIENTS.items()}

    stats = records[-1]["session"]["totals"]
    assert (stats["open_jobs"], stats["evicted"]) == (2, 0)
    assert sum(stats["findings"].values()) == len(bodies(records, "finding"))

    live = [record for record in records if record["event_type"] == "finding"]
    checked = offline(flows, config)
    assert sorted(_told(each) for each in live) == sorted(
        _told(to_builtins(finding_record(item.outcome, finding, Stamp("", ""), 0)))
        for item in checked
        for finding in item.outcome.findings
    )
    shown = [found for item in checked for found in json.loads(as_json(item))["findings"]]
    assert sorted(map(json.dumps, shown)) == sorted(json.dumps(each["finding"]) for each in live)


def offline(flows: Path, config: Path) -> list[Checked]:
    """What `check` makes of the saved flows."""
    loaded = load(config)
    auditor = Auditor(loaded.catalogue, loaded.settings.inspection_limit)
    items = list(Check(auditor, Lifecycle(loaded.settings.thresholds)).over([flows]))
    checked = [item for item in items if isinstance(item, Checked)]
    assert checked == items
    return checked


def _told(record: dict[str, Any]) -> tuple[str, ...]:
    finding = record["finding"]
    return record["record_id"], finding["rule"], finding["pointer"], finding["found"], record["timestamp"]


# The vendor's own SDK, unmodified.


@pytest.fixture
def behind(launch: Start, api: DemoApi) -> Proxy:
    """A proxy in front of the demo's API, with the audit as it is shipped."""
    return launch("--mode", f"reverse:{api.url}")


@pytest.fixture
def sdk(behind: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[EcsClient]:
    """An ECS client; with a project id given it asks no identity service."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = (
        EcsClient.new_builder()
        .with_credentials(BasicCredentials("ak", "sk", "0123456789abcdef"))
        .with_endpoints([f"http://127.0.0.1:{behind.port}"])
        .build()
    )
    yield client
    client._http_client._session.close()
    client._http_client.executor.shutdown()


def create(name: str) -> ecs.CreateServersRequest:
    server = ecs.PrePaidServer(
        name=name,
        image_ref="ubuntu",
        flavor_ref="s6.small.1",
        vpcid="vpc",
        nics=[ecs.PrePaidServerNic(subnet_id="net")],
        root_volume=ecs.PrePaidServerRootVolume(volumetype="SSD"),
    )
    return ecs.CreateServersRequest(body=ecs.CreateServersRequestBody(server=server))


@pytest.mark.parametrize(("name", "end"), [("web", "SUCCESS"), ("job-fails", "FAIL")])
def test_the_sdk_that_asks_until_the_end_is_clean(behind: Proxy, sdk: EcsClient, name: str, end: str) -> None:
    job_id = sdk.create_servers(create(name)).job_id
    statuses = list(iter(lambda: sdk.show_job(ecs.ShowJobRequest(job_id=job_id)).status, end))
    assert statuses == ["INIT", "RUNNING"]
    records = behind.stopped()
    assert bodies(records, "finding") == []
    assert [(each["status"], each["is_final"]) for each in bodies(records, "job_query")] == [
        ("INIT", False),
        ("RUNNING", False),
        (end, True),
    ]


def test_the_sdk_with_its_error_ignored_asks_for_no_job(behind: Proxy, sdk: EcsClient) -> None:
    """An error in a 200 is no error to the SDK: the job id it hands on is None."""
    answer = sdk.create_servers(create("error-in-200"))
    assert answer.job_id is None
    with pytest.raises(ClientRequestException):
        sdk.show_job(ecs.ShowJobRequest(job_id=answer.job_id))
    found = [each["rule"] for each in bodies(behind.stopped(), "finding")]
    assert found == ["TA104", "TA502"]
