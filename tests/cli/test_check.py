"""`taskaudit check`: what it prints, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.running import run
from tests.samples import BAD_ERROR, JOB


def test_the_help_of_check_tells_the_exit_status() -> None:
    text = " ".join(run("check", "--help").output.split())
    assert "3 nothing was audited" in text


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["job.json"], 0),
        (["job.json", "below/error.json"], 0),
        (["."], 0),
        ([".hidden"], 1),
        (["job.json", ".hidden"], 1),
        (["job.json", "missing"], 2),
        (["--fail-on", "info", "."], 0),
        (["-f", "json", ".hidden"], 1),
    ],
)
def test_check(folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int) -> None:
    monkeypatch.chdir(folder)
    result = run("check", *arguments)
    assert result.exit_code == status
    if "json" not in arguments:
        assert "seen " in result.stdout


def test_check_nothing(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 3
    assert "seen 0 = other 0 + audited 0 + unaudited 0" in result.stdout


@pytest.mark.parametrize(
    ("body", "status"), [(JOB, 0), (BAD_ERROR, 1), ("", 1), (f"HTTP/1.1 200 OK\r\n\r\n{JOB}", 0)]
)
def test_check_standard_input(body: str, status: int) -> None:
    result = run("check", "-", "--format", "json", stdin=body)
    assert result.exit_code == status
    assert json.loads(result.stdout)["source"] == "-"


def test_check_prints_json_and_nothing_else(folder: Path) -> None:
    result = run("check", "--format", "json", folder, folder / "missing")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["source"] for line in lines] == [
        str(folder / "below" / "error.json"),
        str(folder / "job.json"),
    ]
    assert "missing" in result.stderr


def test_check_with_a_configuration(folder: Path) -> None:
    config = folder / "audit.yaml"
    config.write_text("inspection_limit: 1024\n", encoding="utf-8")
    large = folder / "large.json"
    large.write_text(JOB + " " * 1024, encoding="utf-8")
    assert "too_large 1" in run("check", "-c", config, large).stdout
    assert "too_large" not in run("check", large).stdout


def test_check_in_chinese(folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    monkeypatch.chdir(folder)
    (folder / "wide.json").write_text(
        '{"error": {"message": "配额不足", "code": 400, "details": null}}', encoding="utf-8"
    )
    result = run("check", ".hidden", ".", "--lang", "zh")
    assert result.exit_code == 1
    assert result.stdout == snapshot


def test_check_tells_machines_the_same_in_every_language(folder: Path) -> None:
    told = [run("check", folder / ".hidden", "-f", "json", "--lang", each).stdout for each in ("en", "zh")]
    assert told[0] == told[1] != ""


def test_check_with_waivers(tmp_path: Path, waivers: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(BAD_ERROR, encoding="utf-8")
    text = run("check", "--fail-on", "info", "-c", waivers, bad)
    assert text.exit_code == 0
    assert "waived until 2099-12-31 by team-ecs: known" in text.stdout
    assert "findings: 1 error; 1 waived" in text.stdout
    told = [
        "the waiver for TA306 /error/code expired after 2020-12-31",
        "the waiver for TA402 /error/code waived",
    ]
    assert all(each in text.stdout for each in told)
    lines = run("check", "-f", "json", "-c", waivers, bad)
    assert lines.exit_code == 0
    assert json.loads(lines.stdout)["findings"][0]["waiver"]["owner"] == "team-ecs"
    assert all(each in lines.stderr for each in told)
