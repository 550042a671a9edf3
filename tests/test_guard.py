"""What the audit fails at is one exchange's TA901, live and from captures; the others are audited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils
from typer.testing import CliRunner

from taskaudit import auditor as judging
from taskaudit import lifecycle
from taskaudit.catalogue import Role
from taskaudit.cli import app
from taskaudit.exchange import Exchange, Unaudited
from taskaudit.guard import failure, guarded
from taskaudit.offline import gathering
from taskaudit.sources.captured import Captured
from taskaudit.sources.flow import exchange_of
from taskaudit.sources.reading import read
from tests.samples import BAD_ERROR, JOB, JOB_ID, answer, auditor, exchange

SECRET = "text of the traffic"
TWICE = '{"error":{"message":"m","code":400,"%s":1,"%s":2}}'


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(
        app, list(map(str, arguments)), env={"COLUMNS": "100", "TASKAUDIT_LANG": "en"}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def har(path: Path, *bodies: str, status: int = 400) -> Path:
    """A HAR of submissions with these answers; the path of each ends in its number."""
    entries = [
        {
            "startedDateTime": f"2026-09-21T14:13:{at:02}Z",
            "request": {"method": "POST", "url": f"https://ecs.example.com/v1/0123/cloudservers?n={at}"},
            "response": {
                "status": status,
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                "content": {"text": body},
            },
        }
        for at, body in enumerate(bodies)
    ]
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A HAR of three submissions, of which the second has a body to fail at."""
    return har(tmp_path / "three.har", BAD_ERROR, JOB, BAD_ERROR)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit raises on each answer with a job id."""
    sound = judging.audit_submission

    def fails(given: Any, *more: Any) -> Any:
        if b"job_id" in given.body:
            raise ZeroDivisionError(SECRET)
        return sound(given, *more)

    monkeypatch.setattr(judging, "audit_submission", fails)


@pytest.mark.parametrize("name", ["0¹", "²", "٣", "9" * 4301, "1" * 40 + "a", "०/1", "~1¹"])
def test_a_repeated_member_may_be_named_by_any_digits(name: str, tmp_path: Path) -> None:
    capture = har(tmp_path / "digits.har", BAD_ERROR, TWICE % (name, name), BAD_ERROR)
    result = run("check", capture, "--format", "json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [[found["rule"] for found in line["findings"]] for line in lines] == [
        ["TA306"],
        ["TA007", "TA306"],
        ["TA306"],
    ]
    assert result.exit_code == 1


def test_indexes_are_in_order_of_their_number(tmp_path: Path) -> None:
    entries = ",".join("1" for _ in range(12))
    body = f'{{"error":{{"message":"m","code":"Ecs.0001","details":[{entries}]}}}}'
    line = json.loads(run("check", har(tmp_path / "a.har", body), "--format", "json").stdout)
    assert [found["pointer"] for found in line["findings"]] == [f"/error/details/{n}" for n in range(12)]


@pytest.mark.usefixtures("failing")
def test_check_goes_on_after_an_exchange_that_the_audit_fails_at(three: Path) -> None:
    result = run("check", three, "--format", "json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [[found["rule"] for found in line["findings"]] for line in lines] == [
        ["TA306"],
        ["TA501", "TA901"],
        ["TA306"],
    ]
    assert [line["unaudited"] for line in lines] == [None, "internal_error", None]
    assert lines[1]["job_id"] == JOB_ID
    assert lines[1]["findings"][1]["found"].startswith("ZeroDivisionError in fails, line ")
    assert SECRET not in result.output
    assert result.exit_code == 2


@pytest.mark.usefixtures("failing")
def test_its_sums_add_up(three: Path) -> None:
    result = run("check", three)
    assert "seen 3 = other 0 + audited 2 + unaudited 1 (internal_error 1)" in result.stdout
    assert result.exit_code == 2


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("command", [("check",), ("report",)])
@pytest.mark.parametrize("form", ["markdown", "html", "junit", "sarif"])
def test_a_report_goes_on_too_and_says_where_the_audit_failed(
    three: Path, command: tuple[str, ...], form: str
) -> None:
    result = run(*command, three, "--format", form)
    assert "TA306" in result.stdout
    assert (
        f"taskaudit: {three}[1]: the audit failed (TA901): ZeroDivisionError in fails, line " in result.stderr
    )
    assert SECRET not in result.output
    assert result.exit_code == 2


@pytest.mark.usefixtures("failing")
def test_a_bug_report_is_about_the_api_and_not_about_the_audit(three: Path) -> None:
    result = run("bug", three)
    assert "TA306" in result.stdout
    assert "the audit failed at 1 exchanges (TA901)" in result.stderr
    assert result.exit_code == 2
    assert "TA901" not in result.stdout
    assert (run("bug", three, "--rule", "TA901").stdout, result.exit_code) == ("", 2)


@pytest.mark.parametrize("target", ["_packed", "step_of"])
def test_what_fails_after_the_verdict_is_counted_once(
    three: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    sound: Callable[[Any], Any] = getattr(gathering, target)

    def fails(given: Any) -> Any:
        outcome = getattr(given, "outcome", given)
        if outcome.job_id and outcome.unaudited is None:
            raise ZeroDivisionError(SECRET)
        return sound(given)

    monkeypatch.setattr(gathering, target, fails)
    assert "seen 3 = other 0 + audited 2 + unaudited 1 (internal_error 1)" in run("check", three).stdout


def test_what_fails_at_the_life_of_jobs(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(lifecycle.Lifecycle, "submitted", fails)
    result = run("check", three, "--format", "json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["findings"][-1]["rule"] for line in lines] == ["TA901"] * 3
    assert result.exit_code == 2


def test_live_and_from_the_saved_flow_it_is_the_same_exchange(tmp_path: Path) -> None:
    flow = tflow.tflow(req=tutils.treq(method=b"POST", path=b"/v1/0123/cloudservers"), resp=tutils.tresp())
    assert flow.response
    flow.response.text = JOB
    saved = tmp_path / "flows"
    with saved.open("wb") as file:
        FlowWriter(file).add(flow)
    error = ZeroDivisionError(SECRET)
    found = [each for each in read(saved, 1000) if isinstance(each, Captured)]
    offline = failure(found[0].exchange, _raised(error))
    assert offline == failure(exchange_of(flow), error)
    assert (offline.job_id, offline.unaudited, offline.role) == (
        JOB_ID,
        Unaudited.INTERNAL_ERROR,
        Role.SUBMISSION,
    )


def _raised(error: Exception) -> Exception:
    return guarded(lambda: _raise(error), lambda raised: raised)


def _raise(error: Exception) -> Exception:
    raise error


@pytest.mark.parametrize(
    ("given", "job_id"),
    [
        (exchange(JOB), JOB_ID),
        (exchange(JOB, method=None), JOB_ID),
        (exchange(JOB, method="GET"), None),
        (exchange(None), None),
        (exchange(""), None),
        (exchange('{"job_id": " "}'), None),
        (exchange('{"job_id": 1}'), None),
        (exchange("[" * 100_000), None),
        (exchange('{"job_id": ' + "9" * 5000), None),
        (exchange(answer=answer(b"\x1f\x8b", content_encoding="gzip")), None),
    ],
)
def test_the_job_id_is_that_of_the_plainest_reading(given: Exchange, job_id: str | None) -> None:
    outcome = failure(given, _raised(ZeroDivisionError(SECRET)))
    assert outcome.job_id == job_id
    assert [found.rule for found in outcome.findings] == ["TA901"]


def test_the_body_is_not_kept() -> None:
    outcome = failure(exchange(JOB), _raised(ZeroDivisionError(SECRET)))
    assert outcome.exchange.answer is not None
    assert (outcome.exchange.answer.body, outcome.exchange.answer.status) == (b"", 200)


def test_what_does_not_fail_is_given() -> None:
    assert guarded(lambda: 1, lambda _: 2) == 1


@pytest.mark.parametrize(
    ("content_type", "rules"),
    [
        ("application/json", []),
        (" application/json\t; charset=utf-8", []),
        ("application/json\u00a0", ["TA009"]),
        ("application/json\u3000;charset=utf-8", ["TA009"]),
        ("application/json; char\u017fet=utf-16", []),
    ],
)
def test_headers_know_the_blanks_and_letters_of_ascii(content_type: str, rules: list[str]) -> None:
    given = exchange(answer=answer(JOB, content_type=content_type))
    assert [found.rule for found in auditor().look(given).findings] == rules


def test_a_text_that_ends_early_ends_after_its_last_character() -> None:
    (found,) = auditor().look(exchange('{"job_id": "a\u00a0')).findings
    assert (found.rule, found.place) == ("TA006", (1, 15))


@pytest.mark.parametrize(
    ("project", "is_one"), [("0123", True), ("a-b", True), ("项目", False), ("²", False)]
)
def test_a_project_is_named_in_ascii(project: str, is_one: bool) -> None:
    match = auditor().catalogue.match("POST", f"/v1/{project}/cloudservers", "ecs.example.com")
    assert (match is not None) == is_one
