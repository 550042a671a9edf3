"""`taskaudit config`."""

from __future__ import annotations

import json

import jsonschema_rs
from ruamel.yaml import YAML

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
