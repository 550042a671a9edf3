"""What OpenAPI 2 and 3 publish: operations whose success requires a job, and queries of jobs."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from taskaudit.learn.learned import Learned
from taskaudit.learn.openapi import learn_openapi, openapi_in
from tests.cli.running import run

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "routes.csv"
JOB = {"type": "object", "required": ["job_id"], "properties": {"job_id": {"type": "string"}}}
PATH = "/v1/{project_id}/server-groups/{server_group_id}"


def published(
    responses: dict[str, Any], method: str = "delete", path: str = PATH, **more: Any
) -> dict[str, Any]:
    """One operation, as the vendor's API Explorer publishes it, in a document of its own."""
    operation = {"operationId": "DeleteProtectionGroup", "responses": responses}
    return {
        "base_path": "/",
        "definitions": {
            "Job": {"properties": JOB["properties"], "required": ["job_id"]},
            "Order": {"properties": {"order_id": {"type": "string"}}},
            "Loop": {"$ref": "#/definitions/Loop", "allOf": [{"$ref": "#/definitions/Loop"}]},
            "Part": {"allOf": [{"$ref": "#/definitions/Job"}, {"properties": {"x": {}}, "required": ["x"]}]},
            "Status": {"type": "string", "enum": ["RUNNING", "SUCCESS", "failed"]},
        },
        "host": "sdrs.cn-north-4.myhuaweicloud.com",
        "paths": {path: {method: operation, "parameters": []}},
        "version": "2.0",
        **more,
    }


def refers(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/definitions/{name}"}}


def routes(learned: Learned) -> list[dict[str, Any]]:
    return [entry.model_dump(exclude_defaults=True) for entry, _ in learned.routes.values()]


@pytest.mark.parametrize(
    ("responses", "more"),
    [
        ({"200": refers("Job")}, {}),
        ({"202": refers("Part")}, {}),
        ({"2XX": {"schema": JOB}}, {}),
        ({200: {"schema": {"oneOf": [JOB, {"$ref": "#/definitions/Part"}]}}}, {}),
        ({"202": {"content": {"text/html": {}, "application/json; charset=utf-8": {"schema": JOB}}}}, {}),
        ({"200": refers("Job"), "204": {"description": "No Content"}}, {"accepted": [204]}),
        ({"200": refers("Job"), "204": {"schema": {"type": "string"}}}, {"accepted": [204]}),
        ({"200": refers("Job"), "202": refers("Order")}, {"order_members": ["order_id"]}),
        ({"200": refers("Job"), "202": {"schema": {"type": "string"}}}, {}),
        ({"200": refers("Job"), "400": {"schema": {"type": "string"}}}, {}),
    ],
)
def test_submissions(responses: dict[str, Any], more: dict[str, Any]) -> None:
    expected = {"method": "DELETE", "path": PATH, "operations": ["DeleteProtectionGroup"], **more}
    assert routes(learn_openapi(published(responses), "sdrs.json")) == [expected]


@pytest.mark.parametrize(
    ("responses", "said"),
    [
        ({"200": refers("Order")}, []),
        ({"200": refers("Loop"), "201": refers("Nowhere"), "202": None, "203": {"schema": 5}}, []),
        ({"400": refers("Job")}, []),
        ({"200": {"schema": {"anyOf": [JOB, {"$ref": "#/definitions/Order"}]}}}, []),
        (
            {"200": refers("Job"), "202": {"schema": {"properties": {"job_id": {}, "x": {}}}}},
            [f"DELETE {PATH} (DeleteProtectionGroup): 202: job_id is not required"],
        ),
        (
            {"200": {"schema": JOB | {"properties": {"job_id": {"type": "integer"}}}}},
            [f"DELETE {PATH} (DeleteProtectionGroup): 200: job_id is no String"],
        ),
        (5, []),
    ],
)
def test_what_is_no_submission(responses: Any, said: list[str]) -> None:
    learned = learn_openapi(published(responses), "sdrs.json")
    assert (routes(learned), learned.left_out) == ([], said)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/{projectId}/things/{thing-id}/", "/v1/{projectId}/things/{thing_id}"),
        ("/v1/{id}/things/{id}", "/v1/{id}/things/{id_1}"),
    ],
)
def test_names_that_the_catalogue_takes(path: str, expected: str) -> None:
    assert [
        each["path"] for each in routes(learn_openapi(published({"200": refers("Job")}, path=path), "x"))
    ] == [expected]


@pytest.mark.parametrize(
    "path", ["/v1/things/{id}.json", "/v1/things/{id}:start", "/v1//things", "/v1/things?x=1"]
)
def test_a_path_that_no_template_can_be_is_left_out(path: str) -> None:
    learned = learn_openapi(published({"200": refers("Job")}, path=path), "x")
    assert routes(learned) == []
    assert learned.left_out[0].startswith(f'DELETE {path}: the path template "')


