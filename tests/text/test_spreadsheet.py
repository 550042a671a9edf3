"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io

import pytest

from taskaudit.text.spreadsheet import as_csv


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("\n=1", r"\n=1"),
        (" =1", " =1"),
        ("a=1", "a=1"),
        ('a"b', 'a"b'),
        ("a,b", "a,b"),
        ("a\nb", r"a\nb"),
        ("\x1b[31m\u202e", r"\u001b[31m\u202e"),
        ("x" * 1000, "x" * 1000),
        (None, ""),
        (200, "200"),
        (-0.5, "-0.5"),
    ],
)
def test_a_cell_is_no_formula(cell: object, shown: str) -> None:
    assert next(csv.reader(io.StringIO(as_csv([["x", cell]]), newline=""))) == ["x", shown]


def test_rows_end_as_the_rfc_has_it() -> None:
    assert as_csv([("a", "b"), (1, None)]) == "a,b\r\n1,\r\n"
