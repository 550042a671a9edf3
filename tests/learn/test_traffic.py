"""What captures and logs show: routes, how jobs are asked for, and what speaks against a route."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskaudit.catalogue import Service
from taskaudit.config.loading import load_service
from taskaudit.following import known_of
from taskaudit.known_ids import KnownIds
from tests.cli.running import run
from tests.learn.capture import API, PROJECT, Call, ask, har, job, submit
from tests.samples import auditor, exchange
from tests.stories import START, write_log

FIELD = Path(__file__).resolve().parent.parent / "field"
CLUSTERS = {"method": "POST", "path": "/v1/{project_id}/clusters", "operations": ["CreateCluster"]}
ASKED = {"path": "/v1/{project_id}/tasks/{job_id}", "operations": ["ShowTask"]}
CREATED = submit("/clusters")
EMPTY = Call("POST", f"{API}/clusters", 204)
REFUSED = Call("POST", f"{API}/clusters", 400, {"error": {"code": "E.0001", "message": "m"}})
ORDER = Call("POST", f"{API}/clusters", 200, {"order_id": "CS1", "volume_ids": ["v"]})


def learned(tmp_path: Path, *calls: Call, name: str = "capture.har") -> tuple[Service, str]:
    """The service file of a capture, and its text."""
    output = tmp_path / "learned.yaml"
    result = run("learn", har(tmp_path / name, *calls), "-o", output)
    assert result.exit_code == 0, result.output
    assert run("config", "check", output).exit_code == 0
    return load_service(output), output.read_text(encoding="utf-8")


def facts(service: Service) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Its routes as they are written."""
    found = service.model_dump(exclude_defaults=True)
    return found.get("submissions", []), found.get("job_queries", [])


