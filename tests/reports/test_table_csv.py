"""The report as a table, opened as a program and as a spreadsheet would."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from taskaudit.reports.model import Report
from taskaudit.reports.table_csv import COLUMNS, as_table
from tests.reports.runs import RUN, hostile, report_on, reported
from tests.samples import BAD_ERROR
from tests.stories import submit


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_table(report), newline="")))


def test_it_looks_like_this(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    text = as_table(reported(tmp_path, RUN)).replace(str(tmp_path), "FOLDER")
    assert text.replace("\r\n", "\n") == snapshot


def test_every_row_has_every_column(tmp_path: Path) -> None:
    table = list(csv.reader(io.StringIO(as_table(reported(tmp_path, RUN)), newline="")))
    assert {len(row) for row in table} == {len(COLUMNS)}
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_the_first_row_is_the_coverage(tmp_path: Path) -> None:
    first, *others = rows(reported(tmp_path, RUN))
    seen, *parts = (int(first[name]) for name in ("seen", "other", "audited", "unaudited"))
    assert (first["record"], seen) == ("coverage", sum(parts))
    assert "coverage" not in {row["record"] for row in others}


def test_a_row_for_each_thing(tmp_path: Path) -> None:
    report = reported(tmp_path, RUN)
    kinds = Counter(row["record"] for row in rows(report))
    assert kinds == {
        "coverage": 1,
        "note": 1,
        "unaudited": 2,
        "finding": len(report.findings),
        "operation": len(report.operations),
        "job": len(report.jobs),
    }


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)"]
    report = reported(tmp_path, [*hostile(), *(submit(n + 10, each) for n, each in enumerate(formulas))])
    table = rows(report)
    assert {row["job_id"] for row in table if row["record"] == "job"} >= {f"'{each}" for each in formulas}
    assert not [cell for row in table for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_damage_and_what_has_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(BAD_ERROR, encoding="utf-8")
    table = rows(report_on(tmp_path / "a.json", tmp_path / "missing"))
    (damage,) = (row["text"] for row in table if row["record"] == "damage")
    assert damage == f"{tmp_path}/missing: cannot be read: no such file or directory"
    assert {row["first"] for row in table} == {""}
