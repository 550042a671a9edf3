"""Jobs and findings of logs for the terminal. Everything from the traffic is made harmless first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich import box
from rich.console import Group as Rows
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.phrases import spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.lifecycle import TA502
from taskaudit.contract.words import Language, Words
from taskaudit.job_state import JobState
from taskaudit.story.findings import counted as findings_counted
from taskaudit.story.groups import Example, FoundStory
from taskaudit.story.job_story import JobStory, QueryStep
from taskaudit.story.jobs import NOT_SEEN, TOOK, counted, created_at, seconds, why_failed
from taskaudit.story.sessions import PART, Coverage
from taskaudit.story.story import Story
from taskaudit.story.told import Found
from taskaudit.text.terminal import STYLES
from taskaudit.text.terms import COMMA, SEVERITIES, STATES, in_brackets, name_of
from taskaudit.text.waiver_words import WAIVED, waived_text, waiver_text, with_waived
from taskaudit.times import seconds_of

WIDE = 150
"""From how many columns on a job fits into one row."""
_LONGEST_ID = 40
"""Job ids longer than this are not put into a row, so that they need not be cut."""
_LONGEST_RULE = 40
_MOST_ALIKE = 6
"""How many queries with the same answer are shown one by one."""
_INDENT = 38
"""Columns before the words of a timeline."""
_STATES = {
    JobState.NOT_ASKED_YET: "",
    JobState.NEVER_QUERIED: "yellow",
    JobState.BY_RESOURCE: "cyan",
    JobState.OPEN: "cyan",
    JobState.NO_STATUS: "yellow",
    JobState.FINAL: "green",
    JobState.FAILED: "bold red",
}

_SUBMITTED_AT = Words("submitted (UTC)", "提交时间（UTC）")
_JOB_ID = Words("job id", "任务 ID")
_OPERATION = Words("operation", "操作")
_ASKED = Words("asked", "查询")
_LAST_STATUS = Words("last status", "最后状态")
_TOOK = Words("took", "耗时")
_FAIL_REASON = Words("fail reason", "失败原因")
_FINDINGS = Words("findings", "问题")

_HIDDEN = Words(
    "... {count} more, to which nothing happened since ...", "…… 另有 {count} 个，其后没有变化 ……"
)
_FORGOTTEN = Words(
    "{count} jobs were forgotten (remembered_jobs): what came of them later is not judged",
    "{count} 个任务不再跟踪（remembered_jobs）：其后的情况未作判断",
)
_NO_RECORD = Words("{count} line is no record", "{count} 行不是记录")
_NO_RECORDS = Words("{count} lines are no record", "{count} 行不是记录")

_JOB = Words("job ", "任务 ")
_SUBMITTED = Words("submitted", "已提交")
_MORE_ALIKE = Words("... {count} more with the same answer ...", "…… 另有 {count} 次响应相同 ……")
_NEVER_ASKED_FOR = Words("never asked for", "从未查询")
_ASKED_TIMES = Words("asked {times}", "查询 {times}")
_ONCE = Words("once", "1 次")
_TIMES = Words("{count} times", "{count} 次")
_NEVER_ASKED = Words("never asked", "从未查询")
_BY_RESOURCE = Words("by its resource", "通过其资源")
_RESOURCE = Words("its resource: {status}", "其资源：{status}")
_NO_STATUS = Words("no status", "无状态")
_OPEN, _CLOSE = Words(" (", "（"), Words(")", "）")
_AFTER_SUBMISSION = Words(", {span} after its submission", "，提交后 {span}")
_IN_NO_LOG = Words("Its submission is in none of the logs.", "这些日志中都没有它的提交。")
_AND = Words(", ", "，")
_CLIENT = Words("client {name}", "客户端 {name}")
_REQUEST_ID = Words("request id {name}", "请求 ID {name}")
_CREATED = Words("created {time} UTC, derived from the id", "创建于 {time} UTC，由 ID 推算")
_NO_HTTP = Words("none", "无")
_SUB_JOBS = Words("sub-jobs: {told}", "子任务：{told}")

_DIFFERENCE = Words("expected {expected}, found {found}", "期望：{expected}；实际：{found}")
_AT = Words("{where}: {what}", "{where}，{what}")
_SPAN = Words("{first} to {last}", "{first} 至 {last}")
_PLACE = Words("line {line}, column {column}", "第 {line} 行，第 {column} 列")
_FINGERPRINT = Words("fingerprint {fingerprint}", "指纹 {fingerprint}")


def jobs_table(
    jobs: Sequence[JobStory], width: int = WIDE, language: Language = Language.EN
) -> RenderableType:
    """The jobs, one row each, or a few lines each where a row would not fit into `width` columns.

    Ids are never cut, as they are there to be copied.
    """
    if width < WIDE or any(len(job.job_id) > _LONGEST_ID for job in jobs):
        return Rows(*(line for job in jobs for line in _entry(job, language)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(_SUBMITTED_AT.of(language), no_wrap=True)
    table.add_column(_JOB_ID.of(language), no_wrap=True, style="bold")
    table.add_column(_OPERATION.of(language), overflow="fold")
    for name in ("HTTP", _ASKED.of(language)):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column(_LAST_STATUS.of(language), overflow="fold")
    table.add_column(_TOOK.of(language), no_wrap=True, justify="right")
    table.add_column(_FAIL_REASON.of(language), overflow="fold", max_width=60)
    table.add_column(_FINDINGS.of(language), max_width=17)
    for job in jobs:
        table.add_row(*_row(job, language))
    return table


def story_lines(story: Story, states: Iterable[JobState], language: Language = Language.EN) -> Iterator[Text]:
    """The end of a list of jobs, of which it has the states: how many of each, and what the logs cover."""
    yield Text(counted(states, len(story.jobs), language), "bold")
    yield from coverage_lines(story, language)


def live_view(
    story: Story, jobs: Sequence[JobStory], width: int, height: int, language: Language = Language.EN
) -> RenderableType:
    """As many jobs as a terminal holds, those to which something happened last, with the end of the list."""
    lines = max(1, (height - 7) // (1 if width >= WIDE else 4))
    latest = sorted(sorted(jobs, key=lambda job: job.last_seen)[-lines:], key=lambda job: job.first_seen)
    hidden = len(jobs) - len(latest)
    more = [Text(_HIDDEN.of(language).format(count=hidden), "dim")] if hidden else []
    states = [job.state for job in jobs]
    return Rows(*more, jobs_table(latest, width, language), *story_lines(story, states, language))


def coverage_lines(story: Story, language: Language = Language.EN) -> Iterator[Text]:
    """What the logs cover; loud where that is not all."""
    yield coverage_text(story.coverage, language)
    if story.evicted:
        yield Text(_FORGOTTEN.of(language).format(count=story.evicted), "yellow")
    if story.damaged:
        words = _NO_RECORD if len(story.damaged) == 1 else _NO_RECORDS
        yield Text(words.of(language).format(count=len(story.damaged)), "bold red")


def coverage_text(coverage: Coverage, language: Language = Language.EN) -> Text:
    """The line without which no result is shown."""
    words = [coverage.line(language), *coverage.gaps(language)]
    return Text(PART.of(language).join(words), "dim" if coverage.is_whole else "yellow")


def findings_table(findings: Sequence[FoundStory], language: Language = Language.EN) -> RenderableType:
    """The findings, the worst first, each with one example."""
    return Rows(*(line for found in findings for line in _found_entry(found, language)))


def findings_lines(
    story: Story, findings: Sequence[FoundStory], language: Language = Language.EN
) -> Iterator[Text]:
    """The end of a list of findings."""
    yield Text(findings_counted(findings, language), "bold")
    yield from coverage_lines(story, language)


def timeline(job: JobStory, language: Language = Language.EN) -> Iterator[RenderableType]:
    """The whole story of one job."""
    yield Text.assemble(_JOB.of(language), (escape(job.job_id, 1000), "bold"), _state_text(job, language))
    yield from (_under(line, 2) for line in _origin(job, language))
    yield Text()
    explained: set[str] = set()
    if job.submitted is not None:
        submitted = _SUBMITTED.of(language)
        yield _moment(job.submitted, "", submitted, f"HTTP {job.http_status}", job.instance)
        yield from _findings(job.findings, explained, language)
    before: QueryStep | None = None
    for steps in _runs(job.queries):
        for step in steps if len(steps) <= _MOST_ALIKE else (*steps[:2], steps[-1]):
            if step is steps[-1] and len(steps) > _MOST_ALIKE:
                more = _MORE_ALIKE.of(language).format(count=len(steps) - 3)
                yield _under(Text(more, "dim"), _INDENT)
            yield from _query(job, step, before, explained, language)
            before = before if step.by_resource else step
    if not job.queries:
        is_late = job.state is JobState.NEVER_QUERIED
        words = _NEVER_ASKED_FOR if is_late else STATES[job.state]
        yield _under(Text(words.of(language), "yellow" if is_late else "dim"), _INDENT)


def _row(job: JobStory, language: Language) -> Iterator[Text]:
    yield Text(_clock(job.first_seen))
    yield Text(escape(job.job_id))
    yield Text(escape(job.operation)) if job.submitted else Text(NOT_SEEN.of(language), "dim")
    yield Text(str(job.http_status or ""))
    yield Text(str(job.asked))
    yield _status(job, language)
    yield Text(seconds(job.took) if job.took is not None else "")
    yield Text(escape(why_failed(job)))
    yield _codes(job.rules)


def _entry(job: JobStory, language: Language) -> Iterator[RenderableType]:
    """A job in lines of its own."""
    head = Text.assemble(f"{_clock(job.first_seen)}  ", (escape(job.job_id, 1000), "bold"), overflow="fold")
    times = _times(job.asked, language)
    asked = _ASKED_TIMES.of(language).format(times=times) if job.queries else ""
    took = TOOK.of(language).format(span=seconds(job.took)) if job.took is not None else ""
    operation = escape(job.operation) if job.submitted else NOT_SEEN.of(language)
    http = f"HTTP {job.http_status}" if job.http_status else ""
    words = [Text(word) for word in (operation, http, asked) if word]
    yield head
    yield _under(Text("  ").join([*words, _status(job, language), *([Text(took)] if took else ())]), 2)
    if reason := why_failed(job):
        yield _under(Text(escape(reason)), 2)
    if job.rules:
        yield _under(_codes(job.rules), 2)


def _status(job: JobStory, language: Language) -> Text:
    """The last status, or what there is in its place."""
    if job.state is JobState.NEVER_QUERIED:
        return Text(_NEVER_ASKED.of(language), _STATES[job.state])
    if job.state is JobState.BY_RESOURCE:
        return Text(_BY_RESOURCE.of(language), _STATES[job.state])
    if job.state is JobState.NOT_ASKED_YET:
        return Text(STATES[job.state].of(language), _STATES[job.state])
    if job.state is JobState.NO_STATUS:
        return Text(_NO_STATUS.of(language), _STATES[job.state])
    return Text(escape(job.last_status or "", 40), _STATES[job.state])


def _state_text(job: JobStory, language: Language) -> Text:
    took = _AFTER_SUBMISSION.of(language).format(span=seconds(job.took)) if job.took is not None else ""
    return Text.assemble(_OPEN.of(language), _status(job, language), took + _CLOSE.of(language))


def _codes(rules: Iterable[str]) -> Text:
    """Rule codes, each in the colour of its severity."""
    return Text(" ").join(
        _code(code, STYLES[RULES[code].severity] if code in RULES else "") for code in rules
    )


def _code(rule: str, style: str) -> Text:
    """A log may be of a later version, or anybody's: its rules may be unknown here."""
    return Text(escape(rule, _LONGEST_RULE), style)


