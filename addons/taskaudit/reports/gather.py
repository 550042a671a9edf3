"""Logs and captures, read into one report. A capture is audited first, as `check` would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from taskaudit.auditor import Auditor
from taskaudit.config import Loaded
from taskaudit.merged import Merged
from taskaudit.recorder import Recorder
from taskaudit.reports.model import Report, report_of
from taskaudit.sources.captured import Damage
from taskaudit.sources.reading import STDIN, expand, is_log, read
from taskaudit.terminal import damage_text

CAPTURE = "capture"
"""The instance that exchanges of captures are told of."""


def gather(paths: Iterable[Path], config: Loaded, *, clock: Callable[[], float] = time.time) -> Report:
    """The report of these logs and captures; folders stand for the files in them. Raises LogError."""
    merged = Merged()
    captured = _Captured(merged)
    auditor = Auditor(config.catalogue, config.settings.inspection_limit)
    recorder = Recorder(captured, instance_id=CAPTURE, mode=CAPTURE, config_digest=config.digest, clock=clock)
    sources: list[str] = []
    damaged: list[str] = []
    for path in expand(paths):
        sources.append("standard input" if path == STDIN else str(path))
        if path != STDIN and is_log(path):
            merged.read(path)
        else:
            damaged.extend(_capture(path, auditor, recorder))
    if recorder.totals.seen:
        recorder.stop()
    return report_of(merged, config.settings.thresholds, sources, clock(), damaged)


class _Captured:
    """Takes the records of captures, in place of a log file."""

    def __init__(self, merged: Merged) -> None:
        self.path = Path(CAPTURE)
        self.repaired: Path | None = None
        self._merged = merged

    def append(self, lines: bytes) -> None:
        for line in lines.splitlines():
            self._merged.add(self.path, 0, json.loads(line))

    def close(self) -> None: ...


def _capture(path: Path, auditor: Auditor, recorder: Recorder) -> Iterable[str]:
    for item in read(path, auditor.limit):
        if isinstance(item, Damage):
            yield damage_text(str(path), item).plain
        else:
            recorder.record(auditor.look(item.exchange))
