"""`taskaudit config`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from ruamel.yaml import YAML
from syrupy.assertion import SnapshotAssertion

from taskaudit.config.loading import load
from taskaudit.paths import configs_dir
from tests.cli.running import run


def test_the_schema_fits_the_shipped_configuration() -> None:
    schema = json.loads(run("config", "schema").stdout)
    jsonschema_rs.meta.validate(schema)
    default = YAML(typ="safe").load((configs_dir() / "default.yaml").read_text(encoding="utf-8"))
    jsonschema_rs.Draft202012Validator(schema).validate(default)


def test_the_shipped_configuration_is_right() -> None:
    result = run("config", "check", configs_dir() / "default.yaml")
    assert result.exit_code == 0
    assert "default.yaml: ok; " in result.stdout


def test_init_writes_a_file_that_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("config", "init").stdout == "taskaudit.yaml: written; keep what you change, delete the rest\n"
    assert Path("taskaudit.yaml").read_text(encoding="utf-8").startswith("# Every setting of taskaudit")
    assert run("config", "check", "taskaudit.yaml").exit_code == 0
    assert load(Path("taskaudit.yaml")).digest == load().digest


def test_init_replaces_nothing_unless_told_to(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("unlisted: ignore\n", encoding="utf-8")
    result = run("config", "init", own)
    assert (result.exit_code, result.stderr) == (
        2,
        f"taskaudit: {own} is there already; --force replaces it\n",
    )
    assert own.read_text(encoding="utf-8") == "unlisted: ignore\n"
    assert run("config", "init", own, "--force").exit_code == 0
    assert "unlisted: detect" in own.read_text(encoding="utf-8")
    assert run("config", "init", tmp_path / "no" / "where.yaml").exit_code == 2


WRONG = """\
unlistd: ignore
inspection_limit: 10XB
query_within: soon
catalogue: [ecss, evs, evs, ./nofile.yaml]
log:
  rotate_bytes: 1KB
waivers:
  - {rule: TA3066, reason: a, owner: b, until: soon}
"""


def test_check_tells_every_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.yaml").write_text(WRONG, encoding="utf-8")
    result = run("config", "check", "wrong.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == snapshot
    # A route can be judged only where all services are there.
    Path("wrong.yaml").write_text(
        "limit: 1\nwaivers: [{route: ecs:CreateServer}, {route: x}]\n", encoding="utf-8"
    )
    told = run("config", "check", "wrong.yaml").stderr
    assert told.count("no service lists a route") == 2
    assert 'did you mean "ecs:CreateServers"?' in told
    assert 'unknown key "limit"' in told
    assert told.count("is missing in waivers") == 8


def test_other_commands_name_the_first_mistake(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG, encoding="utf-8")
    result = run("check", "-c", path, "-", stdin="{}")
    assert result.stderr == f'taskaudit: {path}, line 1: unknown key "unlistd"; did you mean "unlisted"?\n'
