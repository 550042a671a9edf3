"""Inputs from the field, and variants of them: `check` makes of each what its row says.

To add one: put it into `tests/field/` (small, with made-up names and ids), and a row here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.running import run

FIELD = Path(__file__).resolve().parent / "field"


class Line(NamedTuple):
    """An audited exchange: `found` are the codes of its findings, `members` is what else it has."""

    role: str
    kind: str | None
    found: tuple[str, ...] = ()
    members: tuple[tuple[str, object], ...] = ()


class Row(NamedTuple):
    """A file with the lines that `check --format json` prints of it, and the exit status."""

    file: str
    lines: tuple[Line, ...]
    status: int


CLEAN, FINDINGS, NOTHING_AUDITED = 0, 1, 3
JOB = Line("submission", "job", (), (("job_id", "70a599e0-31e7-49b7-b260-868f441e862b"), ("unaudited", None)))
QUERY = Line("job_query", None, (), (("unaudited", None),))
NOT_CAPTURED = (("unaudited", "not_captured"),)
NOT_KEPT = Line("submission", "unreadable", ("TA003",), NOT_CAPTURED)
UNKNOWN = Line("job_query", None, ("TA503",))

ROWS = [
    # Nova is no task-class API: a server, and nothing at all, are what it should answer.
    Row("c01-nova-create-cn-north-4.har", (), NOTHING_AUDITED),
    Row("c02-nova-action-eu-de.har", (), NOTHING_AUDITED),
    Row("c02-nova-action-private-cloud.har", (), NOTHING_AUDITED),
    # Errors of Keystone, of JSON-RPC, of OAuth and of Google's APIs.
    Row("b11-iam-401.har", (), NOTHING_AUDITED),
    Row("b20-jsonrpc.har", (), NOTHING_AUDITED),
    Row("b20-errors-of-others.har", (), NOTHING_AUDITED),
    # Not an answer, but what the vendor's SDK prints of one.
    Row("r09-sdk-exception.json", (Line("submission", "foreign", ("TA103",)),), FINDINGS),
    Row("r09-sdk-exception-msg.json", (Line("submission", "foreign", ("TA103",)),), FINDINGS),
    # HARs as programs write them: said to be base64, other types, headers as an object, no time.
    *(
        Row(f"{name}.har", (JOB, QUERY), CLEAN)
        for name in (
            "h01-firefox-claims-base64",
            "h01v-base64-in-lines-url-safe",
            "h03-pollyjs-array-header",
            "h03v-headers-as-object",
            "h06b-no-start",
            "h06c-status-string",
            "h06cv-status-line",
            "h10-service-worker-duplicate",
            "h10v-chrome-marks-the-page",
            "h11d-base64-caps",
            "h11dv-base64-mixed-case",
            "h12d-header-number",
            "h12dv-header-lines-and-pairs",
            "h12l-size-string",
            "h12lv-numbers-in-strings",
        )
    ),
    Row("h06bv-time-as-number-and-none.har", (JOB, QUERY, QUERY), CLEAN),
    # Bodies that were not kept.
    *(
        Row(f"{name}.har", (NOT_KEPT, UNKNOWN), CLEAN)
        for name in (
            "h02c-playwright-omit",
            "h02cv-playwright-attach",
            "h02g-har-export-trigger-mime-only",
            "h02gv-content-empty-object",
        )
    ),
    *(
        Row(f"{name}.har", (JOB._replace(found=("TA506",)), QUERY._replace(members=NOT_CAPTURED)), CLEAN)
        for name in ("h02l-query-body-not-kept", "h02lv-query-text-empty-with-length")
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_it_comes_out_as_it_should(row: Row) -> None:
    result = run("check", "--format", "json", FIELD / row.file)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    lines = [
        Line(each["role"], each["kind"], tuple(finding["rule"] for finding in each["findings"]))
        for each in told
    ]
    assert lines == [line._replace(members=()) for line in row.lines], told
    for each, line in zip(told, row.lines, strict=True):
        assert {name: each[name] for name, _ in line.members} == dict(line.members)
    assert result.exit_code == row.status


def test_each_file_has_its_row() -> None:
    assert {path.name for path in FIELD.iterdir()} == {row.file for row in ROWS}
