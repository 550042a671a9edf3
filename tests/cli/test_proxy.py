"""`taskaudit addon`; `web` and `tui` start real proxies, in `tests/live/`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import run


def test_the_addon_is_there() -> None:
    path = Path(run("addon").stdout.strip())
    assert path.is_absolute()
    assert "addons" in path.read_text(encoding="utf-8")
