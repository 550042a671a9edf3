"""The mitmproxy addon: looks at answers as they pass, and never alters them.

The records of a buffered answer are in the log (`write(2)` has returned) before mitmproxy sends the answer
on: hooks are synchronous, and the `response` hook ends before the client gets its first byte.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf

from mitmproxy import contentviews, ctx, exceptions, hooks, http
from mitmproxy.addonmanager import Loader
from mitmproxy.flow import Flow
from msgspec import structs

from taskaudit.auditor import Auditor, Outcome
from taskaudit.catalogue import Match, Role
from taskaudit.config.document import ConfigError
from taskaudit.contract.answer import Answer
from taskaudit.contract.rules.audit import TA901
from taskaudit.contract.verdict import Finding
from taskaudit.contract.words import Language
from taskaudit.exchange import Exchange, stable_id
from taskaudit.guard import failure, guarded, place_of
from taskaudit.lifecycle import Late
from taskaudit.listener.server import ListenError
from taskaudit.log import LogError
from taskaudit.log.record import Fault
from taskaudit.proxy.annotate import add, annotate, clear, late_findings
from taskaudit.proxy.commands import Commands, flow_list
from taskaudit.proxy.distrust import distrust
from taskaudit.proxy.first_run import idle
from taskaudit.proxy.in_flight import InFlight, cut, kill
from taskaudit.proxy.passed_on import certificate_in, modes_of
from taskaudit.proxy.standing import Standing, Wanted, wanted
from taskaudit.proxy.tee import Tee
from taskaudit.proxy.telling import tell, tell_distrust, tell_findings, tell_late
from taskaudit.proxy.view import TaskResponse
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.sources.flow import exchange_of, host_of
from taskaudit.text.streams import escape_what_is_not_encoded

logger = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks at the clock."""
IDLE = 30
"""After how many looks at the clock without a request it says what to check."""
_REMEMBERED = 20_000
type _Step = Callable[[http.HTTPFlow, Auditor, Recorder], None]
_OPTIONS = ("taskaudit_config", "taskaudit_log", "taskaudit_listen", "taskaudit_baseline")


