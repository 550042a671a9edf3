"""What all commands print with."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import run


def test_no_colours_in_a_pipe(folder: Path) -> None:
    assert "\x1b" not in run("check", folder / ".hidden").output
