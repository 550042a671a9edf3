"""The shipped files are found in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.paths import addon_script, configs_dir

IN_WHEEL = ("site/taskaudit", "site/taskaudit/configs", "site/taskaudit/audit_tasks.py")
IN_CHECKOUT = ("root/addons/taskaudit", "root/configs", "root/addons/audit_tasks.py")


@pytest.mark.parametrize(("package", "configs", "script"), [IN_WHEEL, IN_CHECKOUT], ids=["wheel", "checkout"])
def test_lies_where_it_was_installed(tmp_path: Path, package: str, configs: str, script: str) -> None:
    (tmp_path / package).mkdir(parents=True)
    (tmp_path / configs).mkdir()
    (tmp_path / script).touch()
    assert configs_dir(tmp_path / package) == tmp_path / configs
    assert addon_script(tmp_path / package) == tmp_path / script


def test_this_installation_is_whole() -> None:
    assert (configs_dir() / "default.yaml").is_file()
    assert "addons = " in addon_script().read_text(encoding="utf-8")