class TaskAudit:
    """Audits every HTTP exchange that mitmproxy handles, loads or replays.

    `headless`: nobody looks on, so that what is well is not told, and flows are annotated only to be saved.
    """

    name = "taskaudit"

    def __init__(self, *, headless: bool = False) -> None:
        self.standing = Standing()
        self.addons = [Commands(self)]
        self.in_flight = InFlight()
        self._is_headless = headless
        self._tell = tell_findings if headless else tell
        self._annotates = True
        self._recorded: OrderedDict[str, None] = OrderedDict()
        self._timer: asyncio.Task[None] | None = None
        self._is_running = False
        self._is_over = False

    @property
    def board(self) -> Board | None:
        """The story so far, where somebody can see it."""
        return self.standing.board

    @property
    def language(self) -> Language:
        """Of what people read."""
        return self.standing.language

    @property
    def page(self) -> str | None:
        """The address of the status page, None where there is none."""
        listener = self.standing.listener
        return listener.url if listener else None

    def load(self, loader: Loader) -> None:
        """Declares the options."""
        escape_what_is_not_encoded()  # Else a line of the log that cannot be printed is an audit that failed.
        loader.add_option(
            "taskaudit_config", str, "", "Configuration file of the task audit (YAML); empty: the defaults."
        )
        loader.add_option(
            "taskaudit_log", str, "taskaudit.ndjson", "File that the task audit appends its records to."
        )
        loader.add_option(
            "taskaudit_baseline",
            str,
            "",
            "Findings that were there before, written by `taskaudit findings --write-baseline`: they count "
            "as waived; empty: none.",
        )
        loader.add_option(
            "taskaudit_listen",
            str,
            "",
            "Where the task audit serves its status page, /healthz, /metrics: [HOST:]PORT; empty: nowhere. "
            "The page needs the token in TASKAUDIT_TOKEN, or else one that is part of the printed address.",
        )
        contentviews.add(TaskResponse(self))

    def configure(self, updated: set[str]) -> None:
        """Reads the configuration and opens the log, before the first flow.

        At the start a mistake is logged as an error, on which mitmproxy exits with status 1; later the change
        is refused, and the audit goes on as it was.
        """
        self._tell = tell_findings if self._is_headless or not _is_info_shown() else tell
        self._annotates = not self._is_headless or _has_addon("save")
        if not any(option in updated for option in _OPTIONS):
            return
        try:
            self.standing.set_up(_wanted(), is_watched=flow_list() is not None)
        except (ConfigError, LogError, ListenError, ValueError) as error:
            if self._is_running:
                raise exceptions.OptionsError(f"taskaudit: {error}") from error  # type: ignore[no-untyped-call]
            logger.error("taskaudit: %s; the audit has not started", error)
        if self._is_running:
            self.standing.listen()

    def running(self) -> None:
        """Refuses misspelt options, which mitmproxy passes over, and starts the timer."""
        self._is_running = True
        for option in ctx.options.deferred:
            if option.startswith("taskaudit"):
                nearest = difflib.get_close_matches(option, _OPTIONS, n=1, cutoff=0)[0]
                logger.error('taskaudit: unknown option "%s"; did you mean "%s"?', option, nearest)
        self.standing.start()
        if self.standing.recorder is not None:
            logger.info("taskaudit: recording into %s", self.standing.recorder.log.path)
            self.standing.listen()
            self._timer = asyncio.create_task(self._keep_time())

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Notes a request, so that none is forgotten that never gets an answer."""
        if self._is_over:
            kill(flow)
            return
        self.in_flight.begin(flow)
        if flow.metadata and flow.response is None:  # A loaded one is annotated anew with its answer.
            self._guarded(flow, lambda flow, *_: clear(flow), counted=False)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Tees the answer of a request in scope where it is going to be streamed."""
        if self._is_over:
            kill(flow)
            return
        if flow.response is not None and flow.response.stream:
            self._timed(flow, self._tee, counted=False)

    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Audits and records a whole answer; with `fsync: batch` it waits until that is on the disk."""
        if self._is_over:
            kill(flow)
            return None
        if flow.error is None:  # Else the `error` hook follows: live, such a flow has that one only.
            self._timed(flow, self._look)
        recorder = self.standing.recorder
        committed = recorder.committed() if recorder else None
        self.in_flight.end(flow, committed)
        return committed

    def error(self, flow: http.HTTPFlow) -> None:
        """Records an exchange that ended without a whole answer."""
        self.in_flight.end(flow)
        self._timed(flow, self._look)

    def done(self) -> None:
        """Accounts for what is still under way, and closes the session.

        mitmproxy handles traffic for a moment longer. What it would still send to a client has no record, so
        it is killed; but not where this instance is replaced, and the next one records the answer.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._is_over = ctx.master.should_exit.is_set()
        for flow in self.in_flight.flows():
            self._guarded(flow, self._abandon)
            if self._is_over:
                cut(flow)
        self.standing.stop()

    def pass_by(self) -> None:
        """Counts what went by unseen, as it is out of scope."""
        if self.standing.recorder is not None:
            self.standing.recorder.pass_by()

    def look_again(self, flow: http.HTTPFlow) -> Outcome | None:
        """The outcome of a flow as it is now, with what has come of its job; None if it is none of ours."""
        auditor = self.standing.auditor
        if auditor is None or (flow.response is None and flow.error is None):
            return None
        exchange = _exchange(flow)
        known = self.standing.lifecycle.known
        outcome = auditor.look(exchange, _match(flow, auditor), known)
        if outcome.role is Role.OTHER:
            return None
        return structs.replace(outcome, late=late_findings(flow, exchange.exchange_id))

    def renew(self, flow: http.HTTPFlow) -> None:
        """Audits a flow again and annotates it anew; nothing is recorded."""
        if flow not in self.in_flight:
            self._look_anew(flow)

    def _look_anew(self, flow: http.HTTPFlow) -> None:
        _annotate_or_clear(flow, self.look_again(flow))

    def _timed(self, flow: http.HTTPFlow, step: _Step, *, counted: bool = True) -> None:
        began = time.perf_counter()
        self._guarded(flow, step, counted=counted)
        self.standing.hook_time.add(time.perf_counter() - began)

    def _guarded(
        self,
        flow: http.HTTPFlow,
        step: _Step,
        *,
        counted: bool = True,
    ) -> None:
        """`counted`: the step ends the exchange, so that its failure leaves that one unaudited."""
        auditor, recorder = self.standing.auditor, self.standing.recorder
        if auditor is None or recorder is None:
            return
        if not recorder.is_started:  # An answer may come before `running`.
            self.standing.start()
        guarded(partial(step, flow, auditor, recorder), partial(self._failed, flow, recorder, counted))

    def _tee(self, flow: http.HTTPFlow, auditor: Auditor, recorder: Recorder) -> None:
        response = flow.response
        if response is not None and response.stream and _is_in_scope(flow, auditor, recorder):
            response.stream = Tee(auditor.limit, response.stream if callable(response.stream) else None)

    def _look(self, flow: http.HTTPFlow, auditor: Auditor, recorder: Recorder) -> None:
        match = _match(flow, auditor)
        if (
            match is None
            and not auditor.may_be_unlisted_submission(flow.request.method)
            and not _asks_for_a_job(flow, recorder)
        ):
            recorder.pass_by()
            if flow.metadata:  # It may have been in scope once, under another configuration.
                self._annotate(flow, None)
            return
        exchange = _exchange(flow)
        if not self._is_first(exchange):
            self._guarded(flow, lambda flow, *_: self._look_anew(flow), counted=False)
            return
        outcome = auditor.look(exchange, match, recorder.lifecycle.known)
        late = recorder.record(outcome)
        if outcome.role is not Role.OTHER:
            reason = distrust(flow)
            self._tell(outcome) if reason is None else tell_distrust(outcome, reason)
            tell_late(late)
        if self._annotates:
            self._annotate(flow, outcome)
            self._annotate_late(late, flow)

    def _abandon(self, flow: http.HTTPFlow, auditor: Auditor, recorder: Recorder) -> None:
        """The exchange is under way, and its answer will not be seen."""
        if not _is_in_scope(flow, auditor, recorder):
            recorder.pass_by()
            return
        exchange = structs.replace(exchange_of(flow), answer=None)
        outcome = auditor.look(exchange, known=recorder.lifecycle.known)
        recorder.record(outcome)
        self._annotate(flow, outcome)

    def _give_up_lost(self) -> None:
        """Accounts for exchanges that ended without a hook."""
        for flow in self.in_flight.lost(time.time()):
            self._guarded(flow, self._abandon)

    def _tell_idle(self) -> None:
        """Once, where nothing has come for a while: a client that passes by is met in no other way."""
        if self.standing.ticks == IDLE and not self.in_flight and not self.standing.totals().seen:
            modes = modes_of(ctx.options)
            if modes:
                logger.warning("taskaudit: %s", idle(modes, certificate_in(ctx.options.confdir)))

    def _annotate(self, flow: http.HTTPFlow, outcome: Outcome | None) -> None:
        """Once it is recorded: a failure here costs no record."""
        self._guarded(flow, lambda flow, *_: _annotate_or_clear(flow, outcome), counted=False)

    def _annotate_late(self, late: list[Late[Outcome]], current: http.HTTPFlow | None = None) -> None:
        """Annotates flows that passed before, as far as they are still listed, and the one at hand."""
        flows = flow_list() if late else None
        earlier: list[Flow] = []
        for outcome, finding in late:
            flow_id = outcome.exchange.flow_id or ""
            is_current = current is not None and current.id == flow_id
            flow = current if is_current else flows.get_by_id(flow_id) if flows is not None else None
            if isinstance(flow, http.HTTPFlow):
                self._guarded(flow, partial(_add, outcome, finding), counted=False)
                earlier.extend([] if is_current else [flow])
        if earlier:
            ctx.master.addons.trigger(hooks.UpdateHook(earlier))

    def _is_first(self, exchange: Exchange) -> bool:
        """False where this answer was recorded already: a flow that was loaded twice."""
        if exchange.exchange_id in self._recorded:
            return False
        self._recorded[exchange.exchange_id] = None
        if len(self._recorded) > _REMEMBERED:
            self._recorded.popitem(last=False)
        return True

    def _failed(self, flow: http.HTTPFlow, recorder: Recorder, counted: bool, error: Exception) -> None:
        """TA901."""
        found = place_of(error)
        told = f"TA901 the audit failed at flow {flow.id}: {found}; traffic is not affected"
        logger.error("taskaudit: %s", told, extra={"fingerprint": found})
        if counted:
            exchange = guarded(partial(_exchange, flow), lambda _: _plain_exchange(flow))
            outcome = failure(exchange, error)
            recorder.record(outcome)
            self._annotate(flow, outcome)
        recorder.fault(Fault(reason="audit_failed", rule=TA901.code, message=found))
        self.standing.health.failed(found)

    async def _keep_time(self) -> None:
        """One timer for all that depends on the clock alone, however many jobs there are."""
        while True:
            await asyncio.sleep(TICK)
            self._give_up_lost()
            self._tell_idle()
            late = self.standing.tick()
            tell_late(late)
            self._annotate_late(late)


