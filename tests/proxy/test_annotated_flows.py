"""The addon annotates what passes: live, replayed, loaded, late, and when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.addons.view import View
from mitmproxy.flow import Error
from mitmproxy.test import taddons, tflow, tutils

from taskaudit.auditor import Auditor
from taskaudit.proxy import addon as module
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.annotate import KEY, annotate, noted
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID, outcome

Lines = Callable[[], list[dict[str, Any]]]


class Watched:
    """The audit in a mitmproxy that lists flows, and is told when one of them changes."""

    def __init__(self, log_path: Path, *, has_list: bool = True) -> None:
        self.audit = TaskAudit()
        self.view = View()
        self.updated: list[str] = []
        self._log_path = log_path
        self._has_list = has_list

    def update(self, flows: list[http.HTTPFlow]) -> None:
        """As every addon of mitmproxy may."""
        self.updated.extend(flow.id for flow in flows)

    def passes(self, flow: http.HTTPFlow) -> http.HTTPFlow:
        """A flow, live or loaded, from its request to its end."""
        self.context.master.addons.trigger(module.hooks.UpdateHook([]))
        for addon in (self.audit, self.view):
            addon.requestheaders(flow)
        for addon in (self.audit, self.view):
            addon.response(flow) if flow.error is None else addon.error(flow)
        return flow

    def __enter__(self) -> Watched:
        self.context = taddons.context(loadcore=True).__enter__()
        self.context.master.addons.add(*([self.view] if self._has_list else []), self.audit, self)
        self.context.configure(self.audit, taskaudit_log=str(self._log_path))
        return self

    def __exit__(self, *_: object) -> None:
        self.audit.done()
        self.context.__exit__(None, None, None)


@pytest.fixture
def watched(log_path: Path) -> Iterator[Watched]:
    with Watched(log_path) as started:
        yield started


@pytest.fixture
def unwatched(log_path: Path) -> Iterator[Watched]:
    """As in mitmdump."""
    with Watched(log_path, has_list=False) as started:
        yield started


def answered(flow: http.HTTPFlow, body: str, status: int = 200) -> http.HTTPFlow:
    flow.response = tutils.tresp(
        status_code=status, headers=http.Headers(content_type="application/json"), content=body.encode()
    )
    flow.response.timestamp_start += status  # Another answer, another time.
    return flow


def a_flow(
    body: str | None = JOB, status: int = 200, path: str = "/v1/p/cloudservers", method: str = "POST"
) -> http.HTTPFlow:
    flow = tflow.tflow(req=tutils.treq(method=method.encode(), path=path.encode()))
    return flow if body is None else answered(flow, body, status)


def submissions(lines: Lines) -> int:
    return sum(record["event_type"] == "submission" for record in lines())


@pytest.mark.parametrize(
    ("flow", "comment"),
    [
        (a_flow(), f"job {JOB_ID}"),
        (a_flow(BAD_ERROR, 400), "TA306 /error/code: Number 400"),
        (a_flow(ERROR, 400, "/unlisted"), "error Ecs.0001"),
        (a_flow("{}", path="/v1/p/jobs/None", method="GET"), "TA502 job-query-placeholder, job None"),
    ],
)
def test_an_audited_flow_is_annotated(watched: Watched, flow: http.HTTPFlow, comment: str) -> None:
    assert watched.passes(flow).comment == comment
    assert flow.marked


@pytest.mark.parametrize(
    "flow", [a_flow("{}", path="/else"), a_flow("<html>", path="/else"), a_flow("{}", path="/", method="GET")]
)
def test_other_flows_are_not_touched(watched: Watched, flow: http.HTTPFlow) -> None:
    before = flow.get_state()
    assert watched.passes(flow).get_state() == before


def test_an_aborted_flow_is_annotated(watched: Watched) -> None:
    flow = a_flow(None)
    flow.error = Error("reset")
    assert watched.passes(flow).comment == "not audited: aborted"


def test_what_is_under_way_at_the_end_is_annotated(watched: Watched) -> None:
    flow = a_flow(None)
    watched.audit.requestheaders(flow)
    watched.audit.done()
    assert flow.comment == "not audited: aborted"


def test_a_replay_is_annotated_anew(watched: Watched, lines: Lines) -> None:
    flow = watched.passes(a_flow(BAD_ERROR, 400))
    flow.response = None
    watched.audit.requestheaders(flow)
    assert (flow.marked, flow.comment, flow.metadata) == ("", "", {})
    watched.audit.response(answered(flow, ERROR, 403))
    assert flow.comment == "error Ecs.0001"
    assert noted(flow)["findings"] == []
    assert submissions(lines) == 2


def test_a_replay_leaves_what_a_user_wrote(watched: Watched) -> None:
    flow = watched.passes(a_flow(BAD_ERROR, 400))
    flow.marked, flow.comment = ":grapes:", "mine"
    flow.response = None
    watched.passes(answered(flow, ERROR, 403))
    assert (flow.marked, flow.comment) == (":grapes:", "mine")
    assert noted(flow)["findings"] == []


def test_a_replay_that_is_none_of_ours_any_more_keeps_nothing(watched: Watched) -> None:
    flow = watched.passes(a_flow(BAD_ERROR, 400))
    flow.request.path = "/else"
    flow.response = None
    watched.passes(answered(flow, "{}"))
    assert (flow.marked, flow.comment, flow.metadata) == ("", "", {})


def test_a_loaded_flow_is_annotated_anew(watched: Watched) -> None:
    flow = a_flow(BAD_ERROR, 400)
    annotate(flow, outcome(JOB))
    assert watched.passes(flow).comment == "TA306 /error/code: Number 400"


def test_a_flow_that_is_seen_twice_is_recorded_once_and_stays_annotated(
    watched: Watched, lines: Lines
) -> None:
    watched.passes(a_flow())
    flow = watched.passes(a_flow())
    assert flow.comment == f"TA204 job-id-reused (+1), job {JOB_ID}"
    assert watched.passes(flow).comment == f"TA204 job-id-reused (+1), job {JOB_ID}"
    flow.marked = flow.comment = ""
    assert watched.passes(flow).comment == f"TA204 job-id-reused (+1), job {JOB_ID}"
    assert submissions(lines) == 2


def test_a_late_finding_changes_the_earlier_flow(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = watched.passes(a_flow())
    recorder = watched.audit.standing.recorder
    assert recorder
    watched.updated.clear()
    watched.audit._annotate_late(recorder.due())
    assert flow.comment == f"TA501 job-never-queried, job {JOB_ID}"
    assert flow.marked == ":warning:"
    assert watched.updated == [flow.id]
    watched.audit._annotate_late(recorder.due())
    assert watched.updated == [flow.id]


def test_a_flow_that_is_listed_no_more_is_let_be(watched: Watched) -> None:
    flow = watched.passes(a_flow())
    watched.view.clear()
    assert watched.audit.standing.recorder
    watched.audit._annotate_late(watched.audit.standing.recorder.due())
    assert flow.comment == f"job {JOB_ID}"
    assert watched.updated == []


def test_without_a_list_each_flow_has_what_was_known_when_it_passed(unwatched: Watched) -> None:
    unwatched.passes(a_flow())
    assert unwatched.passes(a_flow()).comment == f"TA204 job-id-reused (+1), job {JOB_ID}"
    assert unwatched.audit.board is None


def test_the_board_goes_on_with_another_configuration(watched: Watched, tmp_path: Path) -> None:
    watched.passes(a_flow())
    board = watched.audit.board
    watched.context.configure(watched.audit, taskaudit_log=str(tmp_path / "second"))
    assert watched.audit.board is board
    assert board
    assert board.job(JOB_ID)
    assert board.story().coverage.sessions == 2


def raising(monkeypatch: pytest.MonkeyPatch, target: object, name: str) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("secret text of the traffic")

    monkeypatch.setattr(target, name, fails)


def test_where_annotating_fails_the_record_stands_and_is_counted_once(
    watched: Watched, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, module, "annotate")
    flow = watched.passes(a_flow())
    monkeypatch.undo()
    raising(monkeypatch, module, "add")
    watched.passes(a_flow(ERROR, 400, "/v1/p/cloudvolumes"))
    assert watched.audit.standing.recorder
    watched.audit._annotate_late(watched.audit.standing.recorder.due())
    monkeypatch.undo()
    watched.audit.done()
    assert flow.comment == ""
    records = lines()
    assert [r["event_type"] for r in records[1:3]] == ["submission", "fault"]
    assert records[2]["fault"]["rule"] == "TA901"
    totals = records[-1]["session"]["totals"]
    assert (totals["seen"], totals["audited"]) == (2, 2)


def test_where_the_audit_fails_the_flow_says_so(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, Auditor, "look")
    flow = watched.passes(a_flow())
    monkeypatch.undo()
    assert (flow.marked, flow.comment) == (":grey_question:", f"not audited: internal_error, job {JOB_ID}")
    assert "secret" not in str(flow.metadata[KEY])


def test_where_both_fail_traffic_goes_on(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, Auditor, "look")
    raising(monkeypatch, module, "annotate")
    assert watched.passes(a_flow()).comment == ""


def test_a_wrong_language_is_a_wrong_configuration(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKAUDIT_LANG", "klingon")
    with Watched(log_path) as watched:
        assert watched.passes(a_flow()).comment == ""
    assert not log_path.exists()
