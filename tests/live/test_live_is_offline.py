"""The same bytes give the same records with the same ids: live, over the saved flows, and replayed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from running import PATIENCE, Client, RawOrigin, Start, submission
from scripted_origin import sized

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


def test_an_interim_answer_is_no_fault_of_the_api(
    launch: Start, raw_origin: Callable[[dict[str, bytes]], RawOrigin], tmp_path: Path
) -> None:
    """mitmproxy takes it for the final one, and saves it as such."""
    flows, har = tmp_path / "flows", tmp_path / "capture.har"
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + sized(b'{"job_id": "8ab1"}')
    origin = raw_origin({"hints": hints})
    live = launch("--mode", f"reverse:{origin.url}", "-w", str(flows), "--set", f"hardump={har}")
    with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE) as connection:
        connection.sendall(submission("hints"))
        assert connection.recv(100).startswith(b"HTTP/1.1 103")
    recorded = _about_exchanges(live.stopped())
    assert [(each["event_type"], each["unaudited"]["reason"]) for each in recorded] == [
        ("unaudited", "interim")
    ]
    assert _about_exchanges(_offline(flows)) == recorded
    assert [each["unaudited"]["reason"] for each in _offline(har)] == ["interim"]


def test_what_a_tester_replays_is_not_resubmitted(
    launch: Start, api: DemoApi, client: Callable[[int], Client], tmp_path: Path
) -> None:
    flows, again = tmp_path / "flows", tmp_path / "again"
    live = launch("--mode", f"reverse:{api.url}", "-w", str(flows))
    for _ in range(2):
        client(live.port).submit("web")
    assert "TA507" in _rules(live.stopped())
    replay = launch("-n", "-C", str(flows), "-w", str(again), log=tmp_path / "replay.ndjson")
    assert replay.running.wait() == 0, replay.running.output
    records = replay.stopped()
    assert [record["submission"]["repeat_key"] for record in _submissions(records)] == [None, None]
    assert _rules(records) == ["TA501", "TA501"]
    assert _about_exchanges(_offline(again)) == _about_exchanges(records)


def _submissions(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["event_type"] == "submission"]


def _rules(records: list[dict[str, Any]]) -> list[str]:
    return [record["finding"]["rule"] for record in records if record["event_type"] == "finding"]


def _offline(flows: Path) -> list[dict[str, Any]]:
    config = load(None)
    auditor = Auditor(config.catalogue, config.settings.inspection_limit)
    stamp = Stamp(instance_id="offline", session_id="offline")
    records = []
    for item in Check(auditor).over([flows]):
        assert isinstance(item, Checked), item
        records += records_of(item.outcome, stamp, 0)
    return [to_builtins(record) for record in records]


def _about_exchanges(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By id: live, a finding on a submission may come long after it."""
    kept = [
        {key: value for key, value in record.items() if key not in OWN_TO_A_SESSION}
        for record in records
        if record["event_type"] in ABOUT_EXCHANGES
    ]
    return sorted(kept, key=lambda record: str(record["record_id"]))