def _wanted() -> Wanted:
    """What mitmproxy's options ask for. Raises LogError, ValueError."""
    options = ctx.options
    mode = ",".join(mode.split(":", 1)[0] for mode in options.mode)
    return wanted(
        options.taskaudit_config,
        options.taskaudit_log,
        options.taskaudit_listen,
        mode,
        options.taskaudit_baseline,
    )


def _is_info_shown() -> bool:
    """Whether anybody sees what is logged as information; `mitmdump -q` shows nothing of it."""
    hides = "termlog_verbosity" in ctx.options and ctx.options.termlog_verbosity in ("error", "warn")
    return not hides or _has_addon("eventstore")


def _has_addon(name: str) -> bool:
    return ctx.master.addons.get(name) is not None  # type: ignore[no-untyped-call]


def _annotate_or_clear(flow: http.HTTPFlow, outcome: Outcome | None) -> None:
    """A flow that was in scope once, under another configuration, keeps nothing of ours."""
    if outcome is not None and outcome.role is not Role.OTHER:
        annotate(flow, outcome)
    else:
        clear(flow)


def _add(outcome: Outcome, finding: Finding, flow: http.HTTPFlow, *_: object) -> None:
    add(flow, outcome, finding)


def _exchange(flow: http.HTTPFlow) -> Exchange:
    """What the flow holds; of a streamed answer, what the tee has kept."""
    stream = flow.response.stream if flow.response else None
    return exchange_of(flow, stream.body if isinstance(stream, Tee) else None)


