"""The settings: their defaults, as the shipped file shows them, and their schema."""

from __future__ import annotations

import jsonschema_rs

from taskaudit.config.loading import load_settings
from taskaudit.config.settings import SHIPPED, Settings, settings_schema
from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.log import LogSettings
from taskaudit.paths import configs_dir


def test_defaults() -> None:
    assert load_settings() == Settings()
    assert Settings().inspection_limit == DEFAULT_LIMIT
    assert Settings().unlisted == "detect"
    assert Settings().instance_id is None


def test_default_file_shows_every_setting() -> None:
    shown = (configs_dir() / "default.yaml").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"\n{name}:" not in shown] == []
    assert [name for name in LogSettings.model_fields if f"\n  {name}:" not in shown] == []


def test_shipped_names_are_the_shipped_files() -> None:
    assert sorted(SHIPPED) == sorted(path.stem for path in (configs_dir() / "catalogue").iterdir())


def test_schema_describes_every_setting() -> None:
    schema = settings_schema()
    jsonschema_rs.meta.validate(schema)
    assert [name for name, told in schema["properties"].items() if not told.get("description")] == []
    assert schema["additionalProperties"] is False
