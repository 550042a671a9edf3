"""`/metrics` for Prometheus; labels are few and fixed: roles, kinds, reasons and rules of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from taskaudit import __version__
from taskaudit.catalogue import Role
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Kind
from taskaudit.exchange import Unaudited
from taskaudit.listener.hook_time import HookTime
from taskaudit.totals import Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Measured(NamedTuple):
    """What is measured. The totals are those since the proxy's start, over all its sessions."""

    totals: Totals
    hook_time: HookTime
    open_jobs: int
    evicted: int
    is_healthy: bool


class Metrics:
    """Collects anew each time it is asked, from what the audit counts anyway."""

    def __init__(self, measure: Callable[[], Measured]) -> None:
        self._measure = measure
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing is measured in order to know the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        measured = self._measure()
        totals = measured.totals
        yield _exchanges(totals)
        yield _unaudited(totals)
        yield _findings(
            "taskaudit_findings", "Findings by rule, without waived ones.", totals.findings - totals.waived
        )
        yield _findings("taskaudit_waived_findings", "Findings that are waived, by rule.", totals.waived)
        yield _counter("taskaudit_records_lost", "Records that could not be written.", totals.lost)
        yield _counter(
            "taskaudit_jobs_evicted", "Jobs forgotten because too many were open.", measured.evicted
        )
        yield GaugeMetricFamily(
            "taskaudit_open_jobs", "Jobs that are followed and not final.", value=measured.open_jobs
        )
        yield GaugeMetricFamily(
            "taskaudit_healthy", "1 while the audit does its work.", value=int(measured.is_healthy)
        )
        yield _hook_time(measured.hook_time)
        yield InfoMetricFamily("taskaudit_build", "Version of taskaudit.", value={"version": __version__})


def _exchanges(totals: Totals) -> Metric:
    """All that were seen, but for the unaudited ones; only submissions have a kind."""
    family = CounterMetricFamily(
        "taskaudit_exchanges",
        "Exchanges by role and kind; with taskaudit_unaudited_total, all that were seen.",
        labels=["role", "kind"],
    )
    family.add_metric([Role.OTHER, ""], totals.other)
    family.add_metric([Role.JOB_QUERY, ""], totals.audited - totals.kinds.total())
    for kind in Kind:
        family.add_metric([Role.SUBMISSION, kind], totals.kinds[kind])
    return family


def _unaudited(totals: Totals) -> Metric:
    family = CounterMetricFamily(
        "taskaudit_unaudited", "Exchanges in scope that got no verdict, by reason.", labels=["reason"]
    )
    for reason in Unaudited:
        family.add_metric([reason], totals.unaudited[reason])
    return family


def _findings(name: str, words: str, counted: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, words, labels=["rule", "severity"])
    for rule in RULES.values():
        family.add_metric([rule.code, rule.severity], counted[rule.code])
    return family


def _counter(name: str, words: str, value: int) -> Metric:
    return CounterMetricFamily(name, words, value=value)


def _hook_time(hook_time: HookTime) -> Metric:
    return HistogramMetricFamily(
        "taskaudit_hook_seconds",
        "Time that the audit held up the proxy, per hook.",
        buckets=hook_time.buckets(),
        sum_value=hook_time.total,
    )
