"""What can be set of the log."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from taskaudit.log.settings import LogSettings


def test_the_default_is_one_file_that_grows() -> None:
    settings = LogSettings()
    assert settings.rotate_bytes is settings.rotate_seconds is None
    assert (settings.fsync, settings.tidies) == ("off", False)


@pytest.mark.parametrize("told", [{"compress": "zstd"}, {"keep_files": 1}, {"keep_days": 0.5}])
def test_what_makes_work(told: dict[str, Any]) -> None:
    assert LogSettings(**told).tidies


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotate_bytes": 65535},
        {"rotate_bytes": 1e6},
        {"rotate_seconds": 0.5},
        {"rotate_seconds": float("inf")},
        {"compress": "gzip"},
        {"keep_files": 0},
        {"keep_days": 0},
        {"fsync": "on"},
        {"fsnyc": "off"},
    ],
)
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LogSettings(**wrong)
