"""Jobs and findings of logs for the terminal. Everything from the traffic is made harmless first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from rich import box
from rich.console import Group as Rows
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.lifecycle import TA502
from taskaudit.findings import counted as findings_counted
from taskaudit.job_state import JobState
from taskaudit.jobs import counted, created_at, seconds, why_failed
from taskaudit.merged import Coverage, Found
from taskaudit.story import Example, FoundStory, JobStory, QueryStep, Story
from taskaudit.terminal import STYLES

WIDE = 150
"""From how many columns on a job fits into one row."""
_LONGEST_ID = 40
"""Job ids longer than this are not put into a row, so that they need not be cut."""
_MOST_ALIKE = 6
"""How many queries with the same answer are shown one by one."""
_INDENT = 38
"""Columns before the words of a timeline."""
_NO_SUBMISSION = "(not seen)"

_STATES = {
    JobState.NEVER_QUERIED: "yellow",
    JobState.OPEN: "cyan",
    JobState.LOST: "yellow",
    JobState.FINAL: "green",
    JobState.FAILED: "bold red",
}


def jobs_table(jobs: Sequence[JobStory], width: int = WIDE) -> RenderableType:
    """The jobs, one row each, or a few lines each where a row would not fit into `width` columns.

    Ids are never cut, as they are there to be copied.
    """
    if width < WIDE or any(len(job.job_id) > _LONGEST_ID for job in jobs):
        return Rows(*(line for job in jobs for line in _entry(job)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("submitted (UTC)", no_wrap=True)
    table.add_column("job id", no_wrap=True, style="bold")
    table.add_column("operation", overflow="fold")
    for name in ("HTTP", "asked"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("last status", overflow="fold")
    table.add_column("took", no_wrap=True, justify="right")
    table.add_column("fail reason", overflow="fold", max_width=60)
    table.add_column("findings", max_width=17)
    for job in jobs:
        table.add_row(*_row(job))
    return table


def story_lines(story: Story, jobs: Sequence[JobStory]) -> Iterator[Text]:
    """The end of a list of jobs: how many by state, and what the logs cover."""
    yield Text(counted(jobs, len(story.jobs)), "bold")
    yield from coverage_lines(story)


def live_view(story: Story, jobs: Sequence[JobStory], width: int, height: int) -> RenderableType:
    """As many jobs as a terminal holds, those to which something happened last, with the end of the list."""
    lines = max(1, (height - 7) // (1 if width >= WIDE else 4))
    latest = sorted(sorted(jobs, key=lambda job: job.last_seen)[-lines:], key=lambda job: job.first_seen)
    hidden = len(jobs) - len(latest)
    more = [Text(f"... {hidden} more, to which nothing happened since ...", "dim")] if hidden else []
    return Rows(*more, jobs_table(latest, width), *story_lines(story, jobs))


def coverage_lines(story: Story) -> Iterator[Text]:
    """What the logs cover; loud where that is not all."""
    yield coverage_text(story.coverage)
    if story.evicted:
        text = f"{story.evicted} jobs were forgotten (remembered_jobs): what came of them later is not judged"
        yield Text(text, "yellow")
    if story.damaged:
        lines = "line is" if len(story.damaged) == 1 else "lines are"
        yield Text(f"{len(story.damaged)} {lines} no record", "bold red")


def coverage_text(coverage: Coverage) -> Text:
    """The line without which no result is shown."""
    return Text("; ".join(coverage.words()), "dim" if coverage.is_whole else "yellow")


def findings_table(findings: Sequence[FoundStory]) -> RenderableType:
    """The findings, the worst first, each with one example."""
    return Rows(*(line for found in findings for line in _found_entry(found)))


def findings_lines(story: Story, findings: Sequence[FoundStory]) -> Iterator[Text]:
    """The end of a list of findings."""
    yield Text(findings_counted(findings), "bold")
    yield from coverage_lines(story)


def timeline(job: JobStory) -> Iterator[RenderableType]:
    """The whole story of one job."""
    yield Text.assemble("job ", (escape(job.job_id, 1000), "bold"), " ", _state_text(job))
    yield from (_under(line, 2) for line in _origin(job))
    yield Text()
    explained: set[str] = set()
    if job.submitted is not None:
        yield _moment(job.submitted, "", "submitted", f"HTTP {job.http_status}", job.instance)
        yield from _findings(job.findings, explained)
    before: QueryStep | None = None
    for steps in _runs(job.queries):
        for step in steps if len(steps) <= _MOST_ALIKE else (*steps[:2], steps[-1]):
            if step is steps[-1] and len(steps) > _MOST_ALIKE:
                yield _under(Text(f"... {len(steps) - 3} more with the same answer ...", "dim"), _INDENT)
            yield from _query(job, step, before, explained)
            before = step
    if not job.queries:
        yield _under(Text("never asked for", "yellow"), _INDENT)


def _row(job: JobStory) -> Iterator[Text]:
    yield Text(_clock(job.first_seen))
    yield Text(escape(job.job_id))
    yield Text(escape(job.operation)) if job.submitted else Text(_NO_SUBMISSION, "dim")
    yield Text(str(job.http_status or ""))
    yield Text(str(len(job.queries)))
    yield _status(job)
    yield Text(seconds(job.took) if job.took is not None else "")
    yield Text(escape(why_failed(job)))
    yield _codes(job.rules)


def _entry(job: JobStory) -> Iterator[RenderableType]:
    """A job in lines of its own."""
    head = Text.assemble(f"{_clock(job.first_seen)}  ", (escape(job.job_id, 1000), "bold"), overflow="fold")
    asked = f"asked {_times(len(job.queries))}" if job.queries else ""
    took = f"took {seconds(job.took)}" if job.took is not None else ""
    operation = escape(job.operation) if job.submitted else _NO_SUBMISSION
    http = f"HTTP {job.http_status}" if job.http_status else ""
    words = [Text(word) for word in (operation, http, asked) if word]
    yield head
    yield _under(Text("  ").join([*words, _status(job), *([Text(took)] if took else ())]), 2)
    if reason := why_failed(job):
        yield _under(Text(escape(reason)), 2)
    if job.rules:
        yield _under(_codes(job.rules), 2)


def _status(job: JobStory) -> Text:
    """The last status, or what there is in its place."""
    if job.state is JobState.NEVER_QUERIED:
        return Text("never asked", _STATES[job.state])
    if job.state is JobState.LOST:
        return Text("no status", _STATES[job.state])
    return Text(escape(job.last_status or "", 40), _STATES[job.state])


def _state_text(job: JobStory) -> Text:
    took = f", {seconds(job.took)} after its submission" if job.took is not None else ""
    return Text.assemble("(", _status(job), f"{took})")


def _codes(rules: Iterable[str]) -> Text:
    """Rule codes, each in the colour of its severity."""
    return Text(" ").join(Text(code, STYLES[RULES[code].severity] if code in RULES else "") for code in rules)


def _origin(job: JobStory) -> Iterator[Text]:
    if job.submitted is None:
        yield Text("Its submission is in none of the logs.", "yellow")
    else:
        request = f"{job.method or ''} {job.host or ''}{job.path or ''}".strip()
        yield Text(escape(f"{request} ({job.route})" if job.route else request, 1000))
        known = (("client", job.client), ("request id", job.request_id))
        yield Text(", ".join(f"{name} {escape(value)}" for name, value in known if value), "dim")
    if created := created_at(job.job_id):
        yield Text(f"created {_clock(created, 23)} UTC, derived from the id", "dim")


def _runs(queries: Iterable[QueryStep]) -> list[list[QueryStep]]:
    """Queries in a row with the same answer, and findings of the same rules."""

    def answer(step: QueryStep) -> tuple[object, ...]:
        rules = tuple(found.rule for found in step.findings)
        return step.status, step.http_status, step.error_code, step.fail_reason, step.sub_jobs, rules

    return [list(steps) for _, steps in groupby(queries, key=answer)]


def _query(
    job: JobStory, step: QueryStep, before: QueryStep | None, explained: set[str]
) -> Iterator[RenderableType]:
    since = seconds(_apart(job.first_seen, step.time))
    what = escape(step.status or "no status", 40)
    if before is not None and before.status is not None and step.status not in (None, before.status):
        what = f"{escape(before.status, 40)} -> {what}"
    style = _STATES[job.state] if step.time == job.ended else "" if step.status else "yellow"
    http = "" if step.http_status == 200 else f"HTTP {step.http_status or 'none'}"
    yield _moment(step.time, f"+{since}", what, http, step.instance, style)
    if step.sub_jobs and (before is None or step.sub_jobs != before.sub_jobs):
        told = ", ".join(f"{count} {escape(status, 40)}" for status, count in step.sub_jobs)
        yield _under(Text(f"sub-jobs: {told}", "dim"), _INDENT)
    if reason := why_failed(step):
        yield _under(Text(escape(reason, 500)), _INDENT)
    yield from _findings(step.findings, explained)


def _moment(
    at: str, offset: str, what: str, http: str, instance: str | None, style: str = ""
) -> RenderableType:
    where = f"  [{escape(instance, 40)}]" if instance else ""
    head = f"  {_clock(at, 23)}  {offset:>9}"
    return _under(
        Text.assemble((f"{head}  ", ""), (what, style), f"  {http}" if http else "", (where, "dim")), 0
    )


def _findings(findings: Iterable[Found], explained: set[str]) -> Iterator[RenderableType]:
    """The rule the first time in full, with why it matters, and then its code alone."""
    for found in findings:
        style = STYLES[found.severity]
        if found.rule in explained:
            yield _under(Text(found.rule, style), _INDENT)
            continue
        explained.add(found.rule)
        yield _under(Text.assemble((f"{found.rule} {found.name}", style), f" ({found.severity})"), _INDENT)
        yield _under(Text(_difference(found)), _INDENT + 2)
        if found.rule in RULES:
            yield _under(Text(RULES[found.rule].why.en, "dim"), _INDENT + 2)


def _difference(found: Found | Example) -> str:
    where = f"{escape(found.pointer)}: " if found.pointer else ""
    return f"{where}expected {escape(found.expected)}, found {escape(found.found)}"


def _found_entry(found: FoundStory) -> Iterator[RenderableType]:
    example = found.example
    often = f"  {_times(found.count)}" if found.count > 1 else ""
    span = _clock(found.first) + (f" to {_clock(found.last)}" if found.count > 1 else "")
    yield Text.assemble(
        (found.rule, STYLES[found.severity]), (f" {found.name}", "bold"), f" ({found.severity})", often
    )
    yield _under(Text(f"{span} UTC"), 2)
    request = f"{example.method or ''} {example.host or ''}{example.path or ''}".strip()
    status = f" HTTP {example.http_status}" if example.http_status else ""
    route = f" ({example.route})" if example.route else ""
    yield _under(Text(escape(f"{request}{route}", 1000) + status, overflow="fold"), 2)
    yield _under(Text(_difference(example) + _place(example)), 2)
    if example.job_id and found.rule != TA502.code:
        yield _under(Text(f"job {escape(example.job_id, 1000)}", "dim", overflow="fold"), 2)
    yield _under(Text(f"fingerprint {found.fingerprint}", "dim"), 2)
    yield Text()


def _place(example: Example) -> str:
    return f" (line {example.line}, column {example.column})" if example.line is not None else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _under(text: Text, indent: int) -> RenderableType:
    return Padding(text, (0, 0, 0, indent), expand=False)


def _clock(at: str, most: int = 19) -> str:
    """A time without its letters, in UTC."""
    return at[:most].replace("T", " ")


def _apart(first: str, second: str) -> float:
    return _epoch(second) - _epoch(first)


def _epoch(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