def _origin(job: JobStory, language: Language) -> Iterator[Text]:
    if job.submitted is None:
        yield Text(_IN_NO_LOG.of(language), "yellow")
    else:
        request = f"{job.method or ''} {job.host or ''}{job.path or ''}".strip()
        yield Text(escape(f"{request} ({job.route})" if job.route else request, 1000))
        known = ((_CLIENT, job.client), (_REQUEST_ID, job.request_id))
        told = (words.of(language).format(name=escape(value)) for words, value in known if value)
        yield Text(_AND.of(language).join(told), "dim")
    if created := created_at(job.job_id):
        yield Text(_CREATED.of(language).format(time=_clock(created, 23)), "dim")


def _runs(queries: Iterable[QueryStep]) -> list[list[QueryStep]]:
    """Queries in a row with the same answer, and findings of the same rules."""

    def answer(step: QueryStep) -> tuple[object, ...]:
        rules = tuple(found.rule for found in step.findings)
        told = step.error_code, step.fail_reason, step.sub_jobs
        return step.by_resource, step.status, step.http_status, *told, rules

    return [list(steps) for _, steps in groupby(queries, key=answer)]


def _query(
    job: JobStory, step: QueryStep, before: QueryStep | None, explained: set[str], language: Language
) -> Iterator[RenderableType]:
    since = seconds(_apart(job.first_seen, step.time))
    what = escape(step.status or _NO_STATUS.of(language), 40)
    if step.by_resource:
        what = _RESOURCE.of(language).format(status=what)
    elif before is not None and before.status is not None and step.status not in (None, before.status):
        what = f"{escape(before.status, 40)} -> {what}"
    style = _STATES[job.state] if step.time == job.ended else "" if step.status else "yellow"
    http = "" if step.http_status == 200 else f"HTTP {step.http_status or _NO_HTTP.of(language)}"
    yield _moment(step.time, f"+{since}", what, http, step.instance, style)
    if step.sub_jobs and (before is None or step.sub_jobs != before.sub_jobs):
        told = COMMA.of(language).join(f"{count} {escape(status, 40)}" for status, count in step.sub_jobs)
        yield _under(Text(_SUB_JOBS.of(language).format(told=told), "dim"), _INDENT)
    if reason := why_failed(step):
        yield _under(Text(escape(reason, 500)), _INDENT)
    yield from _findings(step.findings, explained, language)


