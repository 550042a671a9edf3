"""A log to work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.recording.recorder import Recorder
from tests.samples import BAD_ERROR, outcome


@pytest.fixture
def written(recorder: Recorder, log_path: Path) -> bytes:
    """A closed log with some records, the last one a stop."""
    recorder.record(outcome())
    recorder.record(outcome(BAD_ERROR, 400))
    recorder.stop()
    return log_path.read_bytes()
