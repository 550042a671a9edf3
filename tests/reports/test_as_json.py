"""The whole model as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.reports import as_json
from tests.reports.runs import RUN, hostile, report_on, reported
from tests.samples import BAD_ERROR, JOB, outcome


def test_it_looks_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(as_json, "__version__", "1.2.3")
    text = as_json.as_json(reported(tmp_path, RUN)).replace(str(tmp_path), "FOLDER")
    assert text == snapshot


def test_every_member_is_documented(tmp_path: Path) -> None:
    told = json.loads(as_json.as_json(reported(tmp_path, RUN)))
    groups = [told, told["coverage"], told["counts"], told["findings"][0], told["findings"][0]["example"]]
    members = {name for group in (*groups, told["operations"][0]) for name in group}
    assert members <= set(re.findall(r"`(\w+)`", as_json.__doc__ or ""))


def test_the_counts_are_those_of_the_parts(tmp_path: Path) -> None:
    told = json.loads(as_json.as_json(reported(tmp_path, RUN)))
    counts, coverage = told["counts"], told["coverage"]
    assert (
        counts["findings"] == sum(each["count"] for each in told["findings"]) == sum(counts["rules"].values())
    )
    assert counts["submissions"] + counts["job_queries"] == sum(each["seen"] for each in told["operations"])
    assert sum(counts["states"].values()) == len(told["jobs"])
    unaudited = sum(coverage["unaudited"].values())
    assert coverage["seen"] == coverage["other"] + coverage["audited"] + unaudited


def test_what_has_no_time_has_null(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(JOB, encoding="utf-8")
    (tmp_path / "b.json").write_text(BAD_ERROR, encoding="utf-8")
    text = as_json.as_json(report_on(tmp_path))
    assert "1970" not in text
    told = json.loads(text)
    assert (told["period"], told["jobs"][0]["submitted"], told["findings"][0]["first"]) == (None, None, None)


def test_a_query_without_a_time_has_null(tmp_path: Path) -> None:
    query = {"method": "GET", "path": "/v1/0123/jobs/8ab1", "started": None, "ended": None}
    text = as_json.as_json(reported(tmp_path, [outcome('{"status": "RUNNING"}', **query)]))
    assert "1970" not in text
    assert json.loads(text)["jobs"][0]["steps"][0]["time"] is None


def test_it_is_ascii(tmp_path: Path) -> None:
    assert as_json.as_json(reported(tmp_path, hostile())).isascii()
