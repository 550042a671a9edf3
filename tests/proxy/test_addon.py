"""The addon in mitmproxy's own test context: hooks in the order the proxy calls them."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions, http
from mitmproxy.addonmanager import Loader
from mitmproxy.flow import Error
from mitmproxy.test import taddons, tflow, tutils

from taskaudit.auditor import Auditor
from taskaudit.proxy import addon as module
from taskaudit.proxy import standing
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.tee import Tee
from taskaudit.story.story import tell
from tests.samples import BAD_ERROR, JOB, JOB_ID

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def started(log_path: Path) -> Callable[..., Any]:
    """A context in which the addon is loaded, configured, and, where `run`, running."""

    @contextmanager
    def start(run: bool = True, **options: str) -> Iterator[tuple[TaskAudit, Any]]:
        audit = TaskAudit()
        with taddons.context(loadcore=True) as context:
            context.master.addons.add(audit)
            context.configure(audit, **{"taskaudit_log": str(log_path), **options})
            if run:
                audit._is_running = True
            try:
                yield audit, context
            finally:
                audit.done()

    return start


def a_flow(body: str | None = JOB, status: int = 200, path: str = "/v1/p/cloudservers") -> http.HTTPFlow:
    flow = tflow.tflow(req=tutils.treq(method=b"POST", path=path.encode()), resp=body is not None)
    if flow.response is not None and body is not None:
        flow.response = tutils.tresp(
            status_code=status,
            headers=http.Headers(content_type="application/json"),
            content=body.encode(),
        )
    return flow


def live(audit: TaskAudit, flow: http.HTTPFlow) -> None:
    """The hooks of a live flow: either `response` or `error` ends it."""
    audit.requestheaders(flow)
    if flow.response is not None:
        audit.responseheaders(flow)
    if flow.error is None:
        audit.response(flow)
    else:
        audit.error(flow)


def events(records: list[dict[str, Any]]) -> list[str]:
    """The event types, without what is told of jobs: no client here ever asks for one."""
    rules = (record.get("finding", {}).get("rule", "") for record in records)
    late = [rule == "TA204" or rule.startswith("TA5") for rule in rules]
    return [r["event_type"] for r, is_late in zip(records, late, strict=True) if not is_late]


def totals(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Those of the last record, which is a stop; they add up."""
    found: dict[str, Any] = records[-1]["session"]["totals"]
    assert found["seen"] == found["other"] + found["audited"] + sum(found["unaudited"].values())
    return found


def test_options_have_their_defaults() -> None:
    with taddons.context() as context:
        TaskAudit().load(Loader(context.master))
        assert context.options.taskaudit_log == "taskaudit.ndjson"
        assert context.options.taskaudit_config == ""


def test_a_session_with_verdicts(started: Callable[..., Any], lines: Lines) -> None:
    with started() as (audit, _):
        live(audit, a_flow())
        live(audit, a_flow(BAD_ERROR, 400))
        live(audit, a_flow("<html>", path="/elsewhere"))
        get = a_flow("{}", path="/elsewhere")
        get.request.method = "GET"
        live(audit, get)
    records = lines()
    assert events(records) == ["session", "submission", "submission", "finding", "stats", "session"]
    assert records[0]["session"]["mode"] == "regular"
    assert totals(records) == records[-2]["stats"]
    assert (totals(records)["seen"], totals(records)["other"], totals(records)["audited"]) == (4, 2, 2)


def test_records_are_written_when_the_hook_returns(started: Callable[..., Any], lines: Lines) -> None:
    with started() as (audit, _):
        audit.response(a_flow())
        assert events(lines())[-1] == "submission"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"taskaudit_log": ""}, "taskaudit_log is empty"),
        ({"taskaudit_log": "/nonexistent/log"}, "cannot open the log /nonexistent/log"),
        ({"taskaudit_config": "/nonexistent.yaml"}, "/nonexistent.yaml: no such file"),
    ],
)
def test_a_mistake_at_the_start_is_an_error_in_the_log(
    started: Callable[..., Any],
    log_path: Path,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, str],
    message: str,
) -> None:
    with started(run=False, **options) as (audit, _):
        live(audit, a_flow())
        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 1
    assert message in errors[0]
    assert not log_path.exists() or "taskaudit_log" in options


