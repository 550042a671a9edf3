"""`taskaudit bug` as a person meets it, on captures of each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mitmproxy.http import Headers
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from taskaudit.cli import app
from tests.reports.runs import RUN
from tests.samples import BAD_ERROR, CREATE, ERROR, JOB, JOB_ID
from tests.stories import submit, write_log

SECRET = "hunter2"
PATH = CREATE.format(project_id="0123")
BROKEN = '{"error": {"message": "", "code": XXX，""}}'
# Each value that the contract does not name is secret.
SECRETIVE = json.dumps(
    {
        "request_id": SECRET,
        "server": {"adminPass": SECRET, "keys": [SECRET]},
        "error": {"message": "bad", "code": 400, "token": SECRET, "details": None},
        "password": SECRET,
    },
    indent=1,
)


def run(*arguments: str | Path, stdin: str | None = None, lang: str = "en") -> Result:
    environment = {"COLUMNS": "100", "TASKAUDIT_LANG": lang}
    result = CliRunner().invoke(app, ["bug", *map(str, arguments)], input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def entry(at: int, body: str, status: int = 200, method: str = "POST", path: str = PATH) -> dict[str, Any]:
    """An entry of a HAR with a secret wherever one may stand; `at` in seconds."""
    names = ("X-Auth-Token", "Cookie", "Authorization", "X-Project-Secret")
    secrets = [{"name": name, "value": SECRET} for name in names]
    return {
        "startedDateTime": f"2026-09-21T14:13:{at:02}Z",
        "time": 250,
        "clientIPAddress": "192.0.2.7",
        "request": {
            "method": method,
            "url": f"https://user:{SECRET}@ecs.example.com{path}?token={SECRET}",
            "headers": [*secrets, {"name": "Content-Type", "value": f"application/json; boundary={SECRET}"}],
            "postData": {"text": json.dumps({"adminPass": SECRET})},
        },
        "response": {
            "status": status,
            "headers": [
                *secrets,
                {"name": "Content-Type", "value": "application/json"},
                {"name": "X-Request-Id", "value": f"req-{at}"},
            ],
            "content": {"text": body},
        },
    }


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """TA306 twice, TA005, TA501, TA502; index 1 is not in scope."""
    entries = [
        entry(0, JOB),
        entry(1, "{}", method="GET", path="/v1/0123/flavors"),
        entry(2, SECRETIVE, 400),
        entry(3, BROKEN, 400),
        entry(4, BAD_ERROR, 400),
        entry(5, "{}", 404, method="GET", path="/v1/0123/jobs/None"),
    ]
    path = tmp_path / "capture.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


def title(*arguments: str | Path, stdin: str | None = None) -> str:
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()[0].removeprefix("# ")


CREATE_SERVERS = "POST /v1/{project_id}/cloudservers (ecs:CreateServers)"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], f"{CREATE_SERVERS}: error.code is Number 400, expected String [TA306]"),
        (["--index", "3"], f"{CREATE_SERVERS}: expected one JSON text, found"),
        (["--rule", "body-not-json"], f"{CREATE_SERVERS}: expected one JSON text, found"),
        (["--rule", "ta501"], f"{CREATE_SERVERS}: expected a query of the job's status within 300 s"),
        (["--rule", "TA502"], "GET /v1/{project_id}/jobs/{job_id} (ecs:ShowJob): expected the id of a job"),
        (["--rule", "TA402", "--index", "2"], f"{CREATE_SERVERS}: error.details is null, expected Array"),
        (["--lang", "zh"], f"{CREATE_SERVERS}: error.code 为 Number 400，应为 String [TA306]"),
    ],
)
def test_a_har(har: Path, options: list[str], expected: str) -> None:
    assert title(har, *options).startswith(expected)


def test_equal_findings_are_counted_over_the_capture(har: Path) -> None:
    text = run(har).stdout
    assert "- Seen: 2 times, from 2026-09-21T14:13:02.250000Z to 2026-09-21T14:13:04.250000Z\n" in text
    assert "- Request id: `req-2`\n" in text
    assert "- Seen: once\n" in run(har, "--rule", "TA005").stdout


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("rule", ["TA005", "TA304", "TA306", "TA402", "TA501", "TA502", "TA503"])
def test_nothing_secret_is_told(har: Path, rule: str, language: str) -> None:
    text = run(har, "--rule", rule, "--lang", language).output
    assert SECRET not in text


def test_a_flow_file(tmp_path: Path) -> None:
    flow = tflow.tflow(resp=True)
    flow.request.method, flow.request.path = "POST", f"{PATH}?token={SECRET}"
    flow.request.headers = Headers(
        Host="ecs.example.com", X_Auth_Token=SECRET, Content_Type="application/json"
    )
    flow.request.raw_content = SECRET.encode()
    flow.response.status_code, flow.response.raw_content = 400, SECRETIVE.encode()
    flow.response.headers = Headers(content_type="application/json", Set_Cookie=SECRET)
    path = tmp_path / "flows"
    with path.open("wb") as file:
        FlowWriter(file).add(flow)
    text = run(path).stdout
    assert text.startswith(f"# {CREATE_SERVERS}: error.code is Number 400")
    assert "curl -X POST 'http://ecs.example.com:22/v1/0123/cloudservers?<query not shown>'" in text
    assert "-H 'X-Auth-Token: <redacted>'" in text
    assert SECRET not in text


def test_what_curl_printed(tmp_path: Path) -> None:
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nSet-Cookie: {SECRET}\r\n\r\n"
    text = run("-", stdin=head + SECRETIVE).stdout
    assert text.startswith("# An answer: error.code is Number 400, expected String [TA306]\n")
    assert "The request is not known" in text
    assert "HTTP status 400" in text
    assert SECRET not in text


def test_a_bare_body() -> None:
    assert title("-", stdin=BROKEN).startswith("An answer: expected one JSON text, found")


def test_a_folder_and_the_same_capture_twice(har: Path) -> None:
    assert run(har.parent, har).stdout == run(har).stdout


def test_into_a_file(har: Path, tmp_path: Path) -> None:
    output = tmp_path / "bug.md"
    result = run(har, "--lang", "zh", "-o", output)
    assert (result.exit_code, result.output) == (0, "")
    assert output.read_text(encoding="utf-8") == run(har, "--lang", "zh").stdout


def test_into_a_file_that_cannot_be_written(har: Path, tmp_path: Path) -> None:
    result = run(har, "-o", tmp_path / "missing" / "bug.md")
    assert result.exit_code == 2
    assert "bug.md: No such file or directory" in result.stderr


def test_the_language_of_the_environment(har: Path) -> None:
    assert run(har, lang="zh").stdout == run(har, "--lang", "zh").stdout != run(har).stdout


def test_with_a_configuration(har: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("query_within: 10\n", encoding="utf-8")
    assert "within 10 s" in title(har, "--rule", "TA501", "-c", config)


def test_a_damaged_capture_is_told_of(har: Path) -> None:
    har.write_bytes(har.read_bytes().replace(b'"method": "GET"', b'"metho": "GET"'))
    result = run(har)
    assert result.exit_code == 2
    assert "[TA306]" in result.stdout
    assert "damaged at" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "Missing argument"),
        (["missing.har"], 2, "missing.har: cannot be read"),
        (["good.json"], 1, "no finding; taskaudit check"),
        (["bad.json", "--rule", "TA001"], 1, "no finding of TA001; "),
        (["good.json", "--index", "0"], 1, "no finding on exchange 0; "),
        (["bad.json", "--index", "7"], 2, "no exchange 7 that submits a task or asks for a job; "),
        (["bad.json", "--rule", "TA3066"], 2, 'no rule "TA3066"; did you mean TA30'),
        (["bad.json", "--lang", "xx"], 2, '--lang is "xx"; expected en or zh'),
        (["empty"], 3, "nothing was audited; "),
        (["log", "bad.json"], 2, "log is a log, and not all are: give logs, or captures"),
        (["log", "--index", "0"], 2, "--index goes with captures; in a log choose by --job, --request-id or"),
        (
            ["log", "--job", "8ab1"],
            1,
            "no finding about job 8ab1; taskaudit check, of logs taskaudit findings, ",
        ),
        (["log", "--request-id", "\x1b", "--rule", "TA501"], 1, r"no finding of TA501 on request \u001b; "),
        (["log", "-o", "log"], 2, "log is among what is reported on; name another file"),
        (["bad.json", "-c", "missing.yaml"], 2, "missing.yaml: no such file"),
    ],
)
def test_without_a_report_there_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_text(ERROR, encoding="utf-8")
    (tmp_path / "bad.json").write_text(BAD_ERROR, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    write_log(tmp_path / "log", [submit(0, JOB_ID)])
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "audit.ndjson", RUN)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_log(log: Path, language: str, snapshot: SnapshotAssertion) -> None:
    result = run(log, "--lang", language)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == snapshot


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--job", "8ab1"], "[TA501]"),
        (["--job", "None"], "[TA502]"),
        (["--request-id", "req-1"], "[TA306]"),
        (["--request-id", "req-1", "--rule", "TA501"], "[TA501]"),
    ],
)
def test_a_finding_of_a_log_by_job_or_request(log: Path, options: list[str], expected: str) -> None:
    assert title(log, *options).endswith(expected)
    assert run(log, *options, "-o", "-").stdout == run(log, *options).stdout


def test_a_finding_of_a_capture_by_job_or_request(har: Path) -> None:
    assert title(har, "--job", JOB_ID).endswith("[TA501]")
    assert title(har, "--request-id", "req-3").endswith("[TA005]")
