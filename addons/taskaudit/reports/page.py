"""What a page shows of a report: chosen, bounded and counted, ready for the templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

from taskaudit.catalogue import Role
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Rule
from taskaudit.contract.rules.rule import Example as Answered
from taskaudit.contract.words import Language, Words
from taskaudit.exchange import stable_id
from taskaudit.job_state import JobState
from taskaudit.reports.charts import Activity, Bar, activity, bars
from taskaudit.reports.model import Report
from taskaudit.reports.page_words import LIVE, LOOKS, PAGE
from taskaudit.reports.standing import Standing, standing_of
from taskaudit.reports.timeline import Timeline, timeline_of
from taskaudit.story.groups import FoundStory
from taskaudit.story.job_story import JobStory, QueryStep
from taskaudit.story.jobs import seconds
from taskaudit.text.terms import KINDS, SEVERITIES, STATES, UNAUDITED, name_of
from taskaudit.times import seconds_of


class Limits(NamedTuple):
    """How much is shown: jobs in the table and in the picture, queries of a job, groups of findings."""

    jobs: int
    pictured: int
    queries: int
    findings: int
    operations: int
    damage: int = 50


REPORT = Limits(jobs=1000, pictured=200, queries=40, findings=500, operations=500)
"""Of a file: what a browser still shows at once."""
LIVE_PAGE = Limits(jobs=200, pictured=50, queries=20, findings=200, operations=200)
"""Of a page that is made anew while traffic passes: little enough not to be in its way."""


class Steps(NamedTuple):
    """Queries of a job: the first, how many `between` are not shown, the last."""

    first: tuple[QueryStep, ...]
    between: int
    last: tuple[QueryStep, ...]


class ShownJob(NamedTuple):
    """A job of the table. `anchor` names its row; `severity`: of its worst finding, or `none`."""

    job: JobStory
    anchor: str
    severity: str
    steps: Steps


@dataclass(frozen=True, slots=True)
class Page:
    """All that the templates print, `more_...` being what they leave out."""

    report: Report
    standing: Standing
    submissions: int
    job_queries: int
    states: dict[str, int]
    severities: dict[str, int]
    waived: int
    kinds: tuple[Bar, ...]
    rules_met: tuple[Bar, ...]
    activity: Activity | None
    findings: tuple[FoundStory, ...]
    more_findings: int
    timeline: Timeline
    jobs: tuple[ShownJob, ...]
    more_jobs: int
    more_operations: int
    job_severities: dict[str, int]
    listed: frozenset[str]
    rules: tuple[Rule, ...]
    limits: Limits


def page_of(report: Report, language: Language, limits: Limits = REPORT) -> Page:
    """The page of a report."""
    latest = report.jobs[-limits.jobs :]
    jobs = tuple(_shown(job, limits) for job in reversed(latest))
    states = dict(report.states)
    return Page(
        report=report,
        standing=standing_of(report, language),
        submissions=report.exchanges(Role.SUBMISSION),
        job_queries=report.exchanges(Role.JOB_QUERY),
        states={state.value: states.get(state.value, 0) for state in JobState},
        severities={severity.value: count for severity, count in report.severities.items()},
        waived=sum(count for _, count in report.waived),
        kinds=bars(report.kinds),
        rules_met=bars(report.rules),
        activity=activity(latest),
        findings=report.findings[: limits.findings],
        more_findings=max(0, len(report.findings) - limits.findings),
        timeline=timeline_of(report.jobs, limits.pictured),
        jobs=jobs,
        more_jobs=len(report.jobs) - len(jobs) + report.unlisted,
        more_operations=max(0, len(report.operations) - limits.operations),
        job_severities=dict(Counter(each.severity for each in jobs)),
        listed=frozenset(each.anchor for each in jobs),
        rules=_rules(report, jobs),
        limits=limits,
    )


def anchor(job_id: str) -> str:
    """The name of a job's row: ids of jobs may hold anything."""
    return f"job-{stable_id(job_id)[:16]}"


def clock(time: str) -> str:
    """A time of the report, to the millisecond; a dash where it was not known."""
    return f"{time[:10]} {time[11:23]}" if seconds_of(time) > 0 else "–"


def since(job: JobStory, time: str) -> str:
    """How long after a job was first seen."""
    return f"+{seconds(seconds_of(time) - seconds_of(job.first_seen))}"


def spoken(words: dict[str, Words], language: Language) -> SimpleNamespace:
    """A table of words as names, in one language."""
    return SimpleNamespace(**{key: each.of(language) for key, each in words.items()})


def vocabulary(language: Language) -> dict[str, object]:
    """All that the templates say."""
    return {
        "say": spoken(PAGE, language),
        "live": spoken(LIVE, language),
        "severity_words": {key: words.of(language) for key, words in SEVERITIES.items()},
        "state_words": {key: words.of(language) for key, words in STATES.items()},
        "look_words": {key: words.of(language) for key, words in LOOKS.items()},
        "kind_named": partial(name_of, names=KINDS, language=language),
        "reason_named": partial(name_of, names=UNAUDITED, language=language),
    }


def is_conversation(example: Answered | Conversation) -> bool:
    """Whether an example of a rule has steps."""
    return not isinstance(example, Answered)


def sent(example: Answered) -> str:
    """The body of an example, harmless."""
    return escape(example.sent.decode("utf-8", "replace"), 1000)


def _shown(job: JobStory, limits: Limits) -> ShownJob:
    return ShownJob(job, anchor(job.job_id), _severity(job.rules), _steps(job, limits.queries))


def _severity(rules: Iterable[str]) -> str:
    known = (RULES[rule].severity for rule in rules if rule in RULES)
    worst = min(known, key=lambda severity: severity.rank, default=None)
    return worst.value if worst else "none"


def _steps(job: JobStory, most: int) -> Steps:
    if len(job.queries) <= most and not job.unlisted:
        return Steps(job.queries[:], 0, ())
    half = min(most, len(job.queries)) // 2
    return Steps(job.queries[:half], job.asked - 2 * half, job.queries[-half:] if half else ())


def _rules(report: Report, jobs: Iterable[ShownJob]) -> tuple[Rule, ...]:
    """The rules that are linked to, by code."""
    met = {code for code, _ in report.rules} | {code for each in jobs for code in each.job.rules}
    return tuple(rule for code, rule in RULES.items() if code in met)