@pytest.mark.parametrize(
    "options",
    [
        {"taskaudit_log": "/nonexistent/log"},
        {"taskaudit_log": ""},
        {"taskaudit_config": "/nonexistent.yaml"},
    ],
)
def test_a_mistake_later_is_refused_and_the_audit_goes_on(
    started: Callable[..., Any], lines: Lines, options: dict[str, str]
) -> None:
    with started() as (audit, context):
        live(audit, a_flow())
        with pytest.raises(exceptions.OptionsError, match="taskaudit: "):
            context.configure(audit, **options)
        live(audit, a_flow())
    records = lines()
    assert events(records) == ["session", "submission", "submission", "stats", "session"]
    assert totals(records)["audited"] == 2


def test_another_log_is_another_session(started: Callable[..., Any], lines: Lines, tmp_path: Path) -> None:
    second = tmp_path / "second"
    with started() as (audit, context):
        live(audit, a_flow())
        context.configure(audit, taskaudit_log=str(second))
        live(audit, a_flow())
    assert events(lines()) == ["session", "submission", "stats", "session"]
    assert events([json.loads(line) for line in second.read_bytes().splitlines()]) == events(lines())


def test_another_configuration_is_another_session_in_the_same_log(
    started: Callable[..., Any], lines: Lines, tmp_path: Path
) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text("unlisted: ignore\n", encoding="utf-8")
    with started() as (audit, context):
        live(audit, a_flow(path="/unlisted"))
        context.configure(audit, taskaudit_config=str(config))
        live(audit, a_flow(path="/unlisted"))
    records = lines()
    assert events(records) == ["session", "submission", "stats", "session", "session", "stats", "session"]
    assert len({record["session_id"] for record in records}) == 2
    assert totals(records)["other"] == 1


def test_known_faults_are_waived(
    started: Callable[..., Any], lines: Lines, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "audit.yaml"
    terms = "reason: known, owner: team-ecs"
    config.write_text(
        "severities: [{rule: TA501, severity: off}, {rule: TA507, severity: off}]\n"
        f"waivers:\n- {{rule: TA306, {terms}, until: 2099-12-31}}\n"
        f"- {{rule: TA402, {terms}, until: 1999-12-31}}\n",
        encoding="utf-8",
    )
    with started(taskaudit_config=str(config)) as (audit, _):
        live(audit, a_flow())
        live(audit, a_flow(BAD_ERROR, 400))
    records = lines()
    (finding,) = (record["finding"] for record in records if record["event_type"] == "finding")
    assert finding["waiver"] == {"reason": "known", "owner": "team-ecs", "until": "2099-12-31"}
    assert totals(records)["waived"] == totals(records)["findings"] == {"TA306": 1}
    start, stop = records[0]["session"], records[-1]["session"]
    assert (start["waivers"], [each["rule"] for each in start["expired_waivers"]]) == (1, ["TA402"])
    assert stop["unused_waivers"] == []
    assert any("the waiver for TA402 expired after 1999-12-31" in message for message in caplog.messages)


def test_a_flow_that_is_seen_twice_is_recorded_once(started: Callable[..., Any], lines: Lines) -> None:
    flow = a_flow()
    with started() as (audit, _):
        live(audit, flow)
        live(audit, flow)
    assert events(lines()).count("submission") == 1
    assert totals(lines())["seen"] == 1


def test_a_replay_with_a_new_response_is_recorded_again(started: Callable[..., Any], lines: Lines) -> None:
    flow = a_flow()
    with started() as (audit, _):
        live(audit, flow)
        assert flow.response
        flow.response.timestamp_start = 946681300
        live(audit, flow)
    records = [record for record in lines() if record["event_type"] == "submission"]
    assert len({record["exchange_id"] for record in records}) == len(records) == 2
    assert len({record["flow_id"] for record in records}) == 1


def test_an_error_is_an_aborted_exchange(started: Callable[..., Any], lines: Lines) -> None:
    flow = a_flow(None)
    flow.error = Error("connection reset")
    with started() as (audit, _):
        live(audit, flow)
    (record,) = [record for record in lines() if record["event_type"] == "unaudited"]
    told = record["unaudited"]
    assert (told["reason"], told["role"], told["job_id"]) == ("aborted", "submission", None)
    assert totals(lines())["unaudited"]["aborted"] == 1


def test_a_loaded_flow_with_response_and_error_is_aborted_once(
    started: Callable[..., Any], lines: Lines
) -> None:
    flow = a_flow()
    flow.error = Error("connection reset")
    with started() as (audit, _):
        audit.requestheaders(flow)
        audit.responseheaders(flow)
        audit.response(flow)
        audit.error(flow)
    assert events(lines())[1:-2] == ["unaudited"]
    assert totals(lines())["seen"] == 1


def test_what_is_under_way_at_the_end_is_aborted(started: Callable[..., Any], lines: Lines) -> None:
    with started() as (audit, _):
        audit.requestheaders(a_flow(None))
        answered = a_flow()
        audit.requestheaders(answered)
        audit.responseheaders(answered)
        elsewhere = a_flow(None, path="/elsewhere")
        audit.requestheaders(elsewhere)
    assert events(lines()) == ["session", "unaudited", "unaudited", "stats", "session"]
    assert totals(lines())["unaudited"]["aborted"] == 2
    assert (totals(lines())["seen"], totals(lines())["other"]) == (3, 1)


def raising(monkeypatch: pytest.MonkeyPatch, target: object, name: str) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("secret text of the traffic")

    monkeypatch.setattr(target, name, fails)


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (gzip.compress(JOB.encode()), JOB_ID),
        (gzip.compress(JOB.encode())[:-9], None),
        (b'{"job_id": "a", "job_id": "b"}', "b"),
        (b'{"job_id": " "}', None),
        (b'["job_id"]', None),
        (b"[" * 100_000, None),
        (b"", None),
    ],
)
def test_where_the_audit_fails_the_job_is_followed_all_the_same(
    started: Callable[..., Any],
    log_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    job_id: str | None,
) -> None:
    flow = a_flow()
    assert flow.response
    flow.response.raw_content = body
    if body[:2] == b"\x1f\x8b":
        flow.response.headers["content-encoding"] = "gzip"
    with started() as (audit, _):
        raising(monkeypatch, Auditor, "look")
        live(audit, flow)
        monkeypatch.undo()
    story = tell([log_path])
    assert [job.job_id for job in story.jobs] == ([job_id] if job_id else [])


