"""The views give the rows of the commands, over every tangle of logs."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest

from taskaudit.auditor import Outcome
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.exchange import stable_id
from taskaudit.job_state import JobState
from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import EMPTY, Override, Policy
from taskaudit.store.views import VIEWS, view_sql
from taskaudit.story.findings import COLUMNS
from taskaudit.story.story import tell
from taskaudit.story.told import REPLAYED
from tests.samples import BAD_ERROR, auditor, exchange
from tests.stories import START, ask, submit, write_log
from tests.tangles import command_rows, load, tangle, view_rows

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_views_give_the_rows_of_the_commands(tmp_path: Path, seed: int) -> None:
    logs, store = tangle(tmp_path, seed), str(tmp_path / "store.db")
    load(store, logs)
    for view, rows in command_rows(tell(logs)).items():
        assert view_rows(store, view) == rows


def test_the_tangles_hold_everything(tmp_path: Path) -> None:
    rules, states, waived = Counter[str](), Counter[str](), Counter[bool]()
    for seed in SEEDS:
        (tmp_path / str(seed)).mkdir()
        story = tell(tangle(tmp_path / str(seed), seed))
        rules.update(found.rule for found in story.findings)
        states.update(job.state for job in story.jobs)
        waived.update(bool(found.waived) for found in story.findings)
    assert set(rules) >= REPLAYED
    assert len(states) == len(JobState)
    assert len(waived) == 2


TERMS = [
    ("2026-11-01", "team-a", "first"),
    ("2026-12-01", "team-a", "first"),
    ("2026-12-01", "team-b", "first"),
    ("2026-12-01", "team-b", "second"),
]
"""Until when, by whom and why, each after the one before it."""


def known(until: str, owner: str, reason: str) -> Policy:
    """In which a code that is a Number is a known fault."""
    return Policy(waivers=[Waiver("TA306", reason, owner, until)])


def fault(at: float, name: str, policy: Policy = EMPTY) -> Outcome:
    """A submission whose answer has a code that is a Number."""
    facts = {"started": START + at - 1, "ended": START + at, "exchange_id": stable_id(name)}
    return auditor(policy=policy).look(exchange(BAD_ERROR, 400, **facts))


@pytest.mark.parametrize("order", list(permutations(range(len(TERMS)))))
def test_of_waivers_the_latest_is_told(tmp_path: Path, order: tuple[int, ...]) -> None:
    logs = [
        write_log(tmp_path / str(n), [fault(5, f"{n}", known(*TERMS[n]))], instance=f"proxy-{n}")
        for n in order
    ]
    logs.append(write_log(tmp_path / "none", [fault(9, "none")], instance="proxy-z"))
    store = str(tmp_path / "store.db")
    load(store, logs)
    rows = view_rows(store, "findings")
    assert rows == command_rows(tell(logs))["findings"]
    (row,) = (dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0] == "TA306")
    assert (row["count"], row["waived"]) == (5, 4)
    assert (row["waived_until"], row["waived_by"], row["waived_why"]) == TERMS[-1]


def test_a_later_finding_goes_before_a_later_day(tmp_path: Path) -> None:
    logs = [
        write_log(tmp_path / str(at), [fault(at, str(at), known(until, "me", "why"))])
        for at, until in ((1, "2026-12-31"), (2, "2026-10-01"))
    ]
    store = str(tmp_path / "store.db")
    load(store, logs)
    assert view_rows(store, "findings") == command_rows(tell(logs))["findings"]
    assert "2026-10-01" in view_rows(store, "findings")[0]


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_one_statement_for_each_database(view: str, dialect: str) -> None:
    sql = view_sql(view, dialect)
    assert sql.startswith("WITH")
    assert not set("{};") & set(sql)


def test_the_views_judge_by_the_thresholds_of_the_last_load(tmp_path: Path) -> None:
    log, store = write_log(tmp_path / "log", [submit(0), ask(50, "SUCCESS")]), str(tmp_path / "store.db")
    strict = Thresholds(query_within=10)
    load(store, [log], strict)
    assert view_rows(store, "jobs") == command_rows(tell([log], strict))["jobs"]
    assert "TA501" in view_rows(store, "jobs")[0]
    load(store, [log])
    assert "TA501" in view_rows(store, "jobs")[0]
    load(store, [log], Thresholds())
    assert view_rows(store, "jobs") == command_rows(tell([log]))["jobs"]
    assert "TA501" not in view_rows(store, "jobs")[0]


def test_a_view_forgets_no_job(tmp_path: Path) -> None:
    log, store = write_log(tmp_path / "log", [submit(0, "a"), submit(1, "b"), ask(2, job_id="a")]), "s.db"
    store = str(tmp_path / store)
    few = Thresholds(table_size=1)
    load(store, [log], few)
    assert tell([log], few).evicted
    assert view_rows(store, "findings") == command_rows(tell([log]))["findings"]


def test_what_is_judged_anew_has_its_rules_own_severity_in_a_view(tmp_path: Path) -> None:
    """The commands take severities and waivers from their configuration; a view has none."""
    own = Policy([Override("TA503", None)], [Waiver("TA501", "known", "me", "2026-12-31")])
    outcomes = [submit(0), ask(1, job_id="other"), fault(5, "fault")]
    log, store = write_log(tmp_path / "log", outcomes, policy=own), str(tmp_path / "store.db")
    load(store, [log])
    rows = view_rows(store, "findings")
    assert rows == command_rows(tell([log]))["findings"] != command_rows(tell([log], policy=own))["findings"]
    told = {row[0]: row[2:4] + row[7:8] for row in rows}
    assert told["TA501"] == (Severity.WARNING, 1, 0)
    assert told["TA503"] == (Severity.INFO, 1, 0)
