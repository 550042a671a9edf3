"""Templates that a person would write, from the paths that were seen."""

from __future__ import annotations

import pytest

from taskaudit.learn.templates import names_of, operation_of, segments_of, shapes, singular, template

UUID = "70a599e0-31e7-49b7-b260-868f441e862b"
HEX = "0123456789abcdef0123456789abcdef"


def templates(*paths: str, ids: tuple[str, ...] = (), projects: tuple[str, ...] = ()) -> list[str]:
    """The templates of paths, each once."""
    found = shapes(map(segments_of, paths), frozenset(ids), frozenset(projects))
    return sorted(
        {
            template(shape, names_of(shape, [p for p in found if found[p] == shape]))
            for shape in found.values()
        }
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/v1/{HEX}/servers", "/v1/{project_id}/servers"),
        (f"/v1/{HEX}/servers/", "/v1/{project_id}/servers"),
        (f"/v1.1/{HEX}/servers/{UUID}", "/v1.1/{project_id}/servers/{server_id}"),
        (f"/V2/{HEX}/servers/{UUID.upper()}/stop", "/V2/{project_id}/servers/{server_id}/stop"),
        (f"/v1/{UUID}/clusters", "/v1/{project_id}/clusters"),
        ("/v1/12345/clusters/7", "/v1/{project_id}/clusters/{cluster_id}"),
        (f"/api/v3/projects/{HEX}/clusters", "/api/v3/projects/{project_id}/clusters"),
        (f"/v2/kafka/{HEX}/instances/i1/extend", "/v2/kafka/{project_id}/instances/{instance_id}/extend"),
        (f"/things/{HEX}", "/things/{thing_id}"),
        ("/v1/proj-1/servers", "/v1/{project_id}/servers"),
        # Ids that look like words, as far as anything tells.
        ("/v1/p/cloudvolumes/vol-7", "/v1/p/cloudvolumes/{volume_id}"),
        ("/v1/p/policies/my-policy-1", "/v1/p/policies/{policy_id}"),
        ("/v1/p/orders/CS2501172118FB2NQ", "/v1/p/orders/{order_id}"),
        ("/v1/p/job/ff8080814dbd65d7014dbe0d84db0013", "/v1/p/job/{job_id}"),
        ("/v1/p/servers/production", "/v1/p/servers/production"),
        # Words that look like ids.
        ("/v1/p/addresses/ipv6", "/v1/p/addresses/ipv6"),
        ("/v1/p/oauth2/tokens", "/v1/p/oauth2/tokens"),
        ("/v1/p/s3/buckets", "/v1/p/s3/buckets"),
        ("/v1/p/hashes/sha256", "/v1/p/hashes/sha256"),
        ("/v1/p/facade/deadbeef", "/v1/p/facade/deadbeef"),
        ("/2.0/p/tasks", "/2.0/p/tasks"),
        ("/svc/v2.1/tasks", "/svc/v2.1/tasks"),
        # A date is a version where it comes first.
        ("/2015-03-31/functions", "/2015-03-31/functions"),
        ("/v1/p/reports/2024-06-01/export", "/v1/p/reports/{date}/export"),
        ("/v1/p/reports/20240601/export", "/v1/p/reports/{date}/export"),
        ("/v1/p/hosts/10.0.0.1", "/v1/p/hosts/{host_id}"),
        # Percent-encoding, and what no template can hold.
        ("/v1/p/buckets/a%2Fb/move", "/v1/p/buckets/{bucket_id}/move"),
        ("/v1/p/servers/my%20server", "/v1/p/servers/{server_id}"),
        ("/v1/p/servers/%E4%BA%91", "/v1/p/servers/{server_id}"),
        ("/v1/p/servers/云", "/v1/p/servers/{server_id}"),
        ("/v1/p/batch%2Ddelete", "/v1/p/batch%2Ddelete"),
        ("/v1//servers", "/v1/{project_id}/servers"),
        ("/v1/%7Bproject_id%7D/servers", "/v1/{project_id}/servers"),
        ("/v1/{project_id}/servers", "/v1/{project_id}/servers"),
        # What a project's placeholder would not fit is not called one.
        ("/v1/my%20project/servers", "/v1/{id}/servers"),
        # No name twice.
        ("/v1/p/groups/1/groups/2", "/v1/p/groups/{group_id}/groups/{group_id_2}"),
        ("/v1/p/links/1/2", "/v1/p/links/{link_id}/{id}"),
        ("/v1/p/2fa-keys/7", "/v1/p/2fa-keys/{id}"),
    ],
)
def test_one_path(path: str, expected: str) -> None:
    assert templates(path) == [expected]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/v1/p/node/n1/stop", "/v1/p/node/n2/stop"], ["/v1/p/node/{node_id}/stop"]),
        (["/v1/p/node/n1/stop", "/v1/p/node/n2/start"], ["/v1/p/node/n1/stop", "/v1/p/node/n2/start"]),
        (["/v1/p/jobs/start", "/v1/p/jobs/stop"], ["/v1/p/jobs/start", "/v1/p/jobs/stop"]),
        (["/v1/p/x/ipv4", "/v1/p/x/ipv6"], ["/v1/p/x/ipv4", "/v1/p/x/ipv6"]),
        (["/v1/p/x", "/v2/p/x"], ["/v1/p/x", "/v2/p/x"]),
        (
            ["/v1/p/servers/action", f"/v1/p/servers/{UUID}"],
            ["/v1/p/servers/action", "/v1/p/servers/{server_id}"],
        ),
        (["/v1/p/at/2024-06-01", "/v1/p/at/17"], ["/v1/p/at/{at_id}"]),
    ],
)
def test_paths_fold_where_they_differ_in_an_id(paths: list[str], expected: list[str]) -> None:
    assert templates(*paths) == expected


def test_what_an_answer_called_an_id_is_one() -> None:
    assert templates("/v1/p/servers/production", ids=("production",)) == ["/v1/p/servers/{server_id}"]


def test_a_known_project_is_one_where_projects_are() -> None:
    assert templates("/v1/demo/servers/demo", projects=("demo",)) == ["/v1/{project_id}/servers/demo"]


def test_the_id_of_the_job_has_its_name_first() -> None:
    shape = ("jobs", None, "tasks", None)
    assert (
        template(shape, names_of(shape, [("jobs", "1", "tasks", "2")], 3))
        == "/jobs/{job_id_2}/tasks/{job_id}"
    )


@pytest.mark.parametrize(
    ("words", "one"),
    [
        *(("servers", "server"), ("policies", "policy"), ("addresses", "address"), ("boxes", "box")),
        *(
            ("status", "status"),
            ("access", "access"),
            ("analysis", "analysis"),
            ("batches", "batch"),
            ("s", "s"),
        ),
    ],
)
def test_singular(words: str, one: str) -> None:
    assert singular(words) == one


@pytest.mark.parametrize(
    ("method", "shape", "name"),
    [
        ("POST", ("v1", None, "clusters"), "CreateCluster"),
        ("DELETE", ("v1", None, "cloudservers", None), "DeleteServer"),
        ("PUT", ("v1", None, "servers", None, "nics"), "UpdateNic"),
        ("POST", ("v1", None, "instances", None, "extend"), "ExtendInstance"),
        ("POST", ("v1", None, "servers", "batch-delete"), "BatchDeleteServer"),
        ("GET", ("v1", None, "jobs", None), "ShowJob"),
        ("POST", (None,), "Create"),
    ],
)
def test_operations(method: str, shape: tuple[str | None, ...], name: str) -> None:
    assert operation_of(method, shape) == name