def _moment(
    at: str, offset: str, what: str, http: str, instance: str | None, style: str = ""
) -> RenderableType:
    where = f"  [{escape(instance, 40)}]" if instance else ""
    head = f"  {_clock(at, 23)}  {offset:>9}"
    return _under(
        Text.assemble((f"{head}  ", ""), (what, style), f"  {http}" if http else "", (where, "dim")), 0
    )


def _findings(findings: Iterable[Found], explained: set[str], language: Language) -> Iterator[RenderableType]:
    """The rule the first time in full, with why it matters, and then its code alone."""
    for found in findings:
        style = STYLES[found.severity]
        if found.rule in explained:
            yield _under(_code(found.rule, style), _INDENT)
            continue
        explained.add(found.rule)
        severity = _severity(found, language)
        title = Text.assemble(_code(found.rule, style), " ", _code(found.name, style), severity)
        yield _under(title, _INDENT)
        if found.waiver:
            yield _under(Text(waiver_text(WAIVED, found.waiver, language), "yellow"), _INDENT + 2)
        yield _under(Text(_difference(found, language)), _INDENT + 2)
        if found.rule in RULES:
            yield _under(Text(RULES[found.rule].why.of(language), "dim"), _INDENT + 2)


def _severity(found: Found | FoundStory, language: Language) -> str:
    return in_brackets(name_of(found.severity, SEVERITIES, language), language)


