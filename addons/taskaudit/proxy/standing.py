"""The audit that stands behind mitmproxy's hooks: configuration and log, replaced together or not at all."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from taskaudit.auditor import Auditor, Outcome
from taskaudit.config.document import ConfigError
from taskaudit.config.loading import Loaded, load, load_settings
from taskaudit.config.settings import SHIPPED
from taskaudit.contract.excerpt import escape
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language
from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Late, Lifecycle
from taskaudit.listener.access import Address, parse_address
from taskaudit.listener.drawing import Shown
from taskaudit.listener.health import Health
from taskaudit.listener.hook_time import HookTime
from taskaudit.listener.metrics import Measured
from taskaudit.listener.server import Listener
from taskaudit.log import LogError, LogFile
from taskaudit.log.record import Fault
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.reports.model import Report, live_report
from taskaudit.text.coverage import coverage_line
from taskaudit.text.language import chosen
from taskaudit.totals import Totals

logger = logging.getLogger(__name__)

STATS_EVERY = 60
"""Ticks between two `stats` records."""
_LONGEST_MESSAGE = 500
_CONFIGURATION = "configuration"

type States = dict[Path, object]
"""Of files: what is another when one of them is changed."""


class Wanted(NamedTuple):
    """What mitmproxy's options ask for; without `config` the shipped one, without `listen` no listener."""

    config: Path | None
    log: Path
    listen: Address | None
    mode: str
    baseline: Path | None = None


def wanted(config: str, log: str, listen: str, mode: str, baseline: str = "") -> Wanted:
    """The options, as people write them. Raises LogError, ValueError."""
    if not log:
        raise LogError("taskaudit_log is empty: name the file for the records")
    return Wanted(
        Path(config).expanduser() if config else None,
        Path(log).expanduser(),
        parse_address(listen) if listen else None,
        mode,
        Path(baseline).expanduser() if baseline else None,
    )


