"""GitHub annotations, read back as the runner does."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.words import Language
from taskaudit.reports.github import MOST, as_annotations
from taskaudit.reports.model import Report
from tests.reports.runs import RUN, hostile, refused, report_on, reported
from tests.samples import BAD_ERROR

COMMAND = re.compile(r"::(\w+) ([^:]*)::(.*)")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As actions/runner reads a line: command, properties up to the next `::`, data."""
    read = []
    for line in text.splitlines():
        if found := COMMAND.fullmatch(line):
            properties = dict(each.split("=", 1) for each in found[2].split(","))
            read.append(
                (found[1], {key: undone(value) for key, value in properties.items()}, undone(found[3]))
            )
    return read


def undone(text: str) -> str:
    for escaped, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, char)
    return text


@pytest.mark.parametrize("language", Language)
def test_it_looks_like_this(tmp_path: Path, language: Language, snapshot: SnapshotAssertion) -> None:
    assert as_annotations(reported(tmp_path, RUN), language).replace(str(tmp_path), "FOLDER") == snapshot


def many(folder: Path) -> Report:
    """More groups of errors and infos than are shown."""
    bodies = (BAD_ERROR, '{"error": {"message": "", "code": "E"}}')
    return reported(
        folder,
        [refused(n * 2 + m, body, path=f"/v{n}/x") for n in range(1, 16) for m, body in enumerate(bodies)],
    )


def test_no_more_than_github_shows(tmp_path: Path) -> None:
    text = as_annotations(replace(many(tmp_path), damaged=("a", "b")), Language.EN)
    kinds = Counter(command for command, _, _ in commands(text))
    assert kinds == {"error": MOST, "notice": MOST, "warning": 1}
    assert "12 more groups of findings are not annotated (error 6, notice 6)" in text.splitlines()[-3]


def test_what_comes_first_is_never_left_out(tmp_path: Path) -> None:
    report = replace(many(tmp_path), damaged=tuple(f"place {n}" for n in range(8)), unlisted=2)
    first = commands(as_annotations(report, Language.EN))[:3]
    assert [command for command, _, _ in first] == ["error", "warning", "notice"]
    assert first[0][2].splitlines() == [*(f"place {n}" for n in range(5)), "and 3 more places"]
    assert "2 more jobs are not listed" in first[1][2]
    assert first[2][2].startswith("seen 30 = other 0 + audited 30 + unaudited 0\n")


def test_nothing_from_the_traffic_is_a_command(tmp_path: Path) -> None:
    text = as_annotations(reported(tmp_path, hostile()), Language.EN)
    lines = text.splitlines()
    assert all(COMMAND.fullmatch(line) for line in lines if "::" in line)
    assert [line for line in lines if not line.startswith("::")] == lines[-2:]
    told = "".join(data for _, _, data in commands(text))
    assert "%0A::error::x" in told


def test_a_file_is_named_where_it_is_known(tmp_path: Path) -> None:
    for name in ("a,b:c%.json", "d.json"):
        (tmp_path / name).write_text(BAD_ERROR, encoding="utf-8")
    read = commands(as_annotations(report_on(tmp_path / "a,b:c%.json"), Language.EN))
    assert {properties.get("file") for command, properties, _ in read if command == "error"} == {
        f"{tmp_path}/a,b:c%.json"
    }
