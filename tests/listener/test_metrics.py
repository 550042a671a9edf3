"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Container

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taskaudit import __version__
from taskaudit.catalogue import Role
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Kind, Severity
from taskaudit.exchange import Unaudited
from taskaudit.listener.hook_time import HookTime
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.policy.policy import Policy
from taskaudit.totals import Totals
from tests.samples import BAD_ERROR, outcome, waiver
from tests.stories import under


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
    unlisted = outcome('{"job_id": "8ab1"}', path="/v9/things/8ab1")
    for each in (outcome(), outcome(BAD_ERROR, 400), outcome(path="/nothing", method="GET"), unlisted):
        totals.add(each)
    return totals


def test_what_was_counted_is_told(totals: Totals) -> None:
    times = HookTime()
    times.add(0.002)
    told = read(Metrics(lambda: Measured(totals, times, 7, 2, True)))
    assert told["taskaudit_exchanges_total", "job", "submission"] == 2
    assert told["taskaudit_exchanges_total", "error", "submission"] == 1
    assert told["taskaudit_exchanges_total", "", "other"] == 1
    assert told["taskaudit_findings_total", "TA306", "error"] == 1
    assert told["taskaudit_records_lost_total",] == 3
    assert told["taskaudit_open_jobs",] == 7
    assert told["taskaudit_jobs_evicted_total",] == 2
    assert told["taskaudit_healthy",] == 1
    assert (told["taskaudit_hook_seconds_count",], told["taskaudit_hook_seconds_sum",]) == (1, 0.002)
    assert "process_open_fds" in {name for name, *_ in told}


def test_waived_findings_are_a_metric_of_their_own(totals: Totals) -> None:
    """So that an alert on new findings is not about known ones."""
    for each in under(Policy(waivers=[waiver("TA306")]), [outcome(BAD_ERROR, 400)] * 2):
        totals.add(each)
    told = read(Metrics(lambda: Measured(totals, HookTime(), 0, 0, True)))
    assert told["taskaudit_findings_total", "TA306", "error"] == 1
    assert told["taskaudit_waived_findings_total", "TA306", "error"] == 2


def test_exchanges_and_unaudited_add_up_to_all_that_were_seen(totals: Totals) -> None:
    told = read(Metrics(lambda: Measured(totals, HookTime(), 0, 0, False)))
    counted = sum(
        n
        for (name, *_), n in told.items()
        if name in ("taskaudit_exchanges_total", "taskaudit_unaudited_total")
    )
    assert counted == totals.seen
    assert told["taskaudit_healthy",] == 0


def test_every_label_is_there_from_the_start_so_that_rates_work(totals: Totals) -> None:
    """So traffic adds none, whatever it holds."""
    assert set(read(Metrics(lambda: Measured(Totals(), HookTime(), 0, 0, True)))) == set(
        read(Metrics(lambda: Measured(totals, HookTime(), 1, 1, True)))
    )


LABELS: dict[str, Container[str]] = {
    "role": {*Role},
    "kind": {*Kind, ""},
    "rule": RULES,
    "severity": {*Severity},
    "reason": {*Unaudited},
    "version": {__version__},
    "le": {bound for bound, _ in HookTime().buckets()},
}


def test_labels_have_values_of_the_contract_only(totals: Totals) -> None:
    text = Metrics(lambda: Measured(totals, HookTime(), 0, 0, True)).text().decode()
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    labels = {label for sample in samples for label in sample.labels.items()}
    assert {name for name, _ in labels} == LABELS.keys()
    assert {(name, value) for name, value in labels if value not in LABELS[name]} == set()