def _match(flow: http.HTTPFlow, auditor: Auditor) -> Match | None:
    """The route of a flow. Its host is parsed only where there is a route: most traffic has none."""
    method, path, _ = _request_line(flow)
    return auditor.catalogue.match(method, path, partial(host_of, flow))


def _asks_for_a_job(flow: http.HTTPFlow, recorder: Recorder) -> bool:
    """Whether an id that a submission returned stands in the request."""
    known = recorder.lifecycle.known
    return len(known) > 0 and known.asked(*_request_line(flow), inf) is not None


def _is_in_scope(flow: http.HTTPFlow, auditor: Auditor, recorder: Recorder) -> bool:
    return _match(flow, auditor) is not None or _asks_for_a_job(flow, recorder)


def _request_line(flow: http.HTTPFlow) -> tuple[str, str, str]:
    """Method, path and query."""
    asked = flow.request.data
    path, _, query = asked.path.decode("utf-8", "replace").partition("?")
    return asked.method.decode("utf-8", "replace"), path, query


def _plain_exchange(flow: http.HTTPFlow) -> Exchange:
    """As little of a flow as can be, where more cannot be had."""
    request, response, answer = flow.request, flow.response, None
    if response is not None:
        encoding = response.headers.get("content-encoding", "")
        answer = Answer(response.raw_content or b"", response.status_code, content_encoding=encoding)
    return Exchange(
        stable_id(flow.id, request.timestamp_start, "failed"),
        answer,
        method=request.method,
        host=request.host,
        path=request.path.partition("?")[0],
        flow_id=flow.id,
        started=request.timestamp_start,
    )
