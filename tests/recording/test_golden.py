"""The bytes of the log: each line of a session in which something of everything happens."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.auditor import Outcome
from taskaudit.contract.unseen import is_harmless
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import Lifecycle
from taskaudit.log.file import Notice
from taskaudit.log.record import Fault
from taskaudit.policy.policy import Override, Policy
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.recording.records import Stamp, rules_in_force
from tests.reports.runs import RUN, hostile, refused
from tests.samples import JOB, outcome, waiver
from tests.stories import START, ask, resource, submit, under

RULES_SHOWN = 2
UNSEEN = "\u3164\u115f\u2800\u034f\ufe0f\U000e0100\u00a0\u202e\u2028\u0085\ue000\x7f"
"""What JSON leaves as it is, and nobody sees."""
SUB_JOBS = [{"job_id": "s-1", "job_type": "t", "status": "FAIL", "error_code": "E.1", "fail_reason": UNSEEN}]
OUTCOMES = [
    *RUN,
    *hostile(),
    submit(20, f"8ab1{UNSEEN}é好🎉</\\", request_digest="d" * 32),
    ask(21, "FAIL", f"8ab1{UNSEEN}"),
    ask(22, "FAIL", "8ab2", entities={"sub_jobs": SUB_JOBS}),
    ask(23, UNSEEN, "8ab3"),
    resource(24),
    refused(25, '{"job_id": 1, "error": {"details": [1]}, "a\u202e": 1, "a\u202e": 2}'),
    outcome("x" * 1_100_000, exchange_id="large"),
    outcome(JOB, None, method=None, host=None, path=None, flow_id=None, started=None, ended=None),
]
POLICY = Policy(
    [Override("TA009", Severity.INFO, "ecs:*"), Override("TA007", None), Override("TA302", Severity.INFO)],
    [waiver(pointer="/error/code"), waiver("TA101", route=f"x{UNSEEN}"), waiver("TA102", until="2020-01-01")],
)


class Sink:
    """Keeps lines, but refuses those of the calls numbered in `lost`; before those in `news`, it has some."""

    path = Path("log")
    trouble = None

    def __init__(self, lost: Iterable[int] = (), news: Iterable[int] = ()) -> None:
        self.lines = b""
        self._lost, self._news = {*lost}, {*news}
        self._calls = 0

    @property
    def is_empty(self) -> bool:
        return not self.lines

    def notices(self) -> list[Notice]:
        if self._calls not in self._news:
            return []
        self._news.remove(self._calls)
        return [Notice("log_missing", "it is\u202e gone")]

    def prepare(self, coming: int = 0, /) -> None:
        pass

    def append(self, lines: bytes, /) -> None:
        self._calls += 1
        if self._calls in self._lost:
            raise OSError(28, "No space left on device")
        self.lines += lines

    def committed(self) -> None:
        return None

    def reopen(self) -> None:
        pass

    def close(self) -> int:
        return 0


def written(sink: Sink, board: Board | None, outcomes: Iterable[Outcome]) -> str:
    """The lines of a session."""
    recorder = Recorder(
        sink,
        instance_id="",
        mode="regular",
        config_digest="d" * 64,
        lifecycle=Lifecycle(),
        board=board,
        policy=POLICY,
        clock=lambda: START + 1000,
    )
    recorder.stamp = Stamp(instance_id='proxy "1"', session_id="5e55")
    recorder.start()
    recorder.fault(Fault(reason="config_rejected", rule=None, message=f"bad{UNSEEN}"))
    for each in under(POLICY, outcomes):
        recorder.record(each)
    recorder.stop()
    return sink.lines.decode()


@pytest.mark.parametrize(
    ("outcomes", "lost", "news"),
    [(OUTCOMES, [], []), (RUN[:6], [5, 6], [3]), (RUN[:3], [1], [1]), (RUN[:3], [], [0])],
    ids=["whole", "lost", "the start is lost", "news at the start"],
)
def test_each_line_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
    outcomes: list[Outcome],
    lost: list[int],
    news: list[int],
) -> None:
    rules = rules_in_force()[:RULES_SHOWN]
    monkeypatch.setattr("taskaudit.recording.recorder.rules_in_force", lambda: rules)
    monkeypatch.setattr("taskaudit.recording.recorder.__version__", "1.2.3")
    lines = written(Sink(lost, news), None, outcomes)
    assert lines == snapshot
    assert written(Sink(lost, news), Board(), outcomes) == lines
    assert all(map(is_harmless, lines.splitlines()))


def test_records_of_each_type_are_among_them() -> None:
    kinds = {json.loads(line)["event_type"] for line in written(Sink(), None, OUTCOMES).splitlines()}
    assert kinds == {"session", "stats", "fault", "submission", "job_query", "finding", "unaudited"}
