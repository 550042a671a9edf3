"""The content view: for which messages it comes first, what it says, and what stands below."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from mitmproxy import contentviews, ctx, http
from mitmproxy.contentviews import ContentviewResult
from mitmproxy.flow import Error
from mitmproxy.test import taddons, tflow, tutils
from rich.cells import cell_len

from taskaudit.contract.words import Language
from taskaudit.proxy import view
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.annotate import annotate
from taskaudit.proxy.plain_text import WIDTH, plain_lines
from taskaudit.recording.board import Board
from tests.samples import BAD_ERROR, JOB, JOB_ID, outcome


@pytest.fixture
def audit(log_path: Path) -> Iterator[TaskAudit]:
    """The addon, configured, with a board though nobody looks."""
    audit = TaskAudit()
    audit.standing.board = Board()
    with taddons.context(loadcore=True) as context:
        context.master.addons.add(audit)
        context.configure(audit, taskaudit_log=str(log_path))
        yield audit
        audit.done()


def a_flow(
    body: str | bytes, status: int = 200, method: str = "POST", path: str = "/v1/p/cloudservers"
) -> http.HTTPFlow:
    flow = tflow.tflow(req=tutils.treq(method=method.encode(), path=path.encode()), resp=True)
    raw = body if isinstance(body, bytes) else body.encode()
    headers = http.Headers(content_type="application/json")
    flow.response = tutils.tresp(status_code=status, headers=headers, content=raw)
    return flow


def shown(audit: TaskAudit, flow: http.HTTPFlow, name: str = "auto") -> ContentviewResult:
    audit.requestheaders(flow)
    audit.response(flow)
    assert flow.response
    return contentviews.prettify_message(flow.response, flow, name)


def test_the_answer_with_its_findings_and_their_places_above_the_body(audit: TaskAudit) -> None:
    result = shown(audit, a_flow(BAD_ERROR, 400))
    assert (result.view_name, result.syntax_highlight) == ("Task response", "none")
    assert result.text.split("\n") == [
        "error: not well-formed",
        "POST address/v1/p/cloudservers (ecs:CreateServers) HTTP 400",
        " ",
        "TA306 error-code-not-string (error)",
        "  /error/code: expected String, found Number 400",
        '  1 | {"error": {"message": "bad", "code": 400}}',
        "    |                                      ^^^",
        "  A comparison with a documented code never matches, and typed clients",
        "  refuse the answer. 400 is the common one: the HTTP status in the place of",
        "  the code.",
        " ",
        "─" * 76,
        "{",
        '    "error": {',
        '        "message": "bad",',
        '        "code": 400',
        "    }",
        "}",
    ]


def test_what_is_waived_says_so(audit: TaskAudit, tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text("waivers: [{rule: TA306, reason: known, owner: team-ecs, until: 2099-12-31}]", "utf-8")
    ctx.options.taskaudit_config = str(config)
    told = shown(audit, a_flow(BAD_ERROR, 400)).text
    assert "TA306 error-code-not-string (error)\n  waived until 2099-12-31 by team-ecs: known\n" in told


@pytest.mark.parametrize(
    ("reason", "advised"),
    [
        (
            "unable to get local issuer certificate",
            "trust its CA with --set ssl_verify_upstream_trusted_ca=FILE",
        ),
        ("self-signed certificate in certificate chain", "trust its CA with --set ssl_verify_upstream_tr"),
        ("certificate has expired", "--set ssl_insecure=true accepts any certificate"),
        ("IP address mismatch", "--set ssl_insecure=true accepts any certificate"),
    ],
)
def test_why_a_certificate_is_not_trusted_and_what_to_do(audit: TaskAudit, reason: str, advised: str) -> None:
    flow = a_flow("")
    flow.response, flow.error = None, Error(f"Certificate verify failed: {reason}")
    audit.error(flow)
    found = audit.look_again(flow)
    assert found
    lines = plain_lines(view.told(flow, found, audit), 200)
    assert f"the server's certificate is not trusted ({reason}): {advised}" in "\n".join(lines)


def test_a_job_with_its_story_so_far(audit: TaskAudit) -> None:
    flow, path = a_flow(JOB), f"/v1/p/jobs/{JOB_ID}"
    assert f"job {JOB_ID}: well-formed\n" in shown(audit, flow).text
    assert "not asked yet" in shown(audit, flow).text
    query = a_flow(f'{{"status": "RUNNING", "job_id": "{JOB_ID}"}}', method="GET", path=path)
    told = shown(audit, query).text
    assert told.startswith(f"query of job {JOB_ID}: RUNNING\n")
    assert "submitted  HTTP 200" in told
    assert "RUNNING  [" in shown(audit, flow).text


def test_what_came_of_the_job_is_told_with_the_flow(audit: TaskAudit) -> None:
    first, second = a_flow(JOB), a_flow(JOB)
    shown(audit, first)
    told = shown(audit, second).text
    assert "TA204 job-id-reused (error)\n  /job_id: expected a new job id" in told
    assert "TA204" not in shown(audit, first).text.partition(f"\njob {JOB_ID} (")[0]


def test_it_is_for_answers_of_audited_flows_alone(audit: TaskAudit) -> None:
    flow = a_flow(BAD_ERROR, 400)
    shown(audit, flow)
    assert contentviews.prettify_message(flow.request, flow).view_name != "Task response"
    assert shown(audit, a_flow("{}", path="/else", method="GET")).view_name == "JSON"
    asked_for = shown(audit, a_flow("{}", path="/else", method="GET"), "Task response").text
    assert "this is not the answer of an audited flow" in asked_for


def test_without_an_answer_of_ours_another_view_is_taken(audit: TaskAudit) -> None:
    """A flow that was annotated under another configuration."""
    flow = a_flow("{}", path="/else", method="GET")
    annotate(flow, outcome(BAD_ERROR, 400))
    assert flow.response
    result = contentviews.prettify_message(flow.response, flow)
    assert (result.text, result.description) == ("{}", "[failed to parse as Task response]")


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"message": "\\u001b[31m\\u202e", "code": 400, "x": "\\ud800"}}',
        '{"error": {"message": "\x1b[31m\u202e", "code": 400}}',
        '{"job_id": 1, "a": "' + "好" * 300 + '"}',
        b"\xff\xfe\x00{",
        b'{"error": {"message": "", "code": XXX\xef\xbc\x8c""}}',
        "[" * 100_000,
        "",
    ],
)
def test_any_body_can_be_shown_and_does_no_harm(audit: TaskAudit, body: str | bytes) -> None:
    result = shown(audit, a_flow(body, 400))
    assert result.view_name == "Task response"
    assert all(char.isprintable() or char in "\n\u3000" for char in result.text)
    result.text.encode()
    above, _, _ = result.text.partition("─" * WIDTH)
    assert max(map(cell_len, above.split("\n"))) <= WIDTH


def test_many_findings_are_cut(audit: TaskAudit) -> None:
    details = ", ".join(["null"] * 1000)
    text = shown(
        audit, a_flow(f'{{"error": {{"message": "m", "code": "E.0001", "details": [{details}]}}}}', 400)
    ).text
    assert text.count("TA404 detail-not-object") == 30
    assert "\n970 more findings\n" in text


def test_in_chinese(audit: TaskAudit) -> None:
    audit.standing.language = Language.ZH
    text = shown(audit, a_flow(BAD_ERROR, 400)).text
    assert text.startswith("error: 格式有误\n")
    assert "\n  /error/code：应为 String，实为 Number 400\n" in text
    assert max(map(cell_len, text.split("\n"))) <= WIDTH


def test_the_console_is_made_to_ask_again(audit: TaskAudit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    kept = SimpleNamespace(cache_clear=lambda: asked.append("cleared"))
    console = SimpleNamespace(FlowDetails=SimpleNamespace(_get_content_view=kept))
    monkeypatch.setitem(sys.modules, "mitmproxy.tools.console.flowview", console)

    async def look() -> None:
        shown(audit, a_flow(JOB))
        assert asked == []
        await asyncio.sleep(0)

    asyncio.run(look())
    assert asked == ["cleared"]