class Standing:
    """Configuration, log and session in force, and what is counted over all sessions since the start.

    `is_sound`: at the stop all records were in the log, and it was where its path leads.
    `is_watched`: somebody can see the live story, so it is kept.
    """

    def __init__(self) -> None:
        self.auditor: Auditor | None = None
        self.recorder: Recorder | None = None
        self.board: Board | None = None
        self.config: Loaded | None = None
        self.listener: Listener | None = None
        self.language = Language.EN
        self.lifecycle: Lifecycle[Outcome] = Lifecycle()
        self.health = Health(lambda: self.recorder.failing if self.recorder else None)
        self.hook_time = HookTime()
        self.ticks = 0
        self.is_sound = True
        self._wanted: Wanted | None = None
        self._files: States = {}
        self._ended = Totals()
        self._is_running = False

    def set_up(self, options: Wanted, *, is_watched: bool) -> None:
        """Replaces all, or nothing. Raises ConfigError, LogError, ListenError."""
        self.language = _language()
        config = self._load(options.config, options.baseline)
        listener = self._listener(options)
        try:
            self._begin(options, config, is_watched or options.listen is not None)
        except LogError:
            if listener is not None and listener is not self.listener:
                listener.stop()
            raise
        if self.listener is not None and self.listener is not listener:
            self.listener.stop()
        self.listener, self.config, self._wanted = listener, config, options
        self.health.rejected = None

    def start(self) -> None:
        """Begins the session, now that the proxy runs: a start that fails leaves none behind."""
        self._is_running = True
        if self.recorder is not None and not self.recorder.is_started:
            self.recorder.start()

    def renew(self) -> None:
        """Opens the log anew, and reads the configuration; a wrong one is refused, and told."""
        if self.recorder is not None:
            self.recorder.reopen()
        if self._wanted is not None:
            self._reload(self._wanted)

    def listen(self) -> None:
        """Answers on the listener, where there is one. Needs a running event loop."""
        if self.listener is None or self.listener.is_started or self.board is None:
            return
        self.listener.start(Shown(self.version, self._take, self.language), self.health, self.measured)
        logger.info("taskaudit: status page: %s", self.listener.url)

    def tick(self) -> list[Late[Outcome]]:
        """A second has gone by: gives the findings that have become true, and looks after the rest."""
        self.ticks += 1
        recorder = self.recorder
        if recorder is None:
            return []
        late = recorder.due()
        if self.ticks % STATS_EVERY == 0:
            recorder.stats()
            self._keep_date(recorder)
        if self._wanted is not None and self._files != _states(self._files):
            self._reload(self._wanted)
        return late

    def stop(self) -> None:
        """Ends the session, the last one."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None and recorder.is_started:
            self.is_sound = recorder.stop()
            self._ended.include(recorder.totals)
            logger.info("taskaudit: %s", coverage_line(self._ended))
        elif recorder is not None:
            recorder.log.close()
        if self.listener is not None:
            self.listener.stop()

    def totals(self) -> Totals:
        """What was counted since the start, over all sessions."""
        totals = Totals()
        totals.include(self._ended)
        if self.recorder is not None:
            totals.include(self.recorder.totals)
        return totals

    def measured(self) -> Measured:
        """What `/metrics` tells."""
        lifecycle = self.lifecycle
        return Measured(
            self.totals(),
            self.hook_time,
            lifecycle.open_jobs,
            lifecycle.evicted,
            not list(self.health.reasons()),
        )

    def status(self) -> str:
        """How the audit is, in one line."""
        return "; ".join(self.health.reasons()) or coverage_line(self.totals())

    def has(self, fail_on: Severity) -> bool:
        """Whether there was a finding of that severity, or worse; waived ones aside."""
        return self.totals().has(fail_on)

    def version(self) -> str:
        """Changes whenever the status page would; no two runs have the same."""
        recorder, board = self.recorder, self.board
        session = recorder.stamp.session_id if recorder else ""
        seen = recorder.totals.seen if recorder else 0
        troubles = stable_id(*self.health.reasons())[:8]
        return f"{session}-{board.changes if board else 0}-{seen}-{troubles}"

    def _take(self) -> Callable[[], Report]:
        assert self.board is not None
        return partial(live_report, self.board.snapshot(), time.time(), [*self.health.reasons(self.language)])

    def _listener(self, options: Wanted) -> Listener | None:
        """The one there is, where it listens where it should, or a new one. Raises ListenError."""
        if self._wanted is not None and self._wanted.listen == options.listen:
            return self.listener
        return Listener(options.listen, os.environ) if options.listen else None

    def _begin(self, options: Wanted, config: Loaded, is_watched: bool) -> None:
        """A new session, unless all is as it was: mitmproxy takes back a change that was refused."""
        before = self.recorder
        is_seen_anew = is_watched and self.board is None
        as_it_was = before is not None and (before.log.path, before.config_digest) == (
            options.log,
            config.digest,
        )
        if as_it_was and not is_seen_anew:
            return
        log, is_same = self._log(options, config)
        if is_seen_anew:
            self.board = Board()
        auditor = Auditor.under(config, time.time())
        self.lifecycle.thresholds = config.settings.thresholds
        recorder = Recorder(
            log,
            instance_id=config.settings.instance_id or socket.gethostname(),
            mode=options.mode,
            config_digest=config.digest,
            lifecycle=self.lifecycle,
            policy=auditor.policy,
            board=self.board,
        )
        if before is not None and before.is_started:
            before.stop(close=not is_same, is_last=False)
            self._ended.include(before.totals)
        elif before is not None and not is_same:
            before.log.close()
        self.recorder = recorder
        self.auditor = auditor
        if self._is_running:
            self.start()

    def _log(self, options: Wanted, config: Loaded) -> tuple[LogFile, bool]:
        """The log, and whether it is the one that was written so far. Raises LogError."""
        before = self.recorder.log if self.recorder else None
        if isinstance(before, LogFile) and before.path == options.log:
            before.settings = config.settings.log
            return before, True
        return LogFile(options.log, config.settings.log), False

    def _reload(self, options: Wanted) -> None:
        try:
            self.set_up(options, is_watched=self.board is not None)
        except (ConfigError, LogError) as error:
            self._reject(str(error))
        else:
            logger.info("taskaudit: configuration read anew", extra={"about": _CONFIGURATION})

    def _keep_date(self, recorder: Recorder) -> None:
        """Waivers end with their last day, also while the proxy runs."""
        if self.config is None or self.auditor is None:
            return
        auditor = Auditor.under(self.config, time.time())
        if auditor.policy.expired != self.auditor.policy.expired:
            self.auditor, recorder.policy = auditor, auditor.policy
            recorder.tell_expired()

    def _reject(self, message: str) -> None:
        self.health.rejected = escape(message, _LONGEST_MESSAGE)
        told = {"about": _CONFIGURATION}
        logger.error("taskaudit: %s; the last good configuration stays in force", message, extra=told)
        if self.recorder is not None:
            self.recorder.fault(Fault(reason="config_rejected", rule=None, message=self.health.rejected))

    def _load(self, path: Path | None, baseline: Path | None) -> Loaded:
        """Reads a configuration, and notes how its files were before that: what changes meanwhile is seen."""
        self._files = _states([*(_files_of(path) if path else ()), *([baseline] if baseline else ())])
        return load(path, baseline)


def _states(files: Iterable[Path]) -> States:
    return {path: _state_of(path) for path in files}


def _state_of(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _files_of(path: Path) -> Iterator[Path]:
    """A configuration, right or wrong, and the service files it names: one put right may be what heals it."""
    yield path
    with suppress(ConfigError):
        entries = load_settings(path).catalogue
        yield from (path.parent / entry for entry in entries if entry not in SHIPPED)


def _language() -> Language:
    """As for the command line, which tells by its environment, too. Raises ConfigError."""
    try:
        return chosen(None, os.environ)
    except ValueError as error:
        raise ConfigError(str(error)) from error
