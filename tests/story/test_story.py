"""One story out of several logs: the same jobs and findings however the exchanges are spread over them."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import Override, Policy
from taskaudit.story.job_story import JobStory
from taskaudit.story.story import Story, tell
from taskaudit.story.told import REPLAYED
from tests.samples import BAD_ERROR, JOB_ID, answer, auditor, outcome, waiver
from tests.stories import START, ask, submit, write_log

ALLOWED = Thresholds(query_within=20, min_interval=1, table_size=1000)
OTHER_ID = "8ab1"

LIFE = [
    submit(0.25, request_digest="same"),
    ask(5, "INIT"),
    submit(6, OTHER_ID, request_digest="same"),
    ask(10, sub_jobs=[{"status": "RUNNING"}, {"status": "SUCCESS"}]),
    outcome(BAD_ERROR, 400, started=START + 11, ended=START + 12),
    ask(15, "FAIL", error_code="Ecs.0219", fail_reason="no flavor"),
    ask(16, "FAIL"),
    ask(18, "FAIL"),
    *(ask(20 + n / 4, job_id=OTHER_ID) for n in range(6)),
    submit(30, JOB_ID),
    submit(31, "c"),
    ask(40, None, "None"),
    ask(41, "SUCCESS", "unheard-of"),
]


def without_instances(story: Story) -> list[JobStory]:
    """The jobs, but for where they were seen."""
    return [
        structs.replace(job, instance=None, queries=tuple(replace(step, instance="") for step in job.queries))
        for job in story.jobs
    ]


def found(story: Story) -> list[tuple[object, ...]]:
    """The findings, but for where they were seen."""
    return [
        (each.rule, each.count, each.first, each.last, each.fingerprint, replace(each.example, instance=""))
        for each in story.findings
    ]


def test_a_job_from_its_submission_to_its_end(tmp_path: Path) -> None:
    job = tell([write_log(tmp_path / "log", LIFE)]).jobs[0]
    assert (job.job_id, job.operation, job.http_status) == (JOB_ID, "ecs:CreateServers", 200)
    assert (job.method, job.host, job.path) == ("POST", "ecs.example.com", "/v1/0123/cloudservers")
    assert (job.client, job.request_id, job.instance) == ("192.0.2.7", "req-1", "proxy-a")
    assert (job.submitted, job.ended) == ("2026-09-21T14:13:20.250000Z", "2026-09-21T14:13:35.000000Z")
    assert (job.took, job.last_status) == (14.75, "FAIL")
    assert (job.error_code, job.fail_reason) == ("Ecs.0219", "no flavor")
    assert [step.status for step in job.queries] == ["INIT", "RUNNING", "FAIL", "FAIL", "FAIL"]
    assert job.queries[1].sub_jobs == (("RUNNING", 1), ("SUCCESS", 1))
    assert job.rules == ("TA204", "TA505")
    assert [each.rule for each in job.findings] == ["TA204"]
    assert [each.rule for each in job.queries[4].findings] == ["TA505"]
    assert (job.first_seen, job.last_seen) == (job.submitted, job.queries[4].time)


def test_a_job_that_was_submitted_past_the_audit(tmp_path: Path) -> None:
    job = tell([write_log(tmp_path / "log", [ask(5), ask(9, "SUCCESS")])]).jobs[0]
    assert (job.submitted, job.took, job.operation, job.rules) == (None, None, "", ("TA503",))
    assert job.first_seen == job.queries[0].time


def test_a_reason_that_passed_is_none_of_the_end(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5, None, code="E", message="busy"), ask(9, "SUCCESS")])
    job = tell([log]).jobs[0]
    assert (job.queries[0].fail_reason, job.fail_reason) == ("busy", None)


def test_a_placeholder_is_no_job(tmp_path: Path) -> None:
    story = tell([write_log(tmp_path / "log", [ask(1, None, "None"), ask(2, None, "{job_id}")])])
    assert story.jobs == ()
    assert [(each.rule, each.count) for each in story.findings] == [("TA502", 2)]


def test_one_log_tells_what_it_recorded(tmp_path: Path) -> None:
    """What is judged again over all logs comes out as the recorder had it, to the fingerprint."""
    log = write_log(tmp_path / "log", LIFE, thresholds=ALLOWED)
    recorded = [json.loads(line) for line in log.read_bytes().splitlines()]
    findings = [record["finding"] for record in recorded if record["event_type"] == "finding"]
    expected = Counter((each["rule"], each["fingerprint"]) for each in findings)
    story = tell([log], ALLOWED)
    assert Counter({(each.rule, each.fingerprint): each.count for each in story.findings}) == expected
    told = {each.rule for each in story.findings}
    assert told >= REPLAYED - {"TA506"} | {"TA306"}
    by_print = {each["fingerprint"]: each for each in reversed(findings)}
    for each in story.findings:
        example = {name: getattr(each.example, name) for name in ("pointer", "expected", "line", "column")}
        assert example.items() <= by_print[each.fingerprint].items()


def test_a_submission_here_and_its_queries_there_are_one_job(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0)])
    second = write_log(tmp_path / "b", [ask(5), ask(9, "SUCCESS")], instance="proxy-b")
    assert [tell([log]).findings[0].rule for log in (first, second)] == ["TA501", "TA503"]
    story = tell([first, second])
    assert story.findings == ()
    (job,) = story.jobs
    assert (job.instance, {step.instance for step in job.queries}) == ("proxy-a", {"proxy-b"})
    assert (job.state, job.took) == ("final", 9)


def test_the_order_of_the_logs_makes_no_difference(tmp_path: Path) -> None:
    logs = [
        write_log(tmp_path / str(n), LIFE[n::3], instance=f"proxy-{n}", thresholds=ALLOWED) for n in range(3)
    ]
    one = tell([write_log(tmp_path / "one", LIFE, thresholds=ALLOWED)], ALLOWED)
    stories = [tell(order, ALLOWED) for order in itertools.permutations(logs)]
    assert all((each.jobs, each.findings) == (stories[0].jobs, stories[0].findings) for each in stories)
    assert without_instances(stories[0]) == without_instances(one)
    assert found(stories[0]) == found(one)


def test_a_log_given_twice_counts_once(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", LIFE)
    assert tell([log, log]) == tell([log])


@pytest.mark.parametrize(
    ("stops", "rules"), [((True, True), ["TA501"]), ((True, False), []), ((False, False), [])]
)
def test_a_run_is_over_when_every_session_has_stopped(
    tmp_path: Path, stops: tuple[bool, bool], rules: list[str]
) -> None:
    first = write_log(tmp_path / "a", [submit(0)], stop=stops[0], ends=100)
    second = write_log(tmp_path / "b", [], stop=stops[1], ends=100)
    assert [each.rule for each in tell([first, second]).findings] == rules


def test_while_a_run_goes_on_the_time_allowed_counts(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), submit(301, "late"), ask(302, job_id="late")], stop=False)
    assert [(job.job_id, job.rules) for job in tell([log]).jobs] == [(JOB_ID, ("TA501",)), ("late", ())]


def test_the_thresholds_are_those_given(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(50, "SUCCESS")])
    assert tell([log]).findings == ()
    assert [each.rule for each in tell([log], Thresholds(query_within=10)).findings] == ["TA501"]


def test_what_was_not_audited_was_still_asked(tmp_path: Path) -> None:
    streamed = answer(b"", missing=Missing.STREAMED)
    asked = outcome(
        method="GET", path=f"/v1/p/jobs/{JOB_ID}", answer=streamed, started=START, ended=START + 5
    )
    again = submit(6, None, request_digest="x")
    log = write_log(tmp_path / "log", [submit(0, request_digest="x"), asked, again])
    story = tell([log])
    assert [each.rule for each in story.findings] == ["TA507"]
    assert story.coverage.totals.unaudited.total() == 2


def test_forgotten_jobs_are_counted(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(5)])
    story = tell([log], Thresholds(table_size=2))
    assert (story.evicted, len(story.jobs)) == (3, 5)


def test_findings_are_the_worst_first(tmp_path: Path) -> None:
    findings = tell([write_log(tmp_path / "log", LIFE, thresholds=ALLOWED)]).findings
    ranks = [(each.severity.rank, each.rule) for each in findings]
    assert ranks == sorted(ranks)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "ask"]),
        st.sampled_from(["a", "b", "None"]),
        st.sampled_from(["RUNNING", "SUCCESS", "FAIL", None]),
        st.sampled_from([0.25, 0.5, 2, 25]),
        st.booleans(),
    ),
    max_size=14,
)


def spread(steps: list[tuple[str, str, str | None, float, bool]]) -> tuple[list[Outcome], list[bool]]:
    """The exchanges of a story, and for each whether it passed the second proxy."""
    outcomes, at = [], 1.0
    for what, job_id, status, pause, _ in steps:
        at += pause
        if what == "submit":
            outcomes.append(submit(at, None if status is None else job_id, request_digest=job_id))
        else:
            outcomes.append(ask(at, status, job_id))
    return outcomes, [step[-1] for step in steps]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_any_split_over_two_proxies_gives_the_same(
    steps: list[tuple[str, str, str | None, float, bool]], stop: bool
) -> None:
    outcomes, seconds = spread(steps)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = tell([write_log(folder / "one", outcomes, stop=stop)], ALLOWED)
        halves = [
            write_log(
                folder / str(half),
                [each for each, second in zip(outcomes, seconds, strict=True) if second is half],
                stop=stop,
            )
            for half in (False, True)
        ]
        two = tell(halves, ALLOWED)
    assert without_instances(two) == without_instances(one)
    assert found(two) == found(one)
    assert two.evicted == one.evicted == 0


POLICY = Policy(
    [Override("TA505", None), Override("TA503", Severity.ERROR)],
    [waiver(), waiver("TA204"), waiver("TA501", until="2026-09-21"), waiver("TA506", route="evs:*")],
)


def under(policy: Policy, exchanges: list[Outcome]) -> list[Outcome]:
    """The same exchanges, seen by an audit with that policy."""
    return [auditor(policy=policy).look(each.exchange) for each in exchanges]


def test_one_log_tells_what_it_recorded_under_a_policy(tmp_path: Path) -> None:
    judged = under(POLICY, LIFE)
    log = write_log(tmp_path / "log", judged, thresholds=ALLOWED, policy=POLICY)
    recorded = [json.loads(line) for line in log.read_bytes().splitlines()]
    findings = [record["finding"] for record in recorded if record["event_type"] == "finding"]
    expected = Counter(each["fingerprint"] for each in findings if each["waiver"])
    story = tell([log], ALLOWED, POLICY)
    assert Counter({each.fingerprint: each.waived for each in story.findings if each.waived}) == expected
    assert {each.rule for each in story.findings if each.waived} == {"TA204", "TA306", "TA501"}
    assert {each.rule: each.severity for each in story.findings}["TA503"] is Severity.ERROR
    assert "TA505" not in {each.rule for each in story.findings}


def test_what_is_judged_again_follows_the_policy_given_and_the_rest_the_log(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", under(POLICY, LIFE), thresholds=ALLOWED, policy=POLICY)
    assert {each.rule for each in tell([log], ALLOWED).findings if each.waived} == {"TA306"}


def test_the_day_of_the_exchange_counts_not_that_of_the_telling(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), submit(86_400, "next-day")], ends=90_000)
    policy = Policy(waivers=[waiver("TA501", until="2026-09-21")])
    (found,) = tell([log], policy=policy).findings
    assert (found.count, found.waived) == (2, 1)
    assert (found.waived_until, found.waived_by, found.waived_why) == (
        "2026-09-21",
        "team-ecs",
        "backend ticket 1234",
    )


def test_a_log_from_before_there_were_waivers(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", LIFE, thresholds=ALLOWED)
    records = [json.loads(line) for line in log.read_bytes().splitlines()]
    for record in records:
        record.get("finding", {}).pop("waiver", None)
        record.get("stats", {}).pop("waived", None)
        (record.get("session", {}).get("totals") or {}).pop("waived", None)
    (tmp_path / "old").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    # The first line of a log is told by its bytes.
    text = (tmp_path / "old").read_text(encoding="utf-8").replace('": "', '":"').replace(', "', ',"')
    (tmp_path / "old").write_text(text, encoding="utf-8")
    assert found(tell([tmp_path / "old"], ALLOWED)) == found(tell([log], ALLOWED))
