"""The command line as a person meets it: every command, and every mistake with its message."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import Result
from ruamel.yaml import YAML
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from taskaudit import __version__
from taskaudit.cli import app
from taskaudit.contract.rules import RULES
from taskaudit.paths import configs_dir
from taskaudit.recorder import Recorder
from tests.samples import BAD_ERROR, ERROR, JOB, JOB_ID, outcome
from tests.stories import ask, submit, write_log

COMMANDS = [
    *("check", "jobs", "findings", "report", "bug", "waivers", "load", "explain"),
    *("web", "tui", "serve", "addon", "config", "demo"),
]
WAIVERS = (
    "waivers: [{rule: TA306, pointer: /error/code, reason: known, owner: team-ecs, until: 2099-12-31}]\n"
)


# In English, whatever the locale of who tests.
ENVIRONMENT = {"COLUMNS": "100", "TASKAUDIT_LANG": "en"}


def run(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    """One call in this process; a traceback of it fails the test."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env=ENVIRONMENT)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with captures, one in a folder below it, one hidden."""
    (tmp_path / "below").mkdir()
    (tmp_path / ".hidden").write_text(BAD_ERROR, encoding="utf-8")
    (tmp_path / "job.json").write_text(JOB, encoding="utf-8")
    (tmp_path / "below" / "error.json").write_text(ERROR, encoding="utf-8")
    return tmp_path


@pytest.fixture
def log(recorder: Recorder, log_path: Path) -> Path:
    """A log with two jobs."""
    recorder.record(outcome())
    recorder.record(outcome('{"job_id": "=1+1"}', path="/v9/things"))
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.stop()
    return log_path


def test_the_version() -> None:
    assert run("--version").output == f"taskaudit {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_names_every_command(arguments: list[str]) -> None:
    text = run(*arguments).output
    assert all(f" {command} " in text for command in COMMANDS)
    assert "taskaudit demo" in text


@pytest.mark.parametrize("command", [*COMMANDS, "config check", "config schema", "waivers test"])
def test_every_command_has_help(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_help_of_check_tells_the_exit_status() -> None:
    text = " ".join(run("check", "--help").output.split())
    assert "3 nothing was audited" in text


def completion(**environment: str) -> str:
    """What the installed command prints to a shell that completes."""
    command = Path(sys.executable).with_name("taskaudit")
    return subprocess.run(
        [command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown(shell: str) -> None:
    assert "_TASKAUDIT_COMPLETE=complete_" in completion(_TASKAUDIT_COMPLETE=f"source_{shell}")


def test_commands_are_completed() -> None:
    facts = {"_TASKAUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "taskaudit che", "COMP_CWORD": "1"}
    assert completion(**facts).split() == ["check"]


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


def test_no_colours_in_a_pipe(folder: Path) -> None:
    assert "\x1b" not in run("check", folder / ".hidden").output


def test_jobs(log: Path) -> None:
    table = run("jobs", log)
    assert table.exit_code == 0
    assert JOB_ID in table.stdout
    as_json = [json.loads(line) for line in run("jobs", log, "--format", "json").stdout.splitlines()]
    assert [job["job_id"] for job in as_json] == [JOB_ID, "=1+1"]
    as_csv = list(csv.DictReader(io.StringIO(run("jobs", log, "-f", "csv").stdout)))
    assert [job["job_id"] for job in as_csv] == [JOB_ID, "'=1+1"]


def test_no_jobs(log_path: Path, recorder: Recorder) -> None:
    assert "no jobs" in run("jobs", log_path).stdout


def test_jobs_of_a_damaged_log(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:1], b"damaged\n", *lines[1:]]))
    result = run("jobs", log)
    assert result.exit_code == 2
    assert JOB_ID in result.stdout
    assert f"{log}, line 2: not JSON" in result.stderr


def test_one_story_of_two_logs(tmp_path: Path) -> None:
    first = write_log(tmp_path / "a", [submit(0)])
    second = write_log(tmp_path / "b", [ask(5), ask(9, "SUCCESS")], instance="proxy-b")
    text = run("jobs", first, second).stdout
    assert "1 job: 1 final" in text
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in text
    assert "TA5" not in text
    story = run("jobs", second, first, "--job", JOB_ID).stdout
    assert "RUNNING -> SUCCESS" in story
    assert "[proxy-b]" in story
    assert json.loads(run("jobs", first, second, "--job", JOB_ID, "-f", "json").stdout)["took"] == 9


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["--state", "final"], [JOB_ID]),
        (["--state", "never-queried"], ["8ab1"]),
        (["--route", "volumes"], ["8ab1"]),
        (["--since", "95s"], ["8ab1"]),
        (["--since", "2026-09-21T14:13:30Z"], ["8ab1"]),
        (["--state", "lost"], []),
    ],
)
def test_jobs_are_chosen(tmp_path: Path, options: list[str], chosen: list[str]) -> None:
    other = submit(10, "8ab1", path="/v2/p/cloudvolumes")
    log = write_log(tmp_path / "log", [submit(0), ask(9, "SUCCESS"), other], ends=100)
    lines = run("jobs", log, "--format", "json", *options).stdout.splitlines()
    assert [json.loads(line)["job_id"] for line in lines] == chosen
    assert f"{len(chosen)} of 2 jobs" in run("jobs", log, *options).stdout


