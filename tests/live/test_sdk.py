"""The vendor's own Python SDK, unmodified, through a real mitmdump, against the demo's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkecs.v2 import model as ecs
from huaweicloudsdkecs.v2.ecs_client import EcsClient
from huaweicloudsdkevs.v2 import model as evs
from huaweicloudsdkevs.v2.evs_client import EvsClient
from running import Proxy, Start, bodies

from taskaudit.demo.api import DemoApi

# The SDK's signer calls it.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

type Call = Callable[[EcsClient, EvsClient], Any]


def _server(name: str) -> ecs.CreateServersRequest:
    server = ecs.PrePaidServer(
        name=name,
        image_ref="ubuntu",
        flavor_ref="s6.small.1",
        vpcid="vpc",
        nics=[ecs.PrePaidServerNic(subnet_id="net")],
        root_volume=ecs.PrePaidServerRootVolume(volumetype="SSD"),
    )
    return ecs.CreateServersRequest(body=ecs.CreateServersRequestBody(server=server))


def _post_paid(name: str) -> ecs.CreatePostPaidServersRequest:
    server = ecs.PostPaidServer(
        name=name,
        image_ref="ubuntu",
        flavor_ref="s6.small.1",
        vpcid="vpc",
        nics=[ecs.PostPaidServerNic(subnet_id="net")],
        root_volume=ecs.PostPaidServerRootVolume(volumetype="SSD"),
    )
    return ecs.CreatePostPaidServersRequest(body=ecs.CreatePostPaidServersRequestBody(server=server))


def _start(server_id: str) -> ecs.BatchStartServersRequest:
    option = ecs.BatchStartServersOption(servers=[ecs.ServerId(id=server_id)])
    return ecs.BatchStartServersRequest(body=ecs.BatchStartServersRequestBody(os_start=option))


def _delete(server_id: str) -> ecs.DeleteServersRequest:
    return ecs.DeleteServersRequest(body=ecs.DeleteServersRequestBody(servers=[ecs.ServerId(id=server_id)]))


def _volume(name: str) -> evs.CreateVolumeRequest:
    option = evs.CreateVolumeOption(name=name, availability_zone="az1", volume_type="SSD", size=10)
    return evs.CreateVolumeRequest(body=evs.CreateVolumeRequestBody(volume=option))


JOBS: dict[str, Call] = {
    "ecs:CreateServers": lambda e, v: e.create_servers(_server("web")),
    "ecs:CreatePostPaidServers": lambda e, v: e.create_post_paid_servers(_post_paid("web")),
    "ecs:BatchStartServers": lambda e, v: e.batch_start_servers(_start("web")),
    "ecs:DeleteServers": lambda e, v: e.delete_servers(_delete("web")),
    "ecs:AttachServerVolume": lambda e, v: e.attach_server_volume(_attach()),
    "evs:CreateVolume": lambda e, v: v.create_volume(_volume("data")),
    "evs:ResizeVolume": lambda e, v: v.resize_volume(_resize("data")),
    "evs:DeleteVolume": lambda e, v: v.delete_volume(evs.DeleteVolumeRequest(volume_id="data")),
}
ERRORS: dict[str, Call] = {
    "quota": lambda e, v: e.create_servers(_server("quota")),
    "details": lambda e, v: e.create_post_paid_servers(_post_paid("details")),
    "code-number": lambda e, v: e.batch_start_servers(_start("code-number")),
    "members-swapped": lambda e, v: e.delete_servers(_delete("members-swapped")),
    "seed-example": lambda e, v: v.create_volume(_volume("seed-example")),
    "gateway": lambda e, v: v.resize_volume(_resize("gateway")),
    "load-balancer": lambda e, v: v.delete_volume(evs.DeleteVolumeRequest(volume_id="load-balancer")),
}


def _attach() -> ecs.AttachServerVolumeRequest:
    option = ecs.AttachServerVolumeOption(volume_id="data")
    return ecs.AttachServerVolumeRequest(
        server_id="web", body=ecs.AttachServerVolumeRequestBody(volume_attachment=option)
    )


def _resize(volume_id: str) -> evs.ResizeVolumeRequest:
    body = evs.ResizeVolumeRequestBody(os_extend=evs.OsExtend(new_size=20))
    return evs.ResizeVolumeRequest(volume_id=volume_id, body=body)


@pytest.fixture
def proxy(launch: Start, api: DemoApi) -> Proxy:
    """A proxy in front of the API."""
    return launch("--mode", f"reverse:{api.url}")


@pytest.fixture
def clients(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EcsClient, EvsClient]]:
    """ECS and EVS clients; with a project id given they ask no identity service."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    built = [
        kind.new_builder()
        .with_http_config(HttpConfig.get_default_config())
        .with_credentials(BasicCredentials("ak", "sk", "0123456789abcdef"))
        .with_endpoints([f"http://127.0.0.1:{proxy.port}"])
        .build()
        for kind in (EcsClient, EvsClient)
    ]
    ecs_client, evs_client = built
    yield ecs_client, evs_client
    for client in built:
        client._http_client._session.close()
        client._http_client.executor.shutdown()


def test_each_job_id_it_got_is_in_the_log(
    proxy: Proxy, clients: tuple[EcsClient, EvsClient], api: DemoApi
) -> None:
    job_ids = [call(*clients).job_id for call in JOBS.values()]
    assert job_ids == api.job_ids
    for job_id in job_ids:
        statuses = [clients[0].show_job(ecs.ShowJobRequest(job_id=job_id)).status for _ in range(2)]
        assert statuses == ["INIT", "RUNNING"]
        assert clients[1].show_job(evs.ShowJobRequest(job_id=job_id)).status == "SUCCESS"
    records = proxy.stopped()
    assert [s["job_id"] for s in bodies(records, "submission")] == job_ids
    assert bodies(records, "finding") == []
    totals = bodies(records, "stats")[-1]
    assert (totals["other"], totals["audited"]) == (0, 4 * len(JOBS))


def test_each_exception_it_raised_has_its_error_recorded(
    proxy: Proxy, clients: tuple[EcsClient, EvsClient]
) -> None:
    raised = []
    for name, call in ERRORS.items():
        with pytest.raises((ClientRequestException, ServerResponseException)) as caught:
            call(*clients)
        raised.append((name, caught.value))
    records = [record for record in proxy.stopped() if record["event_type"] == "submission"]
    assert len(records) == len(raised)
    for (name, error), record in zip(raised, records, strict=True):
        assert record["http"]["status"] == error.status_code, name
        assert record["request_id"] == error.request_id, name
        assert record["submission"]["job_id"] is None
    kinds = [record["submission"]["kind"] for record in records]
    assert kinds == ["error"] * 4 + ["unreadable", "foreign", "unreadable"]


def test_what_it_takes_for_success_is_told(proxy: Proxy, clients: tuple[EcsClient, EvsClient]) -> None:
    """Under 400 the SDK takes any answer for a success, and hands on a job id that it never had."""
    for name in ("job-id-misspelt", "error-in-200"):
        assert clients[0].create_servers(_server(name)).job_id is None
    rules = {finding["rule"] for finding in bodies(proxy.stopped(), "finding")}
    assert rules == {"TA101", "TA105", "TA104"}
