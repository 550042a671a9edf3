"""Outcomes told to the life of jobs: the same findings live, offline, and merged from two proxies."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.following import follow, judged, known_of, repeat_key
from taskaudit.known_ids import KnownIds
from taskaudit.lifecycle import Late, Lifecycle, Thresholds
from taskaudit.log import LogFile
from taskaudit.offline.check import Check, Checked
from taskaudit.policy.policy import EMPTY, Override, Policy, Where
from taskaudit.recording.recorder import Recorder
from taskaudit.recording.records import Stamp, finding_record
from taskaudit.sources.flow import exchange_of
from tests.samples import (
    AT,
    BAD_ERROR,
    ERROR,
    JOB,
    JOB_ID,
    OWN_HOST,
    answer,
    auditor,
    exchange,
    outcome,
    waiver,
)

ALLOWED = Thresholds(query_within=5, min_interval=1, table_size=50)
DIGEST = "d" * 32
STAMP = Stamp(instance_id="any", session_id="any")


def asked(job_id: str = JOB_ID, status: str = "RUNNING", code: int = 200, **facts: object) -> Outcome:
    """A job query and its answer; `job_id` as it stands in the path."""
    body = json.dumps({"status": status})
    return outcome(body, code, method="GET", path=f"/v1/p/jobs/{job_id}", **facts)


def rules(*outcomes: Outcome, finished: bool = False) -> list[str]:
    """The rules that come up as these are told one after the other."""
    life = Lifecycle[Outcome]()
    late = [each for one in outcomes for each in follow(life, one, one)]
    late += life.finish() if finished else ()
    return [each.finding.rule for each in late]


@pytest.mark.parametrize(
    "job_id",
    [
        "",
        "None",
        "null",
        "nil",
        "undefined",
        "NaN",
        "[object Object]",
        "%5Bobject%20Object%5D",
        "{job_id}",
        "%7Bjob_id%7D",
        "%7bjob_id%7d",
        "%24%7Bjob_id%7D",
        "%4eone",
        "%20",
    ],
)
def test_a_placeholder_in_the_path(job_id: str) -> None:
    assert rules(asked(job_id)) == ["TA502"]


@pytest.mark.parametrize("job_id", ["nullable-1", "8ab1", "None.", "%2500"])
def test_an_id_in_the_path(job_id: str) -> None:
    assert rules(asked(job_id)) == ["TA503"]


def test_an_id_is_the_same_however_it_is_spelt() -> None:
    assert rules(outcome('{"job_id": "a b"}'), asked("a%20b", "SUCCESS"), finished=True) == []


@pytest.mark.parametrize("status", ["SUCCESS", "success", "Success", "FAIL", "fail"])
def test_a_final_status_in_any_case(status: str) -> None:
    assert rules(outcome(), asked(status=status), finished=True) == []


@pytest.mark.parametrize("status", ["INIT", "RUNNING", "PENDING_PAYMENT", "FAILED", "STOP", "", " SUCCESS"])
def test_a_status_that_is_not_final(status: str) -> None:
    assert rules(outcome(), asked(status=status), finished=True) == ["TA506"]


def test_final_statuses_of_a_profile() -> None:
    path = f"/v1.0/p/job/{JOB_ID}"
    for status, late in {"stop": [], "STOP": [], "FAIL": [], "RUNNING": ["TA506"]}.items():
        query = outcome(json.dumps({"status": status}), method="GET", path=path)
        assert query.route
        assert query.route.service == "dws"
        assert rules(outcome(), query, finished=True) == late


SAME = {"request_digest": DIGEST}


@pytest.mark.parametrize(
    ("again", "late"),
    [
        ({}, ["TA507"]),
        ({"exchange_id": "other", "flow_id": "other", "request_id": "other"}, ["TA507"]),
        ({"client": "192.0.2.8"}, []),
        ({"client": None}, []),
        ({"request_digest": "e" * 32}, []),
        ({"request_digest": None}, []),
    ],
)
def test_a_resubmission_is_the_same_request_of_the_same_client(
    again: dict[str, str], late: list[str]
) -> None:
    second = outcome(ERROR, 403, **{**SAME, **again})
    assert rules(outcome(**SAME), second) == late
    assert rules(outcome(**SAME), asked(status="FAIL"), second) == []


def test_without_a_client_address_all_are_one_client() -> None:
    assert rules(outcome(client=None, **SAME), outcome(ERROR, 403, client=None, **SAME)) == ["TA507"]


def test_a_repeat_key_shows_nothing_of_the_request() -> None:
    key = repeat_key(outcome(**SAME))
    assert key is not None
    assert len(key) == 12
    assert key not in DIGEST
    assert repeat_key(outcome(request_digest=None)) is None


def test_what_has_no_request_has_no_next() -> None:
    bare = outcome(JOB, None, method=None, host=None, path=None, is_printed=True)
    printed = outcome(JOB, is_printed=True)
    for each in (bare, printed):
        assert rules(each, each, finished=True) == []


def test_what_is_not_ours_is_not_followed() -> None:
    assert rules(outcome("{}", path="/x"), outcome(JOB, method="GET", path="/x"), finished=True) == []


@pytest.mark.parametrize(
    "facts",
    [{"answer": None}, {"answer": answer(b"", missing=Missing.STREAMED)}],
    ids=["aborted", "streamed"],
)
def test_a_query_without_a_verdict_is_a_query(facts: dict[str, object]) -> None:
    assert rules(outcome(), asked(**facts), asked(status="FAIL", ended=AT + 9), finished=True) == []
    assert rules(outcome(), asked(**facts), finished=True) == []


def test_ids_are_known_as_long_as_their_job_is() -> None:
    life = Lifecycle[Outcome](Thresholds(table_size=2))
    for n in range(4):
        one = outcome(f'{{"job_id": "job-000{n}", "order_id": "order-000{n}"}}', ended=AT + n)
        follow(life, one, one)
    told = [life.known.asked("GET", f"/orders/order-000{n}", "", AT + 9) for n in range(4)]
    assert [each and each.job_id for each in told] == [None, None, "job-0002", "job-0003"]


def test_a_job_that_is_asked_for_without_a_route_is_followed() -> None:
    life = Lifecycle[Outcome]()
    told = []
    for at, (method, path, body) in enumerate(
        [
            ("POST", "/v9/things", JOB),
            ("GET", f"/v9/tasks/{JOB_ID}", '{"status": "Running"}'),
            ("GET", f"/v9/tasks/{JOB_ID}", '{"status": "Done"}'),
        ]
    ):
        sent = exchange(body, method=method, path=path, ended=AT + at)
        one = auditor().look(sent, known=life.known)
        told += follow(life, one, one)
    assert ([*told, *life.finish()], life.open_jobs) == ([], 0)


@pytest.mark.parametrize("body", [None, BAD_ERROR, "", '{"job_id": 1}', '{"job_id": " "}'])
def test_what_got_no_job_id_is_no_job(body: str | None) -> None:
    assert rules(outcome(body), finished=True) == []


@pytest.mark.parametrize(
    "body",
    ['{"job_id": "other", "status": "SUCCESS"}', '{"status": 1}', "{}", '{"error": {"code": "c"}}', ""],
)
def test_a_malformed_answer_ends_no_job(body: str) -> None:
    query = outcome(body, method="GET", path=f"/v1/p/jobs/{JOB_ID}", host=OWN_HOST)
    assert [finding.rule for finding in query.findings] == ["TA508"]
    assert rules(outcome(), query, asked(status="SUCCESS", ended=AT + 9), finished=True) == []
    assert rules(outcome(), query, finished=True) == []


# Any interleaving, live, offline and merged.


class Move(NamedTuple):
    """What a client does: a submission with its answer, or a query where `status` is set."""

    wait: float
    client: str
    job_id: str
    status: str | None
    body: int
    path: str


WAITS = st.sampled_from([0.001, 0.25, 0.999, 1.0, 1.5, 4.0, 5.0, 6.0])
MOVES = st.lists(
    st.builds(
        Move,
        wait=WAITS,
        client=st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        job_id=st.sampled_from(["a", "b", "job-long", "order-of-job-long", "None", "{job_id}", ""]),
        status=st.none() | st.sampled_from(["INIT", "RUNNING", "SUCCESS", "fail", "", "malformed", "404"]),
        body=st.integers(0, 1),
        path=st.sampled_from(["/v1/p/jobs/", "/v7/tasks/", "/v2/orders?id="]),
    ),
    min_size=1,
    max_size=25,
)


def flows(moves: list[Move]) -> Iterator[HTTPFlow]:
    """The moves as flows; no two end at the same time."""
    times = accumulate((move.wait for move in moves), initial=AT)
    next(times)
    for move, at in zip(moves, times, strict=True):
        yield flow(move, at)


def flow(move: Move, at: float) -> HTTPFlow:
    headers = Headers([(b"Content-Type", b"application/json"), (b"Host", b"ecs.example.com")])
    code, told = (404, {"code": "c"}) if move.status == "404" else (200, {"status": move.status})
    if move.status is None:
        request = tutils.treq(
            method=b"POST", path=b"/v1/p/cloudservers", headers=headers, content=b"body %d" % move.body
        )
        told = {"job_id": move.job_id, "order_id": f"order-of-{move.job_id}"}
    else:
        path = f"{move.path}{quote(move.job_id)}".encode()
        request = tutils.treq(method=b"GET", path=path, headers=headers, content=b"")
    body = b"[]" if move.status == "malformed" else json.dumps(told).encode()
    made = tflow.tflow(req=request, resp=tutils.tresp(status_code=code, headers=headers, content=body))
    made.client_conn.peername = (move.client, 50_000)
    made.request.timestamp_start = at - 0.0005
    made.response.timestamp_start, made.response.timestamp_end = at - 0.0002, at
    return made


type Found = Counter[tuple[str, str, str]]
"""Findings with the ids that they are recorded by."""


def live(outcomes: Iterable[Outcome], log: Path, ticks: Iterable[float]) -> tuple[Found, dict[str, object]]:
    """Fed one by one into a recorder whose clock goes on between them."""
    now = AT
    recorder = Recorder(
        LogFile(log),
        instance_id="live",
        mode="regular",
        config_digest="d",
        lifecycle=Lifecycle(ALLOWED),
        clock=lambda: now,
    )
    recorder.start()
    for one, tick in zip(outcomes, ticks, strict=True):
        # The clock is looked at before and after each answer.
        now = max(now, one.exchange.at - tick)
        recorder.due()
        now = max(now, one.exchange.at)
        recorder.record(one)
    recorder.stop()
    records = [json.loads(line) for line in log.read_bytes().splitlines()]
    found = Counter(
        (each["record_id"], each["finding"]["rule"], each["finding"]["found"])
        for each in records
        if each["event_type"] == "finding"
    )
    return found, records[-1]["session"]["totals"]


def offline(saved: Iterable[HTTPFlow], path: Path) -> tuple[Found, Check]:
    """`check` over the saved flows."""
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for each in saved:
            writer.add(each)
    run = Check(auditor(), Lifecycle(ALLOWED))
    checked = [item.outcome for item in run.over([path]) if isinstance(item, Checked)]
    return Counter(_key(one, n) for one in checked for n in range(len(one.findings))), run


def merged(logs: Iterable[list[Outcome]]) -> tuple[Found, Lifecycle[Outcome]]:
    """Two proxies' outcomes, put in order by time and told to one life of jobs."""
    life = Lifecycle[Outcome](ALLOWED)
    late: dict[str, Outcome] = {}
    told = sorted((one for log in logs for one in log), key=lambda one: one.exchange.at)
    for found in [*(found for one in told for found in follow(life, one, one)), *life.finish()]:
        id_ = found.ref.exchange.exchange_id
        late[id_] = structs.replace(found.ref, late=(*late.get(id_, found.ref).late, found.finding))
    outcomes = [late.get(one.exchange.exchange_id, one) for one in told]
    return Counter(_key(one, n) for one in outcomes for n in range(len(one.findings))), life


