"""`taskaudit learn`: what goes in, where it goes, and what is said."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from taskaudit.catalogue import Service
from taskaudit.config.loading import load_service
from taskaudit.demo.api import DemoApi
from taskaudit.demo.client import CALLS, PROJECT
from taskaudit.paths import configs_dir
from tests.cli.running import run
from tests.learn.capture import Call, ask, har, submit

OWN = """\
# My API.
service: mine    # as we call it
provider: Example
source: our own API description

submissions:
- method: POST
  path: /v1/{project}/clusters
  operations: [CreateCluster]   # the first
# How they are asked for.
job_queries:
- path: /v1/{project_id}/tasks/{job_id}
  operations: [ShowTask]
"""


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two submissions, and the query of one's job."""
    return har(tmp_path / "capture.har", submit("/clusters"), submit("/nodes", 2), ask("/tasks/{}"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A service file of one's own."""
    path = tmp_path / "own.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_a_file_for_the_catalogue(capture: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.yaml"
    result = run("learn", capture, "--service", "mine", "-o", output)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "taskaudit: learned 2 submissions and 1 job queries; 3 seen once\n"
    assert run("config", "check", output).stdout == f"{output}: ok; the service mine, 3 routes\n"
    assert run("learn", capture, "--service", "mine").stdout == output.read_text(encoding="utf-8")


def test_standard_input(capture: Path) -> None:
    result = run("learn", "-", stdin=capture.read_bytes())
    assert result.exit_code == 0
    assert "# seen once, in standard input\n" in result.stdout


def test_more_is_added_to_a_file(capture: Path, own: Path) -> None:
    result = run("learn", capture, "--merge", own)
    assert result.exit_code == 0
    assert (
        result.stderr
        == "taskaudit: learned 1 submissions and 0 job queries; 1 seen once; 2 were there already\n"
    )
    text = own.read_text(encoding="utf-8")
    added = text.replace(OWN[: OWN.index("# How")], "").removesuffix(OWN[OWN.index("# How") :])
    assert text == OWN.replace("# How", f"{added}# How")
    assert added.splitlines()[-3:] == [
        "- method: POST",
        "  path: /v1/{project_id}/nodes",
        "  operations: [CreateNode]",
    ]
    assert run("config", "check", own).exit_code == 0


def test_what_is_added_may_go_elsewhere(capture: Path, own: Path) -> None:
    assert "/nodes" in run("learn", capture, "--merge", own, "-o", "-").stdout
    assert own.read_text(encoding="utf-8") == OWN


def test_a_list_that_is_not_there_is_begun(capture: Path, own: Path) -> None:
    own.write_text(OWN[: OWN.index("\nsubmissions")].rstrip("\n"), encoding="utf-8")
    assert run("learn", capture, "--merge", own).exit_code == 0
    service = load_service(own)
    assert (len(service.submissions), len(service.job_queries)) == (2, 1)


def test_nothing_new_changes_nothing(capture: Path, own: Path) -> None:
    run("learn", capture, "--merge", own)
    before = own.read_text(encoding="utf-8")
    result = run("learn", capture, "--merge", own)
    assert (result.exit_code, result.stderr) == (
        3,
        "taskaudit: nothing to learn: all of it is in the file already\n",
    )
    assert own.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OWN.replace("service: mine", "servis: mine"), "own.yaml, line 2: unknown key"),
        (
            re.sub(r"submissions:\n(.*\n){3}", "submissions: []\n", OWN),
            "own.yaml, line 6: submissions is written in",
        ),
        (None, "own.yaml: no such file"),
    ],
)
def test_a_file_that_nothing_can_be_added_to(
    content: str | None, said: str, capture: Path, own: Path
) -> None:
    own.unlink() if content is None else own.write_text(content, encoding="utf-8")
    result = run("learn", capture, "--merge", own)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--service", "My API"], '--service "My API": expected a name of small letters'),
        (["--service", "mine", "--merge", "own.yaml"], "give --service, or --merge"),
        (["-o", "capture.har"], "name another file"),
    ],
)
def test_wrong_usage(
    arguments: list[str], said: str, capture: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(capture.parent)
    result = run("learn", capture, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_what_can_be_read_beside_damage_is_learned(capture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.har"
    broken.write_bytes(capture.read_bytes()[:-40])
    log = tmp_path / "today.ndjson"
    log.write_text(
        '{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"session"}\nnot JSON\n', encoding="utf-8"
    )
    result = run("learn", broken, log, tmp_path / "nothing.har")
    assert result.exit_code == 2
    assert "path: /v1/{project_id}/clusters" in result.stdout
    for said in ("broken.har[", "today.ndjson, line 2: ", "nothing.har: cannot be read"):
        assert said in result.stderr


def test_hostile_text_stays_in_its_comment(tmp_path: Path) -> None:
    calls = [submit(f"/nodes/%0Aservice:%20evil{n}%1b%5B31m/stop", n) for n in (1, 2)]
    result = run("learn", har(tmp_path / "capture.har", *calls))
    assert r"{node_id} from \nservice: evil1\u001b[31m" in result.stdout
    assert "\x1b" not in result.output


def traffic(path: Path) -> Path:
    """A capture of the demo's calls, and of each job followed to its end."""
    calls: list[Call] = []
    with DemoApi() as api:
        connection = HTTPConnection("127.0.0.1", api.port, timeout=30)

        def call(method: str, path: str, body: object = None) -> None:
            try:
                connection.request(method, path, None if body is None else json.dumps(body))
                answer = connection.getresponse()
                told = answer.status, answer.read().decode(), answer.headers.get("Content-Type") or ""
                calls.append(Call(method, f"http://ecs.example.com{path}", *told))
            except HTTPException:
                connection.close()

        for each in CALLS:
            call(*each)
        for job_id in api.job_ids:
            for _ in range(4):
                call("GET", f"/v1/{PROJECT}/jobs/{job_id}")
        connection.close()
    return har(path, *calls)


def test_a_shipped_service_that_was_forgotten_is_learned_back(tmp_path: Path) -> None:
    shipped = load_service(configs_dir() / "catalogue" / "ecs.yaml")
    config, output = tmp_path / "without.yaml", tmp_path / "ecs.yaml"
    config.write_text("catalogue: [evs, bms, ims, rds]\n", encoding="utf-8")
    captures = [traffic(tmp_path / "demo.har"), *_ECS_CAPTURES]
    assert run("learn", *captures, "-c", config, "--service", "ecs", "-o", output).exit_code == 0
    learned = load_service(output)
    assert routes(learned) <= routes(shipped)
    assert routes(learned) >= {
        ("POST", "/v1/{}/cloudservers"),
        ("POST", "/v1/{}/cloudservers/action"),
        ("GET", "/v1/{}/jobs/{}"),
    }
    created = next(each for each in learned.submissions if each.path == "/v1/{project_id}/cloudservers")
    assert created.accepted == [204]


_FIELD = Path(__file__).resolve().parent.parent / "field"
_ECS_CAPTURES = [_FIELD / f"{name}.har" for name in ("b07-getjobentity-after-success", "h22-subjob-query")]


def routes(service: Service) -> set[tuple[str, str]]:
    entries = [*service.submissions, *service.job_queries]
    return {(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in entries}
