"""The audit's commands, for the command line and the keys of mitmproxy and mitmweb."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import pyperclip  # type: ignore[import-untyped]
from mitmproxy import command, ctx, exceptions, hooks, types
from mitmproxy.addons.view import View
from mitmproxy.flow import Flow
from mitmproxy.http import HTTPFlow
from mitmproxy.log import ALERT
from rich.console import RenderableType
from rich.text import Text

from taskaudit.auditor import Outcome
from taskaudit.bug.text import bug_text, worst
from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language, Words
from taskaudit.proxy.annotate import findings_on
from taskaudit.proxy.plain_text import plain_lines
from taskaudit.proxy.view import Audit, told
from taskaudit.recording.records import finding_of
from taskaudit.reports.formats import Format, format_for, render
from taskaudit.reports.model import Report, live_report
from taskaudit.story.jobs import counted
from taskaudit.story.tables import coverage_text, jobs_table
from taskaudit.text.explain import explanation, find_rule
from taskaudit.text.terminal import summary_text

logger = logging.getLogger(__name__)

CLIPBOARD = "clip"
NOWHERE = types.Path()
_LOG_WIDTH = 100
_WHOLE = 1000
"""Columns of the line that mitmweb's command bar shows: so many that it is not cut in the middle."""

_NOT_STARTED = Words("the audit has not started", "审计尚未启动")
_NOT_OURS = Words("the audit has nothing to say of this flow", "审计未涉及此 flow")
_NO_PAGE = Words(
    "there is no status page: set taskaudit_listen, to 127.0.0.1:0 for any free port",
    "没有状态页面：请设置 taskaudit_listen，127.0.0.1:0 表示任意空闲端口",
)
_NO_FINDING = Words("no flow that is shown has a finding", "当前显示的 flow 均无问题")
_NOTHING_WRONG = Words("nothing is wrong with this flow", "此 flow 没有问题")
_NO_FLOW = Words("there is no such flow", "没有这样的 flow")
_NO_FOCUS = Words(
    "mitmweb does not say which flow is selected: name a rule (taskaudit.explain TA306); "
    "what was found on a flow is in its tab Response",
    "mitmweb 不会告知选中了哪个 flow：请给出规则（taskaudit.explain TA306）；flow 的问题见其 Response 标签页",
)
_WRITTEN = Words("written to {}", "已写入 {}")
_COPIED = Words("copied to the clipboard", "已复制到剪贴板")
_RECHECKED = Words("audited {} flows again, {} changed", "重新审计 {} 个 flow，{} 个有变化")
_SEE_LOG = Words("(more in the event log)", "（全文见事件日志）")


def _command[F](name: str) -> Callable[[F], F]:
    """mitmproxy's decorator, with types."""
    return command.command(name)  # type: ignore[no-any-return]


class Running(Audit, Protocol):
    """What the commands ask of the running audit, besides what the content view does."""

    @property
    def page(self) -> str | None:
        """The address of the status page, None where there is none."""

    def renew(self, flow: HTTPFlow) -> None:
        """Audits a flow again and annotates it anew; nothing is recorded."""


