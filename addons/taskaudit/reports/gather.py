"""Logs and captures, read into one report. A capture is audited first, as `check` would."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from msgspec import structs

from taskaudit.auditor import Auditor
from taskaudit.config.loading import Loaded
from taskaudit.contract.excerpt import escape
from taskaudit.exchange import Exchange, stable_id
from taskaudit.guard import failure, guarded, place_of
from taskaudit.known_ids import KnownIds
from taskaudit.lifecycle import Lifecycle
from taskaudit.log.decoding import coding_of
from taskaudit.log.file import Notice
from taskaudit.log.format import LogError
from taskaudit.log.reading import first_line, parts_beside
from taskaudit.offline.gathering import Gathering
from taskaudit.offline.judge import Pipes
from taskaudit.processes import Advance
from taskaudit.recording.recorder import Recorder
from taskaudit.reports.model import Report, report_of
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import STDIN, expand, is_log, read
from taskaudit.story.merged import Merged
from taskaudit.story.story import Since, of_all
from taskaudit.text.terminal import damage_text

CAPTURE = "capture"
"""The mode of sessions that read captures."""
STANDARD_INPUT = "standard input"
_LONGEST_NAME = 1000


def gather(
    paths: Iterable[Path],
    config: Loaded,
    *,
    clock: Callable[[], float] = time.time,
    advance: Advance | None = None,
    takes_logs: bool = True,
    since: Since = of_all,
) -> Report:
    """The report of these logs and captures; folders stand for the files in them.

    A log is read with its rotated files; a file that is named twice, once. What cannot be read is among
    `damaged`. Of what stands in a capture, the instance is the capture's name. `advance` is told the bytes
    that were read.
    """
    files = _once(expand(paths))
    logs = {path for path in files if takes_logs and holds_log(path)}
    merged = Merged()
    damaged = [*_logs(filter(logs.__contains__, files), merged, advance)]
    # After the logs, so that what stands there too is told from there, whatever the order.
    captures = _Captures(merged, config, clock())
    captures.read([path for path in files if path not in logs], advance)
    sources = map(name_of, files)
    settings = config.settings
    all_damaged = (*damaged, *captures.damaged)
    return report_of(merged, settings.thresholds, sources, clock(), all_damaged, config.policy, since=since)


def of_store(
    address: str, config: Loaded, *, clock: Callable[[], float] = time.time, since: Since = of_all
) -> Report:
    """The report of what was loaded into a store; its source is the store. Raises StoreError."""
    # Here, because most reports are told from files.
    from taskaudit.store.address import parse, shown
    from taskaudit.store.reading import read as read_store

    merged, settings = read_store(address), config.settings
    sources = (escape(shown(parse(address)), _LONGEST_NAME),)
    return report_of(merged, settings.thresholds, sources, clock(), policy=config.policy, since=since)


def _logs(paths: Iterable[Path], merged: Merged, advance: Advance | None) -> Iterator[str]:
    """Takes whole logs; gives a message for each that cannot be read."""
    for path in paths:
        try:
            merged.read(path)
        except LogError as error:
            yield escape(str(error), _LONGEST_NAME)
        if advance and path.exists():
            advance(path.stat().st_size)


def holds_log(path: Path) -> bool:
    """Also where it is compressed, or only its rotated files are there. A pipe is not looked at."""
    if path == STDIN or path.is_dir():
        return False
    if not path.exists():
        return bool(parts_beside(path))
    return path.is_file() and (is_log(path) or _is_packed(path))


def _is_packed(path: Path) -> bool:
    """Whether it is a compressed log; a capture may be compressed, too."""
    try:
        with path.open("rb") as file:
            return coding_of(file) is not None and first_line(file) is not None
    except OSError:
        return False


def name_of(path: Path) -> str:
    """What a source is called. A name may hold anything, even bytes that are no text."""
    return STANDARD_INPUT if path == STDIN else escape(str(path), _LONGEST_NAME)


def _once(paths: Iterable[Path]) -> list[Path]:
    by_file = {path if path == STDIN else os.path.realpath(path): path for path in reversed(list(paths))}
    return list(reversed(by_file.values()))


class _Captures:
    """Audits captures, a session each, as if a log had been written."""

    def __init__(self, merged: Merged, config: Loaded, now: float) -> None:
        self.damaged: list[str] = []
        self._merged = merged
        self._config = config
        # Captures are judged as of today, as `check` does; logs as they were recorded.
        self._auditor = Auditor.under(config, now)

    def read(self, paths: Sequence[Path], advance: Advance | None) -> None:
        """Takes all that is in captures; damage is noted, and what the audit fails at."""
        with closing(Pipes()) as pipes, closing(Gathering()) as seen:
            # Jobs may be asked for in a capture that comes before the one with their submission.
            seen.read(self._auditor, paths, advance, pipes)
            pipes.rewind()
            for path in paths:
                self._read(path, seen.ids.known, pipes)

    def _read(self, path: Path, known: KnownIds, pipes: Pipes) -> None:
        recorder = self._recorder(path)
        for item in read(path, self._auditor.limit, stream=pipes.of(path)):
            source = path / item.member if item.member else path
            if isinstance(item, Damage):
                self.damaged.append(damage_text(name_of(source), item).plain)
            elif isinstance(item, Captured):
                captured = Captured(item.index, _told_apart(item.exchange, source))
                guarded(
                    partial(self._take, recorder, captured, known),
                    partial(self._fail, recorder, captured, name_of(source)),
                )
        if recorder.totals.seen:
            recorder.stop()

    def _take(self, recorder: Recorder, item: Captured, known: KnownIds) -> None:
        recorder.record(self._auditor.look(item.exchange, known=known))

    def _fail(self, recorder: Recorder, item: Captured, name: str, error: Exception) -> None:
        recorder.record(failure(item.exchange, error))
        self.damaged.append(f"{name}[{item.index}]: the audit failed (TA901): {place_of(error)}")

    def _recorder(self, path: Path) -> Recorder:
        return Recorder(
            _Lines(self._merged),
            instance_id=name_of(path),
            mode=CAPTURE,
            config_digest=self._config.digest,
            lifecycle=Lifecycle(self._config.settings.thresholds),
            policy=self._auditor.policy,
            # Not the time of reading: a log whose session is still open would be judged at that time.
            clock=lambda: self._merged.last,
        )


class _Lines:
    """Takes the records of a capture, in place of a log file."""

    path = Path(CAPTURE)
    is_empty = False
    trouble = None

    def __init__(self, merged: Merged) -> None:
        self._merged = merged

    def append(self, lines: bytes, /) -> None:
        self._merged.take(self.path, 0, lines.splitlines())

    def notices(self) -> tuple[Notice, ...]:
        return ()

    def prepare(self, coming: int = 0, /) -> None: ...

    def committed(self) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> int:
        return 0


def _told_apart(exchange: Exchange, source: Path) -> Exchange:
    """Printed answers are told apart by their file: two may be equal to the byte."""
    if not exchange.is_printed:
        return exchange
    return structs.replace(exchange, exchange_id=stable_id(exchange.exchange_id, source))