def _key(one: Outcome, number: int) -> tuple[str, str, str]:
    finding = one.findings[number]
    record = finding_record(one, finding, STAMP, 0)
    return record.record_id, finding.rule, finding.found


@given(MOVES, st.data())
def test_live_offline_and_merged_are_the_same(moves: list[Move], data: st.DataObject) -> None:
    captured = list(flows(moves))
    known = KnownIds()
    outcomes = []
    for each in captured:
        outcomes.append(one := auditor().look(exchange_of(each), known=known))
        if job := known_of(one):
            known.learn(job)
    ticks = data.draw(st.lists(WAITS, min_size=len(moves), max_size=len(moves)))
    sides = data.draw(st.lists(st.booleans(), min_size=len(moves), max_size=len(moves)))
    shuffled = data.draw(st.permutations(captured))
    with tempfile.TemporaryDirectory() as folder:
        found, totals = live(outcomes, Path(folder, "log"), ticks)
        found_offline, run = offline(shuffled, Path(folder, "flows"))
    split = [
        [one for one, here in zip(outcomes, sides, strict=True) if here is side] for side in (True, False)
    ]
    found_merged, life = merged(split)
    assert found == found_offline == found_merged
    assert totals["open_jobs"] == run.lifecycle.open_jobs == life.open_jobs
    assert len(run.lifecycle) == len(life)
    assert totals["findings"] == dict(sorted(run.totals.findings.items()))
    assert totals["evicted"] == run.lifecycle.evicted == life.evicted == 0


def late(code: str, ref: str) -> Late[str]:
    return Late(ref, Finding(code, RULES[code].name, RULES[code].severity, "/job_id", "a", "b", ""))


def test_findings_are_judged_by_what_they_stand_on() -> None:
    policy = Policy(
        [Override("TA503", None, "b"), Override("TA506", Severity.ERROR)], [waiver("TA501", route="a")]
    )
    told = [late(code, ref) for code in ("TA501", "TA503", "TA506") for ref in ("a", "b")]
    found = judged(told, policy, lambda ref: Where((ref,), AT, "POST", ref))
    assert [(ref, each.rule, each.severity.value, each.waived is not None) for ref, each in found] == [
        ("a", "TA501", "warning", True),
        ("b", "TA501", "warning", False),
        ("a", "TA503", "info", False),
        ("a", "TA506", "error", False),
        ("b", "TA506", "error", False),
    ]


def test_without_a_policy_nobody_asks_where() -> None:
    told = [late("TA501", "a")]
    assert judged(told, EMPTY, lambda ref: pytest.fail("asked")) == told
