"""The content view "Task response": what the audit says of an answer, above its body."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from mitmproxy import contentviews
from mitmproxy.contentviews import Contentview, Metadata
from mitmproxy.flow import Flow
from mitmproxy.http import HTTPFlow
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from taskaudit.auditor import Outcome
from taskaudit.contract.excerpt import escape
from taskaudit.contract.phrases import spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import MatchedBy
from taskaudit.proxy.annotate import noted
from taskaudit.proxy.distrust import advice, distrust
from taskaudit.proxy.plain_text import WIDTH, narrowed, plain_lines
from taskaudit.recording.board import Board
from taskaudit.story.job_story import JobStory
from taskaudit.story.tables import timeline
from taskaudit.text.frame import Line, Named, contract_names, faults_of, frames, plain
from taskaudit.text.terminal import request_line
from taskaudit.text.waiver_words import waived_text

NAME = "Task response"
FIRST = 10.0
"""Before every view of mitmproxy's own, which go up to 2."""
_MOST_FINDINGS = 30
_FRAME = 66
"""Columns of a body that a frame shows, so that with its numbers it is within `WIDTH`."""

_QUERY = Words("query of job {}: {}", "查询任务 {}：{}")
_RESOURCE_QUERY = Words("query of the resource of job {}: {}", "查询任务 {} 的资源：{}")
_NO_STATUS = Words("no status", "无状态")
_NOT_AUDITED = Words("not audited: {}", "未审计：{}")
_WELL_FORMED = Words("well-formed", "格式正确")
_MALFORMED = Words("not well-formed", "格式有误")
_DIFFERENCE = Words("{}: expected {}, found {}", "{}：应为 {}，实为 {}")
_THE_BODY = Words("the body", "响应体")
_MORE = Words("{} more findings", "另有 {} 项发现")


class Audit(Protocol):
    """What there is to ask of the running audit; it changes with each configuration."""

    @property
    def board(self) -> Board | None:
        """The story so far, where it is kept."""

    @property
    def language(self) -> Language:
        """Of what people read."""

    def look_again(self, flow: HTTPFlow) -> Outcome | None:
        """The outcome of a flow as it is now, None where it is none of ours."""


class TaskResponse(Contentview):
    """Verdict, findings, the job's story, and then the body as mitmproxy would show it.

    mitmproxy cannot take back a content view: it is one object, which asks the audit each time, and a later
    one of the same name takes its place.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    @property
    def name(self) -> str:
        """As it stands in the list of views."""
        return NAME

    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        """The first for the answer of an audited flow, and for nothing else."""
        return FIRST if _answered(metadata) is not None else -1.0

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        """The view's text. Raises ValueError for what was not audited, on which mitmproxy shows another."""
        flow = _answered(metadata)
        outcome = self._audit.look_again(flow) if flow else None
        if flow is None or outcome is None:
            raise ValueError("this is not the answer of an audited flow")
        _forget_soon()
        # Nothing is masked, as the whole body stands below.
        lines = plain_lines(told(flow, outcome, self._audit, named=lambda _: True))
        # mitmweb gives an empty line no height.
        return "\n".join(line or " " for line in [*lines, "", "─" * WIDTH, *_body(flow)])


def told(
    flow: Flow, outcome: Outcome, audit: Audit, named: Named = contract_names
) -> Iterator[RenderableType]:
    """Verdict, findings with their places, and the story so far of the job.

    In those places the values of members that are not `named` are masked.
    """
    language = audit.language
    yield Text(_verdict(outcome, language))
    yield Text(request_line(outcome))
    if reason := distrust(flow):
        yield Text(advice(reason, language))
    text, shown = outcome.text, outcome.findings[:_MOST_FINDINGS]
    framed = frames(text, faults_of(text, shown), named) if text is not None else [[] for _ in shown]
    for finding, lines in zip(shown, framed, strict=True):
        yield Text()
        yield from _finding(finding, lines, language)
    omitted = sum(count for _, count in outcome.verdict.omitted) if outcome.verdict else 0
    if more := max(0, len(outcome.findings) - _MOST_FINDINGS) + omitted:
        yield Text("\n" + _MORE.of(language).format(more))
    if story := _story(outcome, audit):
        yield Text()
        yield from timeline(story, language)


def _story(outcome: Outcome, audit: Audit) -> JobStory | None:
    if audit.board is None or outcome.job_id is None:
        return None
    return audit.board.job(outcome.job_id)


def _answered(metadata: Metadata) -> HTTPFlow | None:
    """The flow, where it is audited and its response is what is shown."""
    flow = metadata.flow
    if not isinstance(flow, HTTPFlow) or flow.response is None or not noted(flow):
        return None
    return flow if metadata.http_message is flow.response else None


def _verdict(outcome: Outcome, language: Language) -> str:
    if outcome.unaudited is not None:
        return _NOT_AUDITED.of(language).format(outcome.unaudited.value)
    if outcome.verdict is None:
        status = outcome.status.status if outcome.status else None
        told = _NO_STATUS.of(language) if status is None else escape(status, 40)
        words = _RESOURCE_QUERY if outcome.matched_by is MatchedBy.RESOURCE else _QUERY
        return words.of(language).format(escape(outcome.job_id or '""'), told)
    verdict = outcome.verdict
    parts = [verdict.kind.value, outcome.job_id or verdict.error_code or ""]
    form = _WELL_FORMED if verdict.well_formed else _MALFORMED
    return f"{escape(' '.join(filter(None, parts)))}: {form.of(language)}"


def _finding(finding: Finding, lines: list[Line], language: Language) -> Iterator[RenderableType]:
    yield Text(f"{finding.rule} {finding.name} ({finding.severity})")
    if waiver := finding.waived:
        yield _under(waived_text(waiver.until, waiver.owner, waiver.reason, language))
    where = escape(finding.pointer) or _THE_BODY.of(language)
    expected, found = spoken(finding.expected, language), spoken(finding.found, language)
    yield _under(_DIFFERENCE.of(language).format(where, expected, found))
    if lines:
        rows = plain([narrowed(line, _FRAME) for line in lines])
        yield Text(rows, no_wrap=True, overflow="ignore")
    yield _under(RULES[finding.rule].why.of(language))


def _under(text: str) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, 2), expand=False)


def _body(flow: HTTPFlow) -> Iterator[str]:
    """The body by the view that would be the first without ours; harmless, which theirs need not be."""
    assert flow.response is not None
    others = type(contentviews.registry)()
    for view in contentviews.registry.values():
        if view.name != NAME:
            others.register(view)
    pretty = contentviews.prettify_message(flow.response, flow, registry=others)
    for line in pretty.text.expandtabs(4).split("\n"):
        yield escape(line, len(line))


def _forget_soon() -> None:
    """Makes the console ask again the next time.

    It keeps what a view has made by the answer's headers and body alone. Ours depends on more: the same
    answer may come to another request, and the story of its job goes on.
    """
    console = sys.modules.get("mitmproxy.tools.console.flowview")
    kept = getattr(getattr(console, "FlowDetails", None), "_get_content_view", None)
    with suppress(RuntimeError):  # No event loop: nobody is looking, as when a test asks.
        if kept is not None:
            asyncio.get_running_loop().call_soon(kept.cache_clear)
