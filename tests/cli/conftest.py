"""Captures, logs and configurations that commands are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.recording.recorder import Recorder
from tests.cli.running import WAIVERS
from tests.samples import BAD_ERROR, ERROR, JOB, outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with captures, one in a folder below it, one hidden."""
    (tmp_path / "below").mkdir()
    (tmp_path / ".hidden").write_text(BAD_ERROR, encoding="utf-8")
    (tmp_path / "job.json").write_text(JOB, encoding="utf-8")
    (tmp_path / "below" / "error.json").write_text(ERROR, encoding="utf-8")
    return tmp_path


@pytest.fixture
def log(recorder: Recorder, log_path: Path) -> Path:
    """A log with two jobs."""
    recorder.record(outcome())
    recorder.record(outcome('{"job_id": "=1+1"}', path="/v9/things"))
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.stop()
    return log_path


@pytest.fixture
def waivers(tmp_path: Path) -> Path:
    """A configuration with a waiver that BAD_ERROR needs, one that nothing needs, and one that has ended."""
    path = tmp_path / "waivers.yaml"
    unused, expired = WAIVERS.replace("TA306", "TA402"), WAIVERS.replace("2099", "2020")
    entries = [text.removeprefix("waivers: [").removesuffix("]\n") for text in (WAIVERS, unused, expired)]
    path.write_text("waivers:\n" + "".join(f"- {entry}\n" for entry in entries), encoding="utf-8")
    return path