STATUS = {"status": {"$ref": "#/definitions/Status"}}


@pytest.mark.parametrize(
    ("path", "properties", "expected"),
    [
        ("/v1/{project_id}/jobs/{job_id}", STATUS | {"job_id": {}}, {}),
        ("/v1/{project_id}/jobs/{jobId}", STATUS | {"jobId": {}}, {"id_member": "jobId"}),
        (
            "/v1/{project_id}/jobs/{job_id}",
            {"job": {"properties": STATUS | {"id": {}}}},
            {"member": "job", "id_member": "id"},
        ),
        (
            "/v1/{project_id}/jobs",
            {"job": {"properties": STATUS | {"id": {}}}},
            {"id_parameter": "id", "member": "job", "id_member": "id"},
        ),
        ("/v1/{project_id}/things", STATUS, None),
        ("/v1/{project_id}/jobs/{job_id}", {"status": {"type": "integer"}}, None),
        ("/v1/{project_id}/jobs/{job_id}", {"state": {"type": "string"}}, None),
        ("/v1/{project_id}/things/{thing_id}", STATUS, None),
    ],
)
def test_job_queries(path: str, properties: dict[str, Any], expected: dict[str, Any] | None) -> None:
    document = published({"200": {"schema": {"properties": properties}}}, "get", path)
    document["paths"][path]["get"]["parameters"] = [{"in": "query", "name": "id", "required": True}]
    shown = path.replace("jobId", "job_id")
    found = {"path": shown, "operations": ["DeleteProtectionGroup"], "final": ["failed"], **(expected or {})}
    assert routes(learn_openapi(document, "x")) == ([] if expected is None else [found])


@pytest.mark.parametrize(
    ("more", "path", "host"),
    [
        ({}, PATH, "sdrs.cn-north-4.myhuaweicloud.com"),
        ({"basePath": "/api", "host": "api.example.com"}, f"/api{PATH}", "api.example.com"),
        ({"servers": [{"url": "https://api.example.com:8443/base/"}]}, f"/base{PATH}", "api.example.com"),
        ({"servers": [{"url": "https://[::1/"}]}, PATH, None),
        ({"servers": [5], "host": 5, "base_path": 5}, PATH, None),
    ],
)
def test_where_the_service_is(more: dict[str, Any], path: str, host: str | None) -> None:
    learned = learn_openapi(published({"200": refers("Job")}, **more), "x")
    assert [each["path"] for each in routes(learned)] == [path]
    assert learned.hosts == ({host} if host else set())


def test_operations_at_one_path_are_one_route(tmp_path: Path) -> None:
    for name in ("Start", "Stop"):
        document = published({"200": refers("Job")}, "post", "/v1/{project_id}/servers/action")
        document["paths"]["/v1/{project_id}/servers/action"]["post"]["operationId"] = f"Batch{name}"
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    text = run("learn", tmp_path).stdout
    assert "operations: [BatchStart, BatchStop]" in text
    assert f"# published: BatchStart in {tmp_path / 'Start.json'}\n" in text
    assert 'service: sdrs-learned\nprovider: "Huawei Cloud"\n' in text
    assert "products: [sdrs]" in text


def test_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"openapi": "3.1.0", **published({"200": refers("Job")})}, file)
    assert "operations: [DeleteProtectionGroup]" in run("learn", path, "--service", "mine").stdout


@pytest.mark.parametrize("text", ["{", '{"paths": [1]}', '{"paths": {}, "log": {}}', "key: 1\n", ""])
def test_what_is_no_openapi(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert openapi_in(path) is None


def test_broken_yaml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.0.0\npaths: [\n", encoding="utf-8")
    result = run("learn", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"taskaudit: {path}: not valid YAML: ")


def test_all_that_is_published_to_require_a_job_is_learned() -> None:
    """A document for each route that is known, of the form that these were found in."""
    if not FACTS.is_file():
        pytest.skip("the tables of published routes are not beside this checkout")
    with FACTS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["job_member"].startswith(("job_id:", "jobId:"))]
    wanted, learned = set(), Learned()
    for row in rows:
        member, _, kind = row["job_member"].partition(":")
        schema = {
            "properties": {member: {"type": kind}},
            "required": [member] * (row["job_id_required"] == "yes"),
        }
        document = published(
            {row["success_status"] or "200": {"schema": schema}}, row["method"].lower(), row["path"]
        )
        learned.include(learn_openapi(document, row["source_file"]))
        if (row["job_id_required"], member, kind) == ("yes", "job_id", "string"):
            wanted.add((False, row["method"], re.sub(r"\{[^}]*\}", "{}", row["path"])))
    assert len(wanted) > 200
    assert learned.routes.keys() == wanted