def test_the_thresholds_come_from_the_configuration(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(50, "SUCCESS")])
    (tmp_path / "c.yaml").write_text("query_within: 10\n", encoding="utf-8")
    assert "TA501" not in run("jobs", log).stdout
    assert "TA501" in run("jobs", log, "--config", tmp_path / "c.yaml").stdout


def test_what_is_missing_is_told_beside_json(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(5), ask(9, "SUCCESS")])
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    for command in ("jobs", "findings"):
        result = run(command, log, "--format", "json")
        assert result.exit_code == 0
        assert "1 records LOST or not in these logs" in result.stderr


def test_findings(log: Path) -> None:
    text = run("findings", log)
    assert text.exit_code == 0
    assert "TA306 error-code-not-string (error)" in text.stdout
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in text.stdout
    lines = run("findings", log, "--rule", "error-code-not-string", "-f", "json").stdout.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == ["TA306"]
    rows = list(csv.DictReader(io.StringIO(run("findings", log, "--severity", "error", "-f", "csv").stdout)))
    assert {row["severity"] for row in rows} == {"error"}
    assert "no findings" in run("findings", log, "--rule", "TA001").stdout


def test_findings_of_a_damaged_log(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"damaged\n")
    result = run("findings", log)
    assert result.exit_code == 2
    assert "TA306" in result.stdout
    assert "1 line is no record" in result.stdout
    assert "not JSON" in result.stderr


def test_following_in_a_pipe_sees_what_comes(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    command = [sys.executable, "-c", "from taskaudit.cli import main; main()", "jobs", str(log), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert JOB_ID in process.stdout.readline()
            write_log(log, [submit(1, "8ab1"), ask(5, "SUCCESS", "8ab1")], stop=False)
            told = process.stdout.readline()
            while "SUCCESS" not in told:
                told = process.stdout.readline()
            assert "8ab1" in told
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "chinese"),
    [
        (["explain", "TA306", "--lang", "zh"], {}, True),
        (["--lang", "zh", "explain", "TA306"], {}, True),
        (["--lang", "en", "explain", "--lang", "zh", "TA306"], {}, True),
        (["--lang", "zh", "explain", "TA306", "--lang", "en"], {}, False),
        (["explain", "TA306"], {"TASKAUDIT_LANG": "zh"}, True),
        (["explain", "TA306"], {"TASKAUDIT_LANG": "", "LC_ALL": "zh_CN.UTF-8"}, True),
        (["explain", "TA306"], {"TASKAUDIT_LANG": "", "LC_ALL": "C", "LANG": "zh_CN"}, False),
        (["explain", "TA306"], {"LC_ALL": "zh_CN.UTF-8"}, False),
    ],
)
def test_the_language(arguments: list[str], environment: dict[str, str], chinese: bool) -> None:
    text = CliRunner().invoke(app, arguments, env={**ENVIRONMENT, **environment}).stdout
    assert (RULES["TA306"].why.zh in text, RULES["TA306"].why.en in text) == (chinese, not chinese)