@pytest.mark.parametrize(
    ("calls", "submissions", "queries"),
    [
        ([CREATED], [CLUSTERS], []),
        ([CREATED, ask("/tasks/{}")], [CLUSTERS], [ASKED]),
        ([CREATED, EMPTY], [CLUSTERS | {"accepted": [204]}], []),
        ([CREATED, ORDER], [CLUSTERS | {"order_members": ["order_id"]}], []),
        (
            [CREATED, Call("POST", f"{API}/clusters", 202, {"serverIds": ["s"], "request_id": "r"})],
            [CLUSTERS | {"order_members": ["serverIds"]}],
            [],
        ),
        ([CREATED, ask("/tasks/{}", status="completed")], [CLUSTERS], [ASKED | {"final": ["completed"]}]),
        (
            [CREATED, ask("/jobs?limit=1&id={}", body={"job": {"id": job(1), "status": "Failed"}})],
            [CLUSTERS],
            [
                {
                    "path": "/v1/{project_id}/jobs",
                    "operations": ["ShowJob"],
                    "id_parameter": "id",
                    "final": ["Failed"],
                    "member": "job",
                    "id_member": "id",
                }
            ],
        ),
        (
            [CREATED, ask("/tasks/{}", body={"jobId": job(1), "status": "RUNNING"})],
            [CLUSTERS],
            [ASKED | {"id_member": "jobId"}],
        ),
        # Its query is another service's by its path, on a host that is nobody's.
        (
            [CREATED, ask("/jobs/{}")],
            [CLUSTERS],
            [{"path": "/v1/{project_id}/jobs/{job_id}", "operations": ["ShowJob"]}],
        ),
        # An error, an answer that is against the contract and a query that was refused show nothing new.
        (
            [
                CREATED,
                REFUSED,
                Call("POST", f"{API}/clusters", 200, {"jobId": job(2)}),
                Call("POST", f"{API}/nodes", 400, {"error": {"code": "E.0001", "message": "m"}}),
                ask("/tasks/{}"),
                Call("GET", f"{API}/tasks/{job(1)}", 404, {"error": {"code": "E.0002", "message": "m"}}),
            ],
            [CLUSTERS],
            [ASKED],
        ),
        # Two ids are one route, and the answer of one called the other a project's neighbour.
        (
            [submit("/node/n1/stop"), submit("/node/n2/stop", 2)],
            [{"method": "POST", "path": "/v1/{project_id}/node/{node_id}/stop", "operations": ["StopNode"]}],
            [],
        ),
        (
            [submit("/node", node_id="production"), submit("/node/production", 2, "DELETE")],
            [
                {"method": "POST", "path": "/v1/{project_id}/node", "operations": ["CreateNode"]},
                {"method": "DELETE", "path": "/v1/{project_id}/node/{node_id}", "operations": ["DeleteNode"]},
            ],
            [],
        ),
    ],
)
def test_routes(
    calls: list[Call], submissions: list[dict[str, Any]], queries: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert facts(learned(tmp_path, *calls)[0]) == (submissions, queries)


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([CREATED], "# seen once, in {}\n  # {{project_id}} from " + PROJECT),
        (
            [CREATED, submit("/clusters", 2), EMPTY, EMPTY, ORDER],
            "# seen 2 times, in {}; empty (204): 2; order_id alone: 1",
        ),
        ([CREATED, REFUSED], "; errors: 1"),
        ([submit(f"/nodes/{n}/stop", n) for n in range(1, 6)], "# {{node_id}} from 1, 2, 3 and 2 more"),
        ([CREATED, ask("/tasks/{}", status="PAUSED")], "# other statuses: PAUSED; those that end"),
        # Not listed, with the reason.
        (
            [CREATED, submit("/nodes/1", 2), Call("POST", f"{API}/nodes/search", 200, {"nodes": []})],
            "# Not listed: POST /v1/{{project_id}}/nodes/{{node_id}}: answers of 200 without a job_id: 1",
        ),
        (
            [CREATED, submit("/nodes/1", 2), Call("POST", f"{API}/nodes/2", 200, "[]")],
            "# Not listed: POST /v1/{{project_id}}/nodes/{{node_id}}: answers of 200 without a job_id: 1",
        ),
        (
            [CREATED, ask("/tasks/{}", body={"tasks": [{"status": "SUCCESS"}]})],
            "# Not listed: GET /v1/{{project_id}}/tasks/{{job_id}}: 1 of 1 answers have no String status",
        ),
        (
            [CREATED, ask("/tasks/{}"), ask("/tasks/{}", body={"state": "SUCCESS"})],
            "# Not listed: GET /v1/{{project_id}}/tasks/{{job_id}}: 1 of 2 answers have no String status",
        ),
        (
            [CREATED, ask("/tasks/{}"), ask("/tasks/{}", body={"status": "RUNNING", "job_id": "another"})],
            "# Not listed: GET /v1/{{project_id}}/tasks/{{job_id}}: answers without the job's status: 1",
        ),
        (
            [CREATED, ask("/jobs?id={}"), ask("/jobs?job_id={}")],
            "# Not listed: GET /v1/{{project_id}}/jobs: asked for by another parameter",
        ),
    ],
)
def test_the_evidence(calls: list[Call], said: str, tmp_path: Path) -> None:
    assert said.format(tmp_path / "capture.har") in learned(tmp_path, *calls)[1]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["api.example.com:8443"], ("api", "unknown", ["api.example.com"], [])),
        (["127.0.0.1:8080", "localhost", "[::1]"], ("127", "unknown", [], [])),
        (["dms.cn-north-4.myhuaweicloud.com"], ("dms", "Huawei Cloud", ["*.myhuaweicloud.*"], ["dms"])),
        (
            ["dms.cn-north-4.myhuaweicloud.com", "cfw.myhuaweicloud.com", "api.example.com"],
            ("api", "Huawei Cloud", ["*.myhuaweicloud.*"], ["cfw", "dms"]),
        ),
        # A name that a shipped service has.
        (
            ["evs.cn-north-4.myhuaweicloud.com"],
            ("evs-learned", "Huawei Cloud", ["*.myhuaweicloud.*"], ["evs"]),
        ),
    ],
)
def test_hosts(hosts: list[str], expected: tuple[object, ...], tmp_path: Path) -> None:
    calls = [submit(f"https://{host}/v9/things", number) for number, host in enumerate(hosts)]
    service, _ = learned(tmp_path, *calls)
    assert (service.service, service.provider, service.hosts, service.products) == expected


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [Call("GET", f"{API}/clusters", 200, {"clusters": []})],
        [submit(f"https://ecs.example.com/v1/{PROJECT}/cloudservers")],
        [REFUSED],
        [submit("https://api.example.com/")],
        [Call("POST", f"{API}/clusters", 500, {"job_id": job(1)})],
    ],
)
def test_nothing_to_learn(calls: list[Call], tmp_path: Path) -> None:
    result = run("learn", har(tmp_path / "capture.har", *calls))
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(
        "taskaudit: nothing to learn: no submission that is in no service file got a job"
    )


