"""Files as they are read: places that cannot be, and what ships parsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config.document import MAX_FILE_SIZE
from taskaudit.config.loading import load, load_settings
from taskaudit.config.settings import SHIPPED
from taskaudit.paths import configs_dir
from tests.config_files import message, written


def test_what_ships_parsed_is_read_as_the_text_is(tmp_path: Path) -> None:
    """A line more, and it is another text, which has to be parsed."""
    copy = tmp_path / "default.yaml"
    services = [f"./{name}.yaml" for name in SHIPPED]
    copy.write_text(f"catalogue: [{', '.join(services)}]\n", encoding="utf-8")
    for name in SHIPPED:
        text = (configs_dir() / "catalogue" / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.yaml").write_text(text + "# one line more\n", encoding="utf-8")
    shipped, parsed = load(), load(copy)
    assert parsed.services == shipped.services
    assert parsed.digest == shipped.digest
    default = (configs_dir() / "default.yaml").read_text(encoding="utf-8")
    copy.write_text(default + "# one line more\n", encoding="utf-8")
    assert load_settings(copy) == load_settings()


@pytest.mark.slow
def test_unreadable_places(tmp_path: Path) -> None:
    assert message(tmp_path / "none.yaml") == "none.yaml: no such file"
    (tmp_path / "dir").mkdir()
    assert message(tmp_path / "dir") == "dir: found a directory; expected a YAML file"
    assert "cannot be read" in message(written(tmp_path, "") / "below.yaml")
    assert "cannot be read" in message(tmp_path / "nul\0.yaml")
    large = written(tmp_path, b"#" * (MAX_FILE_SIZE + 1), "large.yaml")
    assert message(large).startswith("large.yaml: the file is larger than 4194304 bytes")
    deep = written(tmp_path, "catalogue: " + "[" * 1500, "deep.yaml")
    assert message(deep) == "deep.yaml: nested too deeply"
    written(tmp_path, "", "mine.yaml")
    assert message(written(tmp_path, "catalogue: [mine.yaml]")).startswith("mine.yaml: the file is empty")
    assert message(written(tmp_path, "catalogue: [./gone.yaml]")) == "gone.yaml: no such file"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, "")
    monkeypatch.setattr(Path, "open", refused)
    assert message(path) == "staging.yaml: the file cannot be read: Permission denied"
