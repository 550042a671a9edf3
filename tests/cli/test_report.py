"""`taskaudit report` as a person meets it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskaudit.cli import app
from tests.reports.runs import RUN
from tests.samples import BAD_ERROR, ERROR, JOB
from tests.stories import submit, write_log
from tests.tangles import load

DETAILS_NULL = '{"error": {"message": "m", "code": "Ecs.0001", "details": null}}'


def run(
    *arguments: str | Path, stdin: str | None = None, lang: str = "en", command: str = "report"
) -> Result:
    """One call in this process; a traceback of it fails the test."""
    environment = {"COLUMNS": "100", "TASKAUDIT_LANG": lang}
    result = CliRunner().invoke(app, [command, *map(str, arguments)], input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "audit.ndjson", RUN)


def test_markdown_unless_something_else_is_asked_for(log: Path) -> None:
    result = run(log)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("# Task audit report\n")


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("html", "<!"),
        ("markdown", "# "),
        ("junit", "<?xml"),
        ("sarif", "{"),
        ("json", "{"),
        ("github", "::"),
    ],
)
def test_the_formats(log: Path, form: str, start: str) -> None:
    result = run(log, "--format", form)
    assert result.exit_code == 0
    assert result.stdout.startswith(start)


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.html", "<!"), ("r.xml", "<?xml"), ("r.sarif.json", '{\n  "$schema"')],
)
def test_the_file_tells_the_format(log: Path, tmp_path: Path, name: str, start: str) -> None:
    result = run(log, "-o", tmp_path / name)
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_what_is_asked_for_wins_over_the_suffix(log: Path, tmp_path: Path) -> None:
    assert run(log, "-o", tmp_path / "r.txt", "-f", "json").exit_code == 0
    assert json.loads((tmp_path / "r.txt").read_bytes())["counts"]["findings"] == 7


def test_a_suffix_that_tells_nothing(log: Path, tmp_path: Path) -> None:
    result = run(log, "-o", tmp_path / "r.txt")
    assert result.exit_code == 2
    assert 'taskaudit: the name "r.txt" tells no format' in result.stderr
    assert "give --format" in result.stderr
    assert not (tmp_path / "r.txt").exists()


def test_the_language(log: Path) -> None:
    assert run(log, "--lang", "zh").stdout.startswith("# 任务审计报告")
    assert run(log, lang="zh").stdout.startswith("# 任务审计报告")
    wrong = run(log, "--lang", "fr")
    assert (wrong.exit_code, wrong.stderr) == (2, 'taskaudit: --lang is "fr"; expected en or zh\n')


def test_a_capture_on_standard_input() -> None:
    result = run("-", "-f", "json", stdin=BAD_ERROR)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sources"] == ["standard input"]


def test_damage_is_told_and_the_rest_reported(log: Path, tmp_path: Path) -> None:
    result = run(log, tmp_path / "missing.har", "-o", tmp_path / "r.json")
    assert result.exit_code == 2
    assert result.stderr == f"taskaudit: {tmp_path}/missing.har: cannot be read: no such file or directory\n"
    told = json.loads((tmp_path / "r.json").read_bytes())
    assert (told["counts"]["findings"], len(told["damaged"])) == (7, 1)


def test_the_configuration_is_used(log: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("query_within: -1\n", encoding="utf-8")
    result = run(log, "--config", config)
    assert result.exit_code == 2
    assert "query_within" in result.stderr


def test_a_report_is_replaced_as_a_whole(log: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.md"
    output.write_text("before", encoding="utf-8")
    output.chmod(0o640)
    before = output.open(encoding="utf-8")
    assert run(log, "-o", output).exit_code == 0
    with before:
        assert before.read() == "before"
    assert output.read_text(encoding="utf-8").startswith("# Task")
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["audit.ndjson", "r.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_a_new_report_is_as_private_as_the_log(log: Path, tmp_path: Path) -> None:
    assert run(log, "-o", tmp_path / "r.html").exit_code == 0
    assert stat.S_IMODE((tmp_path / "r.html").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("body", "fail_on", "status"),
    [(JOB, "info", 0), (BAD_ERROR, "error", 1), (DETAILS_NULL, "error", 0), (DETAILS_NULL, "warning", 1)],
)
def test_fail_on_is_that_of_check(body: str, fail_on: str, status: int) -> None:
    arguments = ["--fail-on", fail_on, "-", "-o", "-"]
    assert run(*arguments, stdin=body).exit_code == status
    assert run(*arguments, command="check", stdin=body).exit_code == status
    assert run("-", stdin=body).exit_code == 0


def test_fail_on_of_nothing_and_of_lost_records(log: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("--fail-on", "error", tmp_path / "empty").exit_code == 3
    assert run("--fail-on", "error", log, tmp_path / "missing.har").exit_code == 2
    lost = write_log(tmp_path / "lost.ndjson", [submit(0)])
    assert run("--fail-on", "error", lost).exit_code == 0
    lines = lost.read_bytes().splitlines(keepends=True)
    lost.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert run("--fail-on", "error", lost).exit_code == 1


def test_a_link_stays_a_link(log: Path, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "r.md").symlink_to(tmp_path / "below" / "r.md")
    assert run(log, "-o", tmp_path / "r.md").exit_code == 0
    assert (tmp_path / "r.md").is_symlink()
    assert (tmp_path / "below" / "r.md").is_file()


def test_a_file_that_cannot_be_written(log: Path, tmp_path: Path) -> None:
    result = run(log, "-o", tmp_path / "nowhere" / "r.md")
    assert result.exit_code == 2
    assert result.stderr == f"taskaudit: cannot write {tmp_path}/nowhere/r.md: No such file or directory\n"


@pytest.mark.skipif(sys.platform == "win32", reason="devices")
def test_a_device_is_written_to_not_replaced(log: Path) -> None:
    assert run(log, "-o", "/dev/null", "-f", "json").exit_code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    "name", ["audit.ndjson", "link.md", "hard.md", "below/../audit.ndjson", "answer.json"]
)
def test_nothing_that_is_reported_on_is_written_over(log: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "answer.json").write_text(ERROR, encoding="utf-8")
    (tmp_path / "link.md").symlink_to(log)
    (tmp_path / "hard.md").hardlink_to(log)
    before = log.read_bytes()
    result = run(log, tmp_path / "answer.json", "-f", "markdown", "-o", tmp_path / name)
    assert result.exit_code == 2
    assert "is among what is reported on; name another file" in result.stderr
    assert log.read_bytes() == before
    assert (tmp_path / "answer.json").read_text(encoding="utf-8") == ERROR


def test_a_file_in_a_folder_that_is_reported_on(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(JOB, encoding="utf-8")
    (tmp_path / "r.md").write_text("an earlier report", encoding="utf-8")
    result = run(tmp_path, "-o", tmp_path / "r.md")
    assert result.exit_code == 2
    assert "among" in result.stderr


def test_no_log_is_written_over(log: Path, tmp_path: Path) -> None:
    other = write_log(tmp_path / "other.json", RUN)
    result = run(log, "-o", other)
    assert (result.exit_code, "is a log of taskaudit" in result.stderr) == (2, True)


def test_a_folder_is_no_file(log: Path, tmp_path: Path) -> None:
    result = run(log, "-o", tmp_path, "-f", "json")
    assert (result.exit_code, result.stderr) == (2, f"taskaudit: {tmp_path} is a folder; name a file\n")


def test_the_help_tells_the_exit_status() -> None:
    text = " ".join(run("--help").output.split())
    assert "Exit status: 0; with --fail-on that of taskaudit check; 2 wrong usage" in text


@pytest.mark.parametrize("form", ["markdown", "html", "junit", "sarif", "json", "github"])
def test_a_store_gives_the_report_of_its_logs(log: Path, tmp_path: Path, form: str) -> None:
    store = tmp_path / "store.db"
    load(str(store), [log])
    of_logs, of_store = run(log, "--format", form), run("--from", store, "--format", form)
    assert (of_store.exit_code, of_store.stderr) == (0, "")
    assert _bare(of_store.stdout, store) == _bare(of_logs.stdout, log)


def _bare(text: str, source: Path) -> str:
    """Without the time at which it was made, and the name of what it was told from."""
    return re.sub(r"2\d{3}-\d\d-\d\d[T ][\d:.]+Z?", "TIME", text.replace(str(source), "SOURCE"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "--from", "store.db"], "give logs, or a store with --from; one of the two"),
        ([], "give logs, or a store with --from; one of the two"),
        (["--from", "missing.db"], "the store missing.db: no such file; taskaudit load LOG --to makes one"),
        (["--from", "mysql://x"], 'no store of the kind "mysql"'),
    ],
)
def test_either_files_or_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"taskaudit: {message}")
