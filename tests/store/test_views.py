"""The views give the rows of the commands, over every tangle of logs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from taskaudit.lifecycle import Thresholds
from taskaudit.merged import REPLAYED
from taskaudit.store.views import POINTERS
from taskaudit.story import tell
from tests.stories import ask, submit, write_log
from tests.tangles import command_rows, load, tangle, view_rows

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_views_give_the_rows_of_the_commands(tmp_path: Path, seed: int) -> None:
    logs, store = tangle(tmp_path, seed), str(tmp_path / "store.db")
    load(store, logs)
    for view, rows in command_rows(tell(logs)).items():
        assert view_rows(store, view) == rows


def test_the_tangles_hold_everything(tmp_path: Path) -> None:
    rules, states = Counter[str](), Counter[str]()
    for seed in SEEDS:
        (tmp_path / str(seed)).mkdir()
        story = tell(tangle(tmp_path / str(seed), seed))
        rules.update(found.rule for found in story.findings)
        states.update(job.state for job in story.jobs)
    assert set(rules) >= REPLAYED
    assert len(states) == 5


def test_every_rule_on_more_than_one_exchange_has_its_pointer() -> None:
    assert set(POINTERS) == REPLAYED


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