def checked(capture: Path, service: Path) -> list[dict[str, Any]]:
    """What `check` says of a capture with a learned file before the shipped ones."""
    config = service.with_name("config.yaml")
    config.write_text(f"catalogue: [./{service.name}, ecs, evs]\n", encoding="utf-8")
    lines = run("check", capture, "-c", config, "--format", "json").stdout
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize(
    "name",
    ["31-global-eip-associate", "41-swr-enterprise", "41-swr-enterprise-terminated", "39-cfw-firewall"],
)
def test_with_what_was_learned_the_same_capture_is_strict_and_without_findings(
    name: str, tmp_path: Path
) -> None:
    capture, service = FIELD / f"{name}.har", tmp_path / "learned.yaml"
    assert run("learn", capture, "-o", service).exit_code == 0
    lines = checked(capture, service)
    assert len(lines) > 2
    assert [line for line in lines if line["findings"]] == []
    own = load_service(service).service
    assert {line["route"].split(":")[0] for line in lines} == {own}


_PATHS = st.sampled_from(
    ["/nodes/1", "/nodes/2", "/nodes/search", "/nodes/n-1/stop", "/node", "/node/ipv6", "//x", "/a%2Fb/云"]
)
_ANSWERS = st.sampled_from(
    [
        ({"job_id": job(1)}, 200),
        ({"job_id": job(2), "node_id": "search-it"}, 202),
        ({"order_id": "CS1"}, 200),
        ({"nodes": []}, 200),
        ({"error": {"code": "E.0001", "message": "m"}}, 400),
        ("", 204),
        ("[]", 200),
    ]
)
_SUBMITTED = st.builds(lambda path, told: Call("POST", API + path, told[1], told[0]), _PATHS, _ANSWERS)
_TOLD = st.sampled_from(
    [
        {"job_id": job(1), "status": "SUCCESS"},
        {"status": "RUNNING"},
        {"job": {"id": job(1), "status": "Completed"}},
        {"job_status": "RUNNING"},
        {"id": job(1), "status": "X", "job": {"status": "Y"}},
    ]
)
_QUERIED = st.builds(
    lambda path, told: Call("GET", (API + path).format(job(1)), 200, told),
    st.sampled_from(
        ["/jobs/{}", "/jobs?id={}", "/nodes/1/tasks/{}", "/nodes/n-1/tasks/{}", "/tasks/{}/status"]
    ),
    _TOLD,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(_SUBMITTED, _QUERIED), min_size=1, max_size=8))
def test_no_well_formed_answer_of_its_capture_is_a_finding(tmp_path: Path, calls: list[Call]) -> None:
    capture, output = har(tmp_path / "capture.har", *calls), tmp_path / "learned.yaml"
    if run("learn", capture, "-o", output).exit_code == 3:
        return
    assert run("config", "check", output).exit_code == 0
    bad = [
        (line, found)
        for line in checked(capture, output)
        for found in line["findings"]
        if found["severity"] == "error" and found["rule"] != "TA204"
    ]
    assert bad == []


def test_the_latest_may_come_first(tmp_path: Path) -> None:
    capture = har(tmp_path / "capture.har", CREATED, ask("/tasks/{}"))
    held = json.loads(capture.read_text(encoding="utf-8"))
    held["log"]["entries"].reverse()
    capture.write_text(json.dumps(held), encoding="utf-8")
    assert "path: /v1/{project_id}/tasks/{job_id}" in run("learn", capture).stdout


def test_a_log_shows_what_it_holds(tmp_path: Path) -> None:
    known, outcomes = KnownIds(), []
    for at, call in enumerate([CREATED, REFUSED, ask("/tasks/{}", "done"), ask("/jobs?id={}")]):
        path, _, query = call.url.removeprefix("https://api.example.com").partition("?")
        line = {"method": call.method, "host": "api.example.com", "path": path, "query": query}
        seen = exchange(json.dumps(call.body), call.status, **line, started=START + at, ended=START + at)
        outcomes.append(auditor().look(seen, known=known))
        if job_known := known_of(outcomes[-1]):
            known.learn(job_known)
    log = write_log(tmp_path / "today.ndjson", outcomes)
    output = tmp_path / "learned.yaml"
    assert run("learn", log, "-o", output).exit_code == 0
    assert facts(load_service(output)) == ([CLUSTERS], [ASKED | {"final": ["done"]}])
    text = output.read_text(encoding="utf-8")
    assert f"# seen once, in {log}; errors: 1" in text
    assert "a log does not tell where the status is: taken to be at the top level" in text
    assert "# Not listed: GET /v1/{project_id}/jobs: the job's id is in the query string, which a log" in text
