"""The commands as they are typed, and what the front ends get to show."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyperclip  # type: ignore[import-untyped]
import pytest
from mitmproxy import command, exceptions, flowfilter, http
from mitmproxy.addons.view import View
from mitmproxy.log import ALERT
from mitmproxy.test import taddons, tflow, tutils

from taskaudit.contract.words import Language
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.annotate import noted
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID

BAD_SECOND = '{"error": {"message": "bad", "code": 7}}'
Lines = Callable[[], list[dict[str, Any]]]


class Console:
    """What tells the console from the other front ends."""

    @command.command("console.view.eventlog")
    def eventlog(self) -> None:
        """Never called."""


class Front:
    """A front end that lists flows, with the audit."""

    def __init__(self, log_path: Path, *others: object) -> None:
        self.audit, self.view = TaskAudit(), View()
        self.context = taddons.context(loadcore=True).__enter__()
        self.context.master.addons.add(self.view, self.audit, *others)
        self.context.configure(self.audit, taskaudit_log=str(log_path))

    def __call__(self, typed: str) -> Any:
        return self.context.master.commands.execute(typed)

    def passes(self, body: str, status: int = 200, path: str = "/v1/p/cloudservers") -> http.HTTPFlow:
        """A flow with an answer passes, and stands in the list."""
        flow = tflow.tflow(req=tutils.treq(method=b"POST", path=path.encode()))
        headers = http.Headers(content_type="application/json")
        flow.response = tutils.tresp(status_code=status, headers=headers, content=body.encode())
        for hook in ("requestheaders", "response"):
            for addon in (self.audit, self.view):
                getattr(addon, hook)(flow)
        return flow

    def stop(self) -> None:
        self.audit.done()
        self.context.__exit__(None, None, None)


@pytest.fixture
def console(log_path: Path) -> Iterator[Front]:
    front = Front(log_path, Console())
    yield front
    front.stop()


@pytest.fixture
def web(log_path: Path) -> Iterator[Front]:
    front = Front(log_path)
    yield front
    front.stop()


def test_the_summary_has_the_coverage(console: Front) -> None:
    console.passes(JOB)
    console.passes(BAD_ERROR, 400, "/v1/p/cloudvolumes")
    console.passes("{}", path="/else")
    lines = console("taskaudit.summary")
    assert lines.pop(-2).endswith(" UTC")
    assert lines == [
        "submissions: 2 (1 error, 1 job); job queries: 0",
        "findings: 1 error",
        "      1  TA306 error-code-not-string (error)",
        "1 job: 1 not asked yet",
        "seen 3 = other 1 + audited 2 + unaudited 0",
    ]


def test_before_anything_has_passed(console: Front) -> None:
    assert console("taskaudit.summary")[-1] == "seen 0 = other 0 + audited 0 + unaudited 0"
    assert console("taskaudit.jobs") == [
        "no jobs in the log",
        "seen 0 = other 0 + audited 0 + unaudited 0",
    ]


def test_the_jobs(console: Front) -> None:
    console.passes(JOB)
    lines = console("taskaudit.jobs")
    assert lines[0].endswith(JOB_ID)
    assert "not asked yet" in lines[1]
    assert lines[-2:] == ["1 job: 1 not asked yet", "seen 1 = other 0 + audited 1 + unaudited 0"]


def test_mitmweb_has_all_of_it_in_the_event_log(web: Front, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        first, hint = web("taskaudit.explain TA306")
    assert (first, hint) == ("TA306 error-code-not-string (error)", "(more in the event log)")
    (told,) = [record for record in caplog.records if record.name == "taskaudit.proxy.commands"]
    assert told.levelno == logging.INFO  # mitmweb shows no alerts.
    assert told.getMessage().startswith("taskaudit: TA306 error-code-not-string (error)\n  When ")


def test_the_line_that_mitmweb_shows_is_not_cut(web: Front, caplog: pytest.LogCaptureFixture) -> None:
    for body in ("", "{}", JOB, ERROR, '{"job_id": "8ab1", "error": {}}', '{"code": "E.1", "message": ""}'):
        web.passes(body)
    with caplog.at_level(logging.INFO):
        line, _ = web("taskaudit.summary")
    assert len(line) > 100
    assert line.endswith("); job queries: 0")
    assert max(map(len, caplog.messages[-1].splitlines()[1:])) <= 100


def test_next_goes_from_finding_to_finding(console: Front) -> None:
    flows = [console.passes(body, 400) for body in (BAD_ERROR, ERROR, ERROR, BAD_ERROR)]
    seen = []
    for _ in range(3):
        console("taskaudit.next")
        seen.append(flows.index(console.view.focus.flow))  # type: ignore[arg-type]
    assert seen == [3, 0, 3]


def test_next_is_among_what_is_shown(console: Front) -> None:
    hidden = console.passes(BAD_ERROR, 400)
    console.view.set_filter(flowfilter.parse("~c 200"))
    console.passes(JOB)
    assert noted(hidden)["findings"]
    with pytest.raises(exceptions.CommandError, match="no flow that is shown has a finding"):
        console("taskaudit.next")


def test_next_passes_by_what_is_waived(console: Front, tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text("waivers: [{rule: TA306, reason: r, owner: o, until: 2099-12-31}]", encoding="utf-8")
    console.context.configure(console.audit, taskaudit_config=str(config))
    console.passes(BAD_ERROR, 400)
    with pytest.raises(exceptions.CommandError, match="no flow that is shown has a finding"):
        console("taskaudit.next")


def test_mitmweb_has_no_focus_and_says_what_to_type(web: Front) -> None:
    web.passes(BAD_ERROR, 400)
    with pytest.raises(exceptions.CommandError, match=r"name a rule \(taskaudit\.explain TA306\)"):
        web("taskaudit.explain")


def test_of_several_flows_the_first_with_a_finding_is_reported(console: Front) -> None:
    for body in (ERROR, BAD_ERROR, BAD_SECOND):
        console.passes(body, 400)
    for typed in ("'~marker :x:'", "@all"):
        assert "Number 400" in "".join(console(f"taskaudit.bug {typed}")[:2])
    assert "Number 7" in "".join(console("taskaudit.bug '~bs 7'")[:2])


def test_explain_tells_of_a_rule_or_of_the_focused_flow(console: Front) -> None:
    console.passes(BAD_ERROR, 400)
    assert console("taskaudit.explain ta306")[0] == "TA306 error-code-not-string (error)"
    assert console("taskaudit.explain")[0] == "error: not well-formed"
    with pytest.raises(exceptions.CommandError, match="no rule"):
        console("taskaudit.explain nope")


def test_what_is_none_of_ours_is_refused(console: Front) -> None:
    for typed in ("taskaudit.explain", "taskaudit.bug @focus", "taskaudit.bug '~marker :x:'"):
        with pytest.raises(exceptions.CommandError, match="there is no such flow"):
            console(typed)
    console.passes("{}", path="/else")
    for typed in ("taskaudit.explain", "taskaudit.bug @focus"):
        with pytest.raises(exceptions.CommandError, match="nothing to say"):
            console(typed)


def test_a_bug_report_is_shown_written_and_copied(
    console: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.passes(BAD_ERROR, 400)
    shown = console("taskaudit.bug @focus")
    assert shown[0].startswith("# ")
    path = tmp_path / "bug.md"
    assert console(f"taskaudit.bug @focus {path}")[0].startswith("written to")
    assert "TA306" in path.read_text(encoding="utf-8")
    copied: list[str] = []
    monkeypatch.setattr(pyperclip, "copy", copied.append)
    assert console("taskaudit.bug @focus clip")[0] == "copied to the clipboard"
    assert copied == [path.read_text(encoding="utf-8")]


def test_where_there_is_no_clipboard_that_is_said(console: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> None:
        raise pyperclip.PyperclipException("no clipboard here")

    console.passes(BAD_ERROR, 400)
    monkeypatch.setattr(pyperclip, "copy", fails)
    with pytest.raises(exceptions.CommandError, match="no clipboard here"):
        console("taskaudit.bug @focus clip")


def test_nothing_is_wrong_with_a_clean_flow(console: Front) -> None:
    console.passes(JOB)
    with pytest.raises(exceptions.CommandError, match="nothing is wrong"):
        console("taskaudit.bug @focus")


def test_a_file_that_cannot_be_written_is_named(console: Front) -> None:
    console.passes(BAD_ERROR, 400)
    with pytest.raises(exceptions.CommandError, match=r"/nonexistent/bug\.md: No such file"):
        console("taskaudit.bug @focus /nonexistent/bug.md")


def test_a_report_is_written_in_the_format_of_its_suffix_or_the_one_given(
    console: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    console.passes(BAD_ERROR, 400)
    for name, more in (("report.html", ""), ("report.data", " html")):
        with caplog.at_level(ALERT):
            console(f"taskaudit.report {tmp_path / name}{more}")
        assert "TA306" in (tmp_path / name).read_text(encoding="utf-8")
        assert f"written to {tmp_path / name}" in caplog.text
    for typed, told in (("report.data", "ends in none of .html"), ("report.html nope", "there are html, ")):
        with pytest.raises(exceptions.CommandError, match=told):
            console(f"taskaudit.report {tmp_path}/{typed}")


def test_recheck_renews_annotations_and_records_nothing(
    console: Front, tmp_path: Path, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    unlisted, listed = console.passes(ERROR, 400, "/unlisted"), console.passes(BAD_ERROR, 400)
    listed.marked = ":grapes:"
    records = len(lines())
    config = tmp_path / "audit.yaml"
    config.write_text("unlisted: ignore\n", encoding="utf-8")
    console.context.configure(console.audit, taskaudit_config=str(config))
    with caplog.at_level(ALERT):
        console("taskaudit.recheck @all")
    assert (unlisted.marked, unlisted.comment, noted(unlisted)) == ("", "", {})
    assert (listed.marked, listed.comment) == (":grapes:", "TA306 /error/code: Number 400")
    assert "audited 2 flows again, 1 changed" in caplog.text
    told = [record["event_type"] for record in lines()[records:]]
    assert set(told) == {"stats", "session"}


def test_recheck_keeps_what_came_of_the_job(console: Front) -> None:
    console.passes(JOB)
    reused = console.passes(JOB)
    before = reused.comment, noted(reused)
    console("taskaudit.recheck @all")
    assert (reused.comment, noted(reused)) == before
    assert reused.comment.startswith("TA204")


def test_what_is_under_way_is_not_rechecked(console: Front) -> None:
    flow = tflow.tflow(req=tutils.treq(method=b"POST", path=b"/v1/p/cloudservers"), resp=True)
    console.audit.requestheaders(flow)
    console.view.add([flow])
    console("taskaudit.recheck @all")
    assert flow.comment == ""


def test_without_an_audit_commands_say_so(tmp_path: Path) -> None:
    front = Front(tmp_path / "none" / "log")
    flow = tflow.tflow(resp=True)
    flow.comment = "from a file"
    front.view.add([flow])
    for typed in ("taskaudit.summary", "taskaudit.jobs", "taskaudit.recheck @all"):
        with pytest.raises(exceptions.CommandError, match="the audit has not started"):
            front(typed)
    assert flow.comment == "from a file"
    front.stop()


def test_the_address_of_the_status_page(console: Front) -> None:
    with pytest.raises(exceptions.CommandError, match="there is no status page: set taskaudit_listen"):
        console("taskaudit.page")
    console.context.configure(console.audit, taskaudit_listen="127.0.0.1:0")
    listener = console.audit.standing.listener
    assert listener is not None
    assert console("taskaudit.page") == [listener.url]


def test_in_chinese(console: Front) -> None:
    console.audit.standing.language = Language.ZH
    with pytest.raises(exceptions.CommandError, match="均无问题"):
        console("taskaudit.next")


def test_without_a_list_of_flows() -> None:
    audit = TaskAudit()
    with taddons.context(loadcore=True) as context:
        context.master.addons.add(audit)
        with pytest.raises(exceptions.CommandError, match="no list of flows"):
            context.master.commands.execute("taskaudit.next")


def test_each_command_has_its_help(console: Front, caplog: pytest.LogCaptureFixture) -> None:
    ours = {
        name: known
        for name, known in console.context.master.commands.commands.items()
        if name.startswith("taskaudit.")
    }
    names = ("summary", "jobs", "page", "next", "explain", "bug", "report", "recheck")
    assert set(ours) == {f"taskaudit.{name}" for name in names}
    assert all(known.help for known in ours.values())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
