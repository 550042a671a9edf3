"""What Prometheus is told."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taskaudit.hook_time import HookTime
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.totals import Totals
from tests.samples import BAD_ERROR, outcome


def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each sample by its name and label values, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


@pytest.fixture
def totals() -> Totals:
    totals = Totals(lost=3)
    for each in (outcome(), outcome(BAD_ERROR, 400), outcome(path="/nothing", method="GET")):
        totals.add(each)
    return totals


def test_what_was_counted_is_told(totals: Totals) -> None:
    times = HookTime()
    times.add(0.002)
    told = read(Metrics(lambda: Measured(totals, times, 7, 2, True)))
    assert told["taskaudit_exchanges_total", "job", "submission"] == 1
    assert told["taskaudit_exchanges_total", "error", "submission"] == 1
    assert told["taskaudit_exchanges_total", "", "other"] == 1
    assert told["taskaudit_findings_total", "TA306", "error"] == 1
    assert told["taskaudit_records_lost_total",] == 3
    assert told["taskaudit_open_jobs",] == 7
    assert told["taskaudit_jobs_evicted_total",] == 2
    assert told["taskaudit_healthy",] == 1
    assert (told["taskaudit_hook_seconds_count",], told["taskaudit_hook_seconds_sum",]) == (1, 0.002)
    assert "process_open_fds" in {name for name, *_ in told}


def test_exchanges_and_unaudited_add_up_to_all_that_were_seen(totals: Totals) -> None:
    told = read(Metrics(lambda: Measured(totals, HookTime(), 0, 0, False)))
    counted = sum(
        n
        for (name, *_), n in told.items()
        if name in ("taskaudit_exchanges_total", "taskaudit_unaudited_total")
    )
    assert counted == totals.seen
    assert told["taskaudit_healthy",] == 0


def test_every_label_is_there_from_the_start_so_that_rates_work() -> None:
    assert set(read(Metrics(lambda: Measured(Totals(), HookTime(), 0, 0, True)))) == set(
        read(Metrics(lambda: Measured(Totals(seen=1, other=1), HookTime(), 1, 1, True)))
    )