def _difference(found: Found | Example, language: Language) -> str:
    what = _DIFFERENCE.of(language).format(
        expected=escape(spoken(found.expected, language)), found=escape(spoken(found.found, language))
    )
    return _AT.of(language).format(where=escape(found.pointer), what=what) if found.pointer else what


def _found_entry(found: FoundStory, language: Language) -> Iterator[RenderableType]:
    example = found.example
    often = with_waived(_times(found.counting, language), found.waived, language)
    first, last = _clock(found.first), _clock(found.last)
    span = _SPAN.of(language).format(first=first, last=last) if found.count > 1 else first
    severity = _severity(found, language)
    rule, name = _code(found.rule, STYLES[found.severity]), _code(found.name, "bold")
    yield Text.assemble(rule, " ", name, severity, f"  {often}" if found.count > 1 or found.waived else "")
    if terms := waived_text(found.waived_until, found.waived_by, found.waived_why, language):
        yield _under(Text(terms, "yellow"), 2)
    yield _under(Text(f"{span} UTC"), 2)
    request = f"{example.method or ''} {example.host or ''}{example.path or ''}".strip()
    status = f" HTTP {example.http_status}" if example.http_status else ""
    route = f" ({example.route})" if example.route else ""
    yield _under(Text(escape(f"{request}{route}", 1000) + status, overflow="fold"), 2)
    yield _under(Text(_difference(example, language) + _place(example, language)), 2)
    if example.job_id and found.rule != TA502.code:
        job = _JOB.of(language) + escape(example.job_id, 1000)
        yield _under(Text(job, "dim", overflow="fold"), 2)
    fingerprint = _FINGERPRINT.of(language).format(fingerprint=escape(found.fingerprint))
    yield _under(Text(fingerprint, "dim"), 2)
    yield Text()


def _place(example: Example, language: Language) -> str:
    if example.line is None:
        return ""
    place = _PLACE.of(language).format(line=example.line, column=example.column)
    return in_brackets(place, language)


def _times(count: int, language: Language) -> str:
    return (_ONCE if count == 1 else _TIMES).of(language).format(count=count)


def _under(text: Text, indent: int) -> RenderableType:
    return Padding(text, (0, 0, 0, indent), expand=False)


def _clock(at: str, most: int = 19) -> str:
    """A time without its letters, in UTC."""
    return at[:most].replace("T", " ")


def _apart(first: str, second: str) -> float:
    return seconds_of(second) - seconds_of(first)