def test_a_wrong_language_of_the_environment() -> None:
    result = CliRunner().invoke(app, ["explain", "TA306"], env={"TASKAUDIT_LANG": "Chinese"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'taskaudit: TASKAUDIT_LANG is "Chinese"; expected en or zh\n'


def test_check_in_chinese(folder: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    monkeypatch.chdir(folder)
    (folder / "wide.json").write_text(
        '{"error": {"message": "配额不足", "code": 400, "details": null}}', encoding="utf-8"
    )
    result = run("check", ".hidden", ".", "--lang", "zh")
    assert result.exit_code == 1
    assert result.stdout == snapshot


def test_logs_in_chinese(log: Path) -> None:
    assert "2 个任务：从未查询 2" in run("jobs", log, "--lang", "zh").stdout
    assert "任务 =1+1（从未查询）" in run("jobs", log, "--job", "=1+1", "--lang", "zh").stdout
    assert "期望：String；实际：Number 400" in run("findings", log, "--lang", "zh").stdout


@pytest.mark.parametrize("command", ["jobs", "findings"])
@pytest.mark.parametrize("output", ["json", "csv"])
def test_machines_are_told_the_same_in_every_language(log: Path, command: str, output: str) -> None:
    told = [run(command, log, "-f", output, "--lang", language).stdout for language in ("en", "zh")]
    assert told[0] == told[1] != ""
    assert told[0].isascii()


def test_check_tells_machines_the_same_in_every_language(folder: Path) -> None:
    told = [run("check", folder / ".hidden", "-f", "json", "--lang", each).stdout for each in ("en", "zh")]
    assert told[0] == told[1] != ""


def test_explain() -> None:
    result = run("explain", "TA306", "job-id-empty")
    assert result.exit_code == 0
    assert result.stdout.index("TA306") < result.stdout.index("TA202")


def test_explain_every_rule() -> None:
    text = run("explain", "--all").stdout
    assert all(f"{rule.code} {rule.name} ({rule.severity})" in text for rule in RULES.values())


def test_the_addon_is_there() -> None:
    path = Path(run("addon").stdout.strip())
    assert path.is_absolute()
    assert "addons" in path.read_text(encoding="utf-8")


def test_the_schema_fits_the_shipped_configuration() -> None:
    schema = json.loads(run("config", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    default = YAML(typ="safe").load((configs_dir() / "default.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(default)


def test_the_shipped_configuration_is_right() -> None:
    result = run("config", "check", configs_dir() / "default.yaml")
    assert result.exit_code == 0
    assert "default.yaml: ok; " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "Missing argument"),
        (["check", "missing.har"], "missing.har: cannot be read: no such file or directory"),
        (["check", "--format", "xml", "a"], "'xml'"),
        (["check", "--fail-on", "never", "a"], "'never'"),
        (["check", "--nope", "a"], "--nope"),
        (["check", "-c", "missing.yaml", "a"], "missing.yaml: no such file"),
        (["check", "-c", "wrong.yaml", "a"], "wrong.yaml, line 1: "),
        (["config", "check", "wrong.yaml"], "unlisted"),
        (["config", "check", "missing.yaml"], "missing.yaml: no such file"),
        (["config", "check", "."], "found a directory"),
        (["explain", "TA306", "--lang", "fr"], '--lang is "fr"; expected en or zh'),
        (["--lang", "", "check", "log"], '--lang is ""; expected en or zh'),
        (["jobs", "log", "--lang", "ZH-cn"], '--lang is "ZH-cn"; expected en or zh'),
        (["findings", "log", "--lang"], "requires an argument"),
        (["explain"], "name a rule, such as TA306, or --all"),
        (["explain", "TA3066"], 'no rule "TA3066"; did you mean TA30'),
        (["explain", "nope"], 'no rule "nope"; taskaudit explain --all lists them all'),
        (["explain", "\x1b[31m"], r'no rule "\u001b[31m"'),
        (["jobs"], "give logs, or a store with --from; one of the two"),
        (["jobs", "missing.ndjson"], "cannot read the log missing.ndjson: No such file or directory"),
        (["jobs", "wrong.yaml"], "wrong.yaml is not a log of taskaudit"),
        (["jobs", "."], "cannot read the log .: Is a directory"),
        (["jobs", "--since", "yesterday", "log"], '--since "yesterday" is no time'),
        (["jobs", "--job", "8ab1", "log"], 'no job "8ab1" among 1 in the log'),
        (["jobs", "--job", "8ab1", "--state", "open", "log"], "it goes with --format only"),
        (["jobs", "--job", "8ab1", "--follow", "log"], "it goes with --format only"),
        (["jobs", "--state", "done", "log"], "'done'"),
        (["jobs", "--config", "wrong.yaml", "log"], "unlistd"),
        (["jobs", "--follow", "missing.ndjson"], "cannot read the log missing.ndjson"),
        (["findings", "--rule", "TA3066", "log"], 'no rule "TA3066"; did you mean TA30'),
        (["findings", "missing.ndjson"], "cannot read the log missing.ndjson"),
        (["findings", "--severity", "bad", "log"], "'bad'"),
        (["jobs", "--format", "xml", "a"], "'xml'"),
        (["waivers", "test", "log"], "Missing option '--config'"),
        (["waivers", "test", "-c", "wrong.yaml", "log"], "unlistd"),
        (["waivers", "test", "-c", "right.yaml", "wrong.yaml"], "wrong.yaml is not a log of taskaudit"),
        (["waivers", "test", "-c", "right.yaml"], "Missing argument"),
        (["waivers", "test", "-c", "right.yaml", "--format", "csv", "log"], "'csv'"),
        (["check", "-c", "waiver.yaml", "log"], "line 1: waivers[0].until: found the text"),
        (["nope"], "No such command 'nope'"),
    ],
)
def test_wrong_usage_has_a_message_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.yaml").write_text("unlistd: ignore\n", encoding="utf-8")
    (tmp_path / "right.yaml").write_text("unlisted: ignore\n", encoding="utf-8")
    (tmp_path / "waiver.yaml").write_text(WAIVERS.replace("2099-12-31", "soon"), encoding="utf-8")
    write_log(tmp_path / "log", [submit(0)])
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_help_comes_without_what_takes_long_to_import() -> None:
    program = (
        "import sys, taskaudit.cli; sys.exit(any(m in sys.modules for m in ('mitmproxy', 'ruamel.yaml')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.fixture
def waivers(tmp_path: Path) -> Path:
    """A configuration with a waiver that BAD_ERROR needs, one that nothing needs, and one that has ended."""
    path = tmp_path / "waivers.yaml"
    unused, expired = WAIVERS.replace("TA306", "TA402"), WAIVERS.replace("2099", "2020")
    entries = [text.removeprefix("waivers: [").removesuffix("]\n") for text in (WAIVERS, unused, expired)]
    path.write_text("waivers:\n" + "".join(f"- {entry}\n" for entry in entries), encoding="utf-8")
    return path


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


def test_waivers_in_chinese(tmp_path: Path, log: Path, waivers: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(BAD_ERROR, encoding="utf-8")
    text = run("check", "-c", waivers, "--lang", "zh", bad).stdout
    assert "已豁免，至 2099-12-31，负责人 team-ecs：known" in text
    assert "对 TA306 /error/code 的豁免已在 2020-12-31 之后过期" in text
    assert "对 TA402 /error/code 的豁免没有用到" in text
    assert "waived" not in text
    table = run("waivers", "test", log, "-c", waivers, "--lang", "zh")
    assert "豁免：共 3 条（1 在用，1 未用到，1 已过期）" in table.stdout
    assert "seen 3" not in table.stdout
    findings = run("findings", log, "-c", waivers, "--lang", "zh")
    assert (table.exit_code, findings.exit_code) == (0, 0)


def test_waivers_test(log: Path, waivers: Path) -> None:
    table = run("waivers", "test", log, "-c", waivers)
    assert table.exit_code == 0
    assert "waivers: 3 (1 used, 1 unused, 1 expired)" in table.stdout
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in table.stdout
    lines = [
        json.loads(line)
        for line in run("waivers", "test", log, "-c", waivers, "-f", "json").stdout.splitlines()
    ]
    assert [(line["rule"], line["until"], line["state"], line["count"]) for line in lines] == [
        ("TA306", "2099-12-31", "used", 1),
        ("TA402", "2099-12-31", "unused", 0),
        ("TA306", "2020-12-31", "expired", 0),
    ]


def test_waivers_test_of_a_damaged_log(log: Path, waivers: Path) -> None:
    with log.open("ab") as file:
        file.write(b"damaged\n")
    for arguments in ([], ["--format", "json"]):
        result = run("waivers", "test", log, "-c", waivers, *arguments)
        assert result.exit_code == 2
        assert "not JSON" in result.stderr
        assert "TA306" in result.stdout


def test_jobs_and_findings_follow_the_policy(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [submit(0)])
    (tmp_path / "c.yaml").write_text("severities: [{rule: TA501, severity: off}]", encoding="utf-8")
    for command in ("jobs", "findings"):
        assert "TA501" in run(command, log).stdout
        assert "TA501" not in run(command, log, "--config", tmp_path / "c.yaml").stdout
