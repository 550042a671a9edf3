"""The same bytes give the same records with the same ids: live, over the saved flows, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from running import Client, Start

from taskaudit.auditor import Auditor
from taskaudit.config.loading import load
from taskaudit.demo.api import SCENARIOS, DemoApi
from taskaudit.offline.check import Check, Checked
from taskaudit.recording.records import Stamp, records_of

OWN_TO_A_SESSION = ("instance_id", "session_id", "seq")
ABOUT_EXCHANGES = ("submission", "job_query", "finding", "unaudited")


def test_live_saved_and_replayed_are_the_same(
    launch: Start, api: DemoApi, client: Callable[[int], Client], tmp_path: Path
) -> None:
    flows = tmp_path / "flows"
    live = launch("--mode", f"reverse:{api.url}", "-w", str(flows))
    ask = client(live.port)
    for name in [name for name, scenario in SCENARIOS.items() if not scenario.cut]:
        ask.submit(name)
    ask("GET", f"/v1/p/jobs/{api.job_ids[0]}")
    ask("GET", "/v1/p/cloudservers/detail?limit=1")
    ask("GET", f"/v7/p/tasks/{api.job_ids[0]}")
    ask("POST", "/v9/unlisted/thing", {})
    ask.submit("cut-short")
    recorded = _about_exchanges(live.stopped())
    assert {record["event_type"] for record in recorded} == set(ABOUT_EXCHANGES)
    queries = [
        record["job_query"]["matched_by"] for record in recorded if record["event_type"] == "job_query"
    ]
    assert sorted(queries) == ["job_id", "route"]

    assert _about_exchanges(_offline(flows)) == recorded

    replayed = launch("-n", "-r", str(flows), log=tmp_path / "replayed.ndjson")
    assert replayed.running.wait() == 0, replayed.running.output
    again = replayed.stopped()
    assert _about_exchanges(again) == recorded
    totals = [records[-1]["session"]["totals"] for records in (live.records, again)]
    assert totals[0] == totals[1]


def _offline(flows: Path) -> list[dict[str, Any]]:
    config = load(None)
    auditor = Auditor(config.catalogue, config.settings.inspection_limit)
    stamp = Stamp(instance_id="offline", session_id="offline")
    records = []
    for item in Check(auditor).over([flows]):
        assert isinstance(item, Checked), item
        records += records_of(item.outcome, stamp, 0)
    return [record.model_dump(mode="json") for record in records]


def _about_exchanges(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By id: live, a finding on a submission may come long after it."""
    kept = [
        {key: value for key, value in record.items() if key not in OWN_TO_A_SESSION}
        for record in records
        if record["event_type"] in ABOUT_EXCHANGES
    ]
    return sorted(kept, key=lambda record: str(record["record_id"]))
