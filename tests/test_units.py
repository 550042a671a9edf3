"""Sizes and times as people write them, in a configuration."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from taskaudit.config.loading import load
from taskaudit.config.settings import settings_schema

EQUAL = [
    ("inspection_limit: {}", ["1048576", "1MiB", "1 mib", "'1048576'", "1024KiB", "1048576b"]),
    ("inspection_limit: {}", ["2000000", "2MB", "0.002GB"]),
    ("query_within: {}", ["300", "300.0", "5m", "300s", "5 M"]),
    ("min_interval: {}", ["0.5", "500ms", "0.5s"]),
    ("log: {{rotate_bytes: {}}}", ["100000000", "100MB"]),
    ("log: {{rotate_seconds: {}}}", ["86400", "24h", "1d"]),
    ("log: {{keep_days: {}}}", ["14", "2w", "14d", "336h"]),
]


@pytest.mark.parametrize(("form", "values"), EQUAL)
def test_equal_meanings_have_one_digest(form: str, values: list[str], tmp_path: Path) -> None:
    path, digests = tmp_path / "c.yaml", set()
    for value in values:
        path.write_text(form.format(value), encoding="utf-8")
        digests.add(load(path).digest)
    assert len(digests) == 1
    assert digests != {load().digest} or form.format(values[0]) in (
        "inspection_limit: 1048576",
        "query_within: 300",
    )


@pytest.mark.parametrize(
    ("value", "fits"),
    [(300, True), ("5m", True), ("5 M", True), ("soon", False), (-1, False), ("5 min", False)],
)
def test_an_editor_knows_the_forms(value: object, fits: bool) -> None:
    schema = jsonschema_rs.Draft202012Validator(settings_schema())
    assert schema.is_valid({"query_within": value}) is fits
