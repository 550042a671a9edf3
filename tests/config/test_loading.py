"""What is loaded: defaults, settings, services of one's own, and a digest of what they mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskaudit.config.loading import load, load_settings
from taskaudit.config.settings import Settings
from tests.config_files import SERVICE, written


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "---\n", "null\n", "{}", "\ufeff# mark\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, content: str) -> None:
    assert load_settings(written(tmp_path, content)) == Settings()


def test_all_settings(tmp_path: Path) -> None:
    content = (
        "unlisted: ignore\ninspection_limit: 0x800\ncatalogue: [ecs, ./mine.yaml]\ninstance_id: 2026-01-01\n"
    )
    written(tmp_path, SERVICE, "mine.yaml")
    loaded = load(written(tmp_path, content))
    assert loaded.settings.inspection_limit == 2048
    assert loaded.settings.instance_id == "2026-01-01"
    assert loaded.catalogue.unlisted == "ignore"
    assert [service.service for service in loaded.services] == ["ecs", "mine"]
    assert loaded.catalogue.match("POST", "/tasks") is not None


def test_digest_is_of_the_meaning(tmp_path: Path) -> None:
    one = load(written(tmp_path, "unlisted: detect\n"))
    same = load(written(tmp_path, "# a comment\ninspection_limit: 1048576\n", "other.yaml"))
    changed = load(written(tmp_path, "unlisted: ignore\n", "third.yaml"))
    assert one.digest == same.digest == load().digest
    assert len(one.digest) == 64
    assert changed.digest != one.digest


def test_digest_tells_a_changed_route(tmp_path: Path) -> None:
    config = written(tmp_path, "catalogue: [mine.yml]\n")
    written(tmp_path, SERVICE, "mine.yml")
    before = load(config).digest
    written(tmp_path, SERVICE.replace("/tasks", "/jobs"), "mine.yml")
    assert load(config).digest != before


def test_import_is_light() -> None:
    asked = "import sys, taskaudit.config.loading; print({'mitmproxy', 'ruamel.yaml'} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
