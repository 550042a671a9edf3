"""A baseline: what was there before is counted, and fails nothing; what is new fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskaudit.contract.verdict import Severity
from tests.cli.running import run
from tests.reports.runs import RUN
from tests.samples import BAD_ERROR
from tests.stories import write_log

NEW = '{"error": {"message": 1, "code": "Ecs.0001"}}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with its baseline, and two captures: one with a fault that the baseline has."""
    monkeypatch.chdir(tmp_path)
    write_log(tmp_path / "audit.ndjson", RUN)
    (tmp_path / "known.json").write_text(BAD_ERROR, encoding="utf-8")
    (tmp_path / "new.json").write_text(NEW, encoding="utf-8")
    assert (
        run("findings", "audit.ndjson", "--write-baseline", "base.yaml").stdout == "base.yaml: 6 findings\n"
    )
    return tmp_path


def test_the_file_can_be_read_and_compared(folder: Path) -> None:
    lines = Path("base.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[2] == "findings:"
    assert lines[3:] == sorted(lines[3:])
    assert json.loads(lines[7].removeprefix("  - ")) == {
        "rule": "TA501",
        "route": "ecs:CreateServers",
        "pointer": "/job_id",
        "fingerprint": "d65b243cecc38603cc8112f0b3a15551",
    }
    before = Path("base.yaml").read_bytes()
    assert run("findings", "audit.ndjson", "--write-baseline", "base.yaml").exit_code == 0
    assert (
        run("findings", "audit.ndjson", "--baseline", "base.yaml", "--write-baseline", "-").stdout_bytes
        == before
    )


def test_findings_in_the_baseline_are_counted_apart(folder: Path) -> None:
    text = run("findings", "audit.ndjson", "--baseline", "base.yaml").stdout
    assert text.count("  waived: in the baseline base.yaml\n") == 6
    assert "no findings (7 more waived)" in text


@pytest.mark.parametrize("form", ["markdown", "junit", "sarif", "html", "json", "github"])
def test_a_report_fails_on_what_is_new_only(folder: Path, form: str) -> None:
    arguments = ["report", "audit.ndjson", "--baseline", "base.yaml", "--fail-on", "info", "-f", form]
    result = run(*arguments)
    assert result.exit_code == 0
    assert "base.yaml" in result.stdout
    lines = Path("base.yaml").read_text(encoding="utf-8").splitlines()
    Path("base.yaml").write_text("\n".join(line for line in lines if "TA304" not in line), encoding="utf-8")
    assert run(*arguments).exit_code == 1


def test_check_fails_on_what_is_new_only(folder: Path) -> None:
    log = folder / "bare.yaml"
    one = json.loads(run("check", "-f", "json", "known.json").stdout)["findings"][0]
    line = {"rule": one["rule"], "route": "", "pointer": one["pointer"], "fingerprint": one["fingerprint"]}
    log.write_text(f"findings:\n  - {json.dumps(line)}\n", encoding="utf-8")
    result = run("check", "--baseline", log, "--fail-on", Severity.INFO, "known.json")
    assert result.exit_code == 0
    assert "    waived: in the baseline bare.yaml" in result.stdout
    assert "no findings (1 more waived)" in result.stdout
    assert run("check", "--baseline", log, "known.json", "new.json").exit_code == 1
    assert run("check", "-q", "--baseline", log, "known.json", "new.json").stdout == (
        "new.json[0] TA303 /error/message expected String, found Number 1\n"
    )


def test_what_a_waiver_accepts_is_in_no_baseline(folder: Path) -> None:
    """It has a last day, which a baseline would make void."""
    Path("c.yaml").write_text(
        "waivers: [{rule: TA501, reason: known, owner: me, until: 2099-12-31}]\n", encoding="utf-8"
    )
    result = run("findings", "audit.ndjson", "-c", "c.yaml", "--write-baseline", "other.yaml")
    assert result.stdout == "other.yaml: 5 findings\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("findings: [{}]", "base.yaml, line 1: the key "),
        (
            "findings:\n- {rule: TA3066, route: a, pointer: '', fingerprint: f}",
            "line 2: findings[0].rule: found",
        ),
        (
            "findings:\n- {rule: TA306, route: a, pointer: '', fingerprint: f}",
            'line 2: findings[0].fingerprint: found the text "f"; expected text that fits ^[0-9a-f]{32}$',
        ),
        ("[]", "base.yaml, line 1: found an empty list; expected keys and values"),
        ("findings: 5", "base.yaml, line 1: findings: found the number 5; expected a list"),
    ],
)
@pytest.mark.parametrize("command", ["findings", "report", "check"])
def test_a_wrong_baseline(folder: Path, text: str, message: str, command: str) -> None:
    Path("base.yaml").write_text(text, encoding="utf-8")
    result = run(command, "audit.ndjson", "--baseline", "base.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize("name", ["audit.ndjson", "c.yaml", "new.json"])
def test_nothing_but_a_baseline_is_replaced(folder: Path, name: str) -> None:
    Path("c.yaml").write_text("unlisted: ignore\n", encoding="utf-8")
    before = Path(name).read_bytes()
    result = run("findings", "audit.ndjson", "--write-baseline", name)
    assert (result.exit_code, "name another file" in result.stderr) == (2, True)
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize(("since", "found"), [("2026-09-21T14:13:34Z", 3), ("1d", 7), ("1s", 0)])
def test_since(folder: Path, since: str, found: int) -> None:
    listed = run("findings", "audit.ndjson", "--since", since, "-f", "json").stdout.splitlines()
    told = json.loads(run("report", "audit.ndjson", "--since", since, "-f", "json").stdout)
    assert sum(json.loads(line)["count"] for line in listed) == found
    assert told["counts"]["findings"] == found
    assert all(job["submitted"] is None or job["submitted"] >= "2026-09-21" for job in told["jobs"])
    assert "- Only what happened since 2026-09-" in run("report", "audit.ndjson", "--since", since).stdout


@pytest.mark.parametrize("command", ["findings", "report"])
def test_since_is_no_time(folder: Path, command: str) -> None:
    result = run(command, "audit.ndjson", "--since", "yesterday")
    assert (result.exit_code, '--since "yesterday" is no time; give' in result.stderr) == (2, True)