def test_a_failure_of_the_audit_is_a_finding_and_a_fault(
    started: Callable[..., Any],
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow = a_flow()
    with started() as (audit, _):
        raising(monkeypatch, Auditor, "look")
        live(audit, flow)
        monkeypatch.undo()
        [reason] = audit.standing.health.reasons()
        assert reason.startswith("the audit is failing (TA901): ZeroDivisionError in fails, line ")
        live(audit, a_flow())
        assert "TA901" in caplog.text
        assert "secret" not in caplog.text
    assert flow.response
    assert flow.response.text == JOB
    records = lines()
    assert events(records) == ["session", "unaudited", "finding", "fault", "submission", "stats", "session"]
    assert records[1]["unaudited"]["reason"] == "internal_error"
    assert records[1]["unaudited"]["job_id"] == JOB_ID
    assert records[2]["finding"]["rule"] == records[3]["fault"]["rule"] == "TA901"
    assert records[3]["fault"]["message"].startswith("ZeroDivisionError in fails, line ")
    assert "secret" not in json.dumps(records)
    assert (totals(records)["seen"], totals(records)["unaudited"]["internal_error"]) == (2, 1)


def test_a_failure_before_the_answer_counts_the_exchange_once(
    started: Callable[..., Any], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = a_flow()
    with started() as (audit, _):
        raising(monkeypatch, module, "Tee")
        assert flow.response
        audit.requestheaders(flow)
        flow.response.stream = True
        audit.responseheaders(flow)
        monkeypatch.undo()
        flow.response.stream = False
        audit.response(flow)
    assert events(lines()) == ["session", "fault", "submission", "stats", "session"]
    assert totals(lines())["seen"] == 1


def streamed(audit: TaskAudit, flow: http.HTTPFlow, chunks: list[bytes]) -> list[object]:
    """As mitmproxy streams a body; gives what goes on to the client."""
    assert flow.response
    flow.response.data.content = None
    flow.response.stream = True
    audit.requestheaders(flow)
    audit.responseheaders(flow)
    stream = flow.response.stream
    passed = [stream(chunk) if callable(stream) else chunk for chunk in [*chunks, b""]]
    audit.response(flow)
    return passed


def test_a_streamed_answer_is_audited_from_the_tee(started: Callable[..., Any], lines: Lines) -> None:
    chunks = [JOB[:20].encode(), JOB[20:].encode()]
    with started() as (audit, _):
        assert streamed(audit, a_flow(), chunks) == [*chunks, b""]
    assert events(lines())[1:-2] == ["submission"]


def test_a_streamed_answer_over_the_limit_is_not_audited(started: Callable[..., Any], lines: Lines) -> None:
    with started() as (audit, _):
        streamed(audit, a_flow(), [b"x" * 1_000_000, b"x" * 1_000_000])
    assert events(lines())[1:-2] == ["unaudited", "finding"]
    assert totals(lines())["unaudited"]["streamed"] == 1


def test_no_tee_where_it_is_not_ours(started: Callable[..., Any], lines: Lines) -> None:
    flow = a_flow(path="/elsewhere")
    with started() as (audit, _):
        streamed(audit, flow, [JOB.encode()])
    assert flow.response
    assert not isinstance(flow.response.stream, Tee)
    assert totals(lines())["other"] == 1


@pytest.mark.parametrize(
    ("flows", "options", "told"),
    [([], {}, 1), ([a_flow()], {}, 0), ([a_flow(path="/elsewhere")], {}, 0), ([], {"server": False}, 0)],
)
def test_where_nothing_comes_it_says_once_what_to_check(
    started: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    flows: list[http.HTTPFlow],
    options: dict[str, Any],
    told: int,
) -> None:
    monkeypatch.setattr(module, "TICK", 0.0001)

    async def running() -> None:
        with started(run=False) as (audit, context):
            context.options.update(mode=["reverse:https://ecs.example.com@9"], **options)
            audit.running()
            for flow in flows:
                live(audit, flow)
            while audit.standing.ticks < 2 * module.IDLE:
                await asyncio.sleep(0.001)

    asyncio.run(running())
    words = "does the client call http://127.0.0.1:9 instead of https://ecs.example.com?"
    assert caplog.text.count(words) == told


def test_a_misspelt_option_is_told(started: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    async def running() -> None:
        with started(run=False) as (audit, context):
            context.options.set("taskaudit_lgo=1", "other_option=1", defer=True)
            audit.running()
            assert 'unknown option "taskaudit_lgo"; did you mean "taskaudit_log"?' in caplog.text
            assert "other_option" not in caplog.text

    asyncio.run(running())


def test_totals_are_written_as_time_goes_by(
    started: Callable[..., Any], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK", 0.001)
    monkeypatch.setattr(standing, "STATS_EVERY", 1)

    async def running() -> None:
        with started(run=False) as (audit, _):
            audit.running()
            while events(lines()).count("stats") < 2:
                await asyncio.sleep(0.001)

    asyncio.run(running())
    assert totals(lines())["seen"] == 0


def test_without_a_log_traffic_passes(started: Callable[..., Any]) -> None:
    with started(run=False, taskaudit_log="") as (audit, _):
        flow = a_flow()
        live(audit, flow)
        assert flow.response
        assert flow.response.text == JOB


@pytest.mark.parametrize(("fsync", "waits"), [("off", False), ("batch", True), ("each", False)])
def test_an_answer_waits_for_its_group_only(
    started: Callable[..., Any], log_path: Path, tmp_path: Path, fsync: str, waits: bool
) -> None:
    """Nothing is waited for that did not write."""
    config = tmp_path / "config.yaml"
    config.write_text(f"log: {{fsync: {fsync}}}\n")
    synced: list[int] = []

    async def answers(audit: TaskAudit) -> None:
        for flow, is_ours in ((a_flow(), True), (a_flow(path="/elsewhere", body="{}"), False)):
            audit.requestheaders(flow)
            waiting = audit.response(flow)
            assert (waiting is not None) is (waits and is_ours)
            if waiting is not None:
                await waiting
                synced.append(1)

    with started(taskaudit_config=str(config)) as (audit, _), pytest.MonkeyPatch.context() as patch:
        slow = threading.Event()
        threading.Timer(0.05, slow.set).start()
        fsync_now = os.fsync
        patch.setattr(os, "fsync", lambda fd: (slow.wait(30), fsync_now(fd)))
        asyncio.run(answers(audit))
    assert len(synced) == waits
