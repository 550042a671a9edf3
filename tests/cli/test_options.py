"""What all commands take: languages, files, and what is said where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.contract.rules import RULES
from tests.cli.running import ENVIRONMENT, WAIVERS, run
from tests.samples import BAD_ERROR
from tests.stories import submit, write_log


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


@pytest.mark.parametrize("command", ["check", "report", "bug"])
def test_the_language_before_the_command(command: str) -> None:
    told = [
        run(*words, "-", stdin=BAD_ERROR).stdout
        for words in (["--lang", "zh", command], [command, "--lang", "zh"])
    ]
    assert told[0].splitlines()[0] == told[1].splitlines()[0]
    assert not told[0].isascii()


def test_a_wrong_language_of_the_environment() -> None:
    result = CliRunner().invoke(app, ["explain", "TA306"], env={"TASKAUDIT_LANG": "Chinese"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'taskaudit: TASKAUDIT_LANG is "Chinese"; expected en or zh\n'


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