class Commands:
    """What mitmproxy lists as `taskaudit.*`."""

    name = "taskaudit.commands"

    def __init__(self, audit: Running) -> None:
        self._audit = audit

    @_command("taskaudit.summary")
    def summary(self) -> Sequence[str]:
        """What the audit has seen and found so far, and what it has not seen."""
        return self._shown(_summary(self._report(), self._audit.language))

    @_command("taskaudit.jobs")
    def jobs(self) -> Sequence[str]:
        """The jobs so far, and how far each has come."""
        return self._shown(_jobs(self._report(), self._audit.language))

    @_command("taskaudit.page")
    def page(self) -> Sequence[str]:
        """Where the status page is: jobs, their timeline and findings, in your browser."""
        if self._audit.page is None:
            raise self._refused(_NO_PAGE)
        return self._shown([Text(self._audit.page)])

    @_command("taskaudit.next")
    def focus_next(self) -> None:
        """Focus the next flow with a finding that is not waived; after the last one, the first."""
        view = _view()
        listed = list(view)
        start = (view.focus.index or 0) + 1 if view.focus.flow else 0
        for each in (*listed[start:], *listed[:start]):
            if any(finding.waived is None for finding in findings_on(each)):
                view.focus.flow = each
                logger.log(_level(), "%s", each.comment)
                return
        raise self._refused(_NO_FINDING)

    @_command("taskaudit.explain")
    def explain(self, rule: str = "") -> Sequence[str]:
        """A rule, by its code or name; without one, what was found on the focused flow (console)."""
        if not rule:
            flow = self._focused()
            return self._shown(told(flow, self._outcome(flow), self._audit))
        try:
            return self._shown(explanation(find_rule(rule), self._audit.language))
        except LookupError as error:
            raise exceptions.CommandError(str(error)) from error

    @_command("taskaudit.bug")
    def bug(self, flows: Sequence[Flow], target: types.Path = NOWHERE) -> Sequence[str]:
        """A bug report on the first flow with a finding; also into a file, or "clip", the clipboard."""
        if not flows:
            raise self._refused(_NO_FLOW)
        faulty = next(filter(findings_on, flows), flows[0])
        text = self._bug_text(self._outcome(faulty))
        return self._shown([*self._handed_over(text, target), *map(Text, text.splitlines())])

    @_command("taskaudit.report")
    def report(self, path: types.Path, format: str = "") -> None:
        """Write a report. Its format is told by the file's suffix, where it is not given."""
        try:
            form = Format(format) if format else format_for(Path(path))
        except ValueError as error:
            known = f"{error}; there are {', '.join(Format)}" if format else str(error)
            raise exceptions.CommandError(known) from error
        text = render(self._report(), form, self._audit.language)
        logger.log(_level(), "taskaudit: %s", self._written(path, text))

    @_command("taskaudit.recheck")
    def recheck(self, flows: Sequence[Flow]) -> None:
        """Audit flows again, after a change of the configuration. The log keeps what was said before."""
        if self._audit.board is None:
            raise self._refused(_NOT_STARTED)
        ours = [each for each in flows if isinstance(each, HTTPFlow)]
        before = [_annotations(each) for each in ours]
        for each in ours:
            self._audit.renew(each)
        changed = [each for each, was in zip(ours, before, strict=True) if _annotations(each) != was]
        ctx.master.addons.trigger(hooks.UpdateHook(list[Flow](changed)))
        told = _RECHECKED.of(self._audit.language).format(len(ours), len(changed))
        logger.log(_level(), "taskaudit: %s", told)

    def _report(self) -> Report:
        if self._audit.board is None:
            raise self._refused(_NOT_STARTED)
        return live_report(self._audit.board, time.time())

    def _focused(self) -> Flow:
        focused = _view().focus.flow
        if not _is_console():
            raise self._refused(_NO_FOCUS)
        if focused is None:
            raise self._refused(_NO_FLOW)
        return focused

    def _outcome(self, flow: Flow) -> Outcome:
        outcome = self._audit.look_again(flow) if isinstance(flow, HTTPFlow) else None
        if outcome is None:
            raise self._refused(_NOT_OURS)
        return outcome

    def _bug_text(self, outcome: Outcome) -> str:
        if not outcome.findings:
            raise self._refused(_NOTHING_WRONG)
        finding, board = worst(outcome), self._audit.board
        seen = board.count(finding_of(outcome, finding).fingerprint) if board else 0
        return bug_text(outcome, finding, max(seen, 1), self._audit.language)

    def _handed_over(self, text: str, target: str) -> Iterator[Text]:
        if target == CLIPBOARD:
            try:
                pyperclip.copy(text)
            except pyperclip.PyperclipException as error:
                raise exceptions.CommandError(str(error)) from error
            yield Text(_COPIED.of(self._audit.language))
        elif target:
            yield Text(self._written(target, text))

    def _written(self, path: str, text: str) -> str:
        try:
            Path(path).expanduser().write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise exceptions.CommandError(f"{path}: {error.strerror}") from error
        return _WRITTEN.of(self._audit.language).format(path)

    def _refused(self, words: Words) -> exceptions.CommandError:
        return exceptions.CommandError(words.of(self._audit.language))

    def _shown(self, parts: Iterable[RenderableType]) -> Sequence[str]:
        """What a command gives back. The console opens a window for a list of lines.

        mitmweb shows it on a line of its own, whatever its length: there it is only the first, and all of it
        goes into the event log.
        """
        told = list(parts)
        lines = plain_lines(told, _width())
        if _is_console():
            return lines
        logger.log(_level(), "taskaudit: %s", "\n".join(lines))
        more = [_SEE_LOG.of(self._audit.language)] if len(lines) > 1 else []
        return [plain_lines(told[:1], _WHOLE)[0], *more]


def _summary(report: Report, language: Language) -> Iterator[RenderableType]:
    *told, coverage = summary_text(report.coverage.totals, report.evicted, language)
    yield from told
    for code, count in filter(itemgetter(1), report.rules):
        yield Text(f"{count:>7}  {code} {RULES[code].name} ({RULES[code].severity})")
    yield Text(counted((job.state for job in report.jobs), len(report.jobs), language))
    if report.period:
        yield Text(" - ".join(at[:19].replace("T", " ") for at in report.period) + " UTC")
    yield coverage


def _jobs(report: Report, language: Language) -> Iterator[RenderableType]:
    if report.jobs:
        yield jobs_table(report.jobs, _width(), language)
        yield Text()
    yield Text(counted((job.state for job in report.jobs), len(report.jobs), language))
    yield coverage_text(report.coverage, language)


def flow_list() -> View | None:
    """The flows that mitmproxy or mitmweb lists; mitmdump has no such list."""
    view = ctx.master.addons.get("view")  # type: ignore[no-untyped-call]
    return view if isinstance(view, View) else None


def _view() -> View:
    view = flow_list()
    if view is None:
        raise exceptions.CommandError("mitmdump has no list of flows")
    return view


def _annotations(flow: HTTPFlow) -> tuple[str, str, object]:
    return flow.marked, flow.comment, findings_on(flow)


def _is_console() -> bool:
    return "console.view.eventlog" in ctx.master.commands.commands


def _level() -> int:
    """The console's last line shows alerts; mitmweb's event log knows no such level, and leaves them out."""
    return ALERT if _is_console() else logging.INFO


def _width() -> int:
    """Columns: the console's window takes four fifths of the terminal, with a frame and a marker."""
    return shutil.get_terminal_size().columns * 4 // 5 - 6 if _is_console() else _LOG_WIDTH
