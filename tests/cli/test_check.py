"""`taskaudit check`: what it prints, and its exit status."""

from __future__ import annotations

import json
import stat
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
    ("body", "status"), [(JOB, 0), (BAD_ERROR, 1), ("[]", 1), (f"HTTP/1.1 200 OK\r\n\r\n{JOB}", 0)]
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
    assert "no findings (1 more waived)" in text.stdout
    told = [
        "the waiver for TA306 /error/code expired after 2020-12-31",
        "the waiver for TA402 /error/code waived",
    ]
    assert all(each in text.stdout for each in told)
    lines = run("check", "-f", "json", "-c", waivers, bad)
    assert lines.exit_code == 0
    assert json.loads(lines.stdout)["findings"][0]["waiver"]["owner"] == "team-ecs"
    assert all(each in lines.stderr for each in told)


@pytest.fixture
def alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five equal findings, and another."""
    for number in range(5):
        (tmp_path / f"{number}.json").write_text(BAD_ERROR, encoding="utf-8")
    other = '{"error": {"message": "m", "code": "Ecs.0001", "details": null}}'
    (tmp_path / "other.json").write_text(other, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_explanation_comes_once_a_rule(alike: Path, snapshot: SnapshotAssertion) -> None:
    result = run("check", ".")
    assert result.exit_code == 1
    assert result.stdout == snapshot


def test_quiet_is_one_line_a_finding(alike: Path) -> None:
    result = run("check", "-q", "3.json", "other.json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        "3.json[0] TA306 /error/code expected String, found Number 400",
        "other.json[0] TA402 /error/details expected Array of Object, or absent, found null",
    ]
    assert (run("check", "-q", "-", stdin=JOB).output, run("check", "-q", "-", stdin="[]").exit_code) == (
        "",
        1,
    )


def test_quiet_leaves_out_what_is_waived_and_tells_what_was_not_seen(waivers: Path, alike: Path) -> None:
    waivers.write_text("inspection_limit: 1024\n" + waivers.read_text(encoding="utf-8"), encoding="utf-8")
    (alike / "large.json").write_text(JOB + " " * 1024, encoding="utf-8")
    result = run("check", "-q", "-c", waivers, "0.json", "large.json")
    assert result.stdout == "large.json[0] TA003 expected at most 1024 bytes, found a larger body\n"
    assert "too_large 1" in result.stderr


def test_quiet_is_text(alike: Path) -> None:
    result = run("check", "-q", "-f", "json", "0.json")
    assert (result.exit_code, result.stderr) == (2, "taskaudit: --quiet goes with --format text, not json\n")


@pytest.mark.parametrize("form", ["junit", "sarif", "github", "markdown", "html"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["other.json"], 0),
        (["other.json", "--fail-on", "warning"], 1),
        (["."], 1),
        ([".", "missing"], 2),
        (["empty"], 3),
        (["empty/audit.ndjson"], 2),
    ],
)
def test_a_report_of_check_has_the_exit_status_of_its_text(
    alike: Path, log: Path, form: str, arguments: list[str], status: int
) -> None:
    (alike / "empty").mkdir()
    if "empty/audit.ndjson" in arguments:
        log.rename(alike / "empty" / "audit.ndjson")
    else:
        log.unlink()
    text, report = run("check", *arguments), run("check", "-f", form, *arguments)
    assert (text.exit_code, report.exit_code) == (status, status)
    if "." in arguments:
        assert "TA306" in report.stdout
    assert ("taskaudit jobs" in report.stderr) == ("empty/audit.ndjson" in arguments)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.xml", "<?xml"),
        ("a.sarif", "{"),
        ("a.html", "<!"),
        ("a.md", "# "),
        ("a.json", '{"source"'),
        ("a.txt", "0.json[0]"),
    ],
)
def test_the_file_tells_the_format(alike: Path, name: str, start: str) -> None:
    result = run("check", "0.json", "-o", name)
    assert (result.exit_code, result.output) == (1, "")
    assert Path(name).read_text(encoding="utf-8").startswith(start)
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    assert run("check", "0.json", "-o", "-").stdout.startswith("0.json[0]")


def test_what_is_checked_is_not_written_over(alike: Path) -> None:
    result = run("check", "0.json", "-o", "0.json")
    assert (result.exit_code, "is among what is" in result.stderr) == (2, True)
