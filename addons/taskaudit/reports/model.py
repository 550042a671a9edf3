"""The one model that all reports are drawn from, so that their counts agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from taskaudit.catalogue import Role
from taskaudit.contract.verdict import Severity
from taskaudit.exchange import Unaudited
from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import EMPTY, Policy
from taskaudit.recording.board import Board
from taskaudit.story.groups import FoundStory
from taskaudit.story.job_story import JobStory
from taskaudit.story.jobs import Choice
from taskaudit.story.merged import Merged
from taskaudit.story.operations import Counts, Operation, Operations
from taskaudit.story.sessions import Coverage
from taskaudit.story.story import Since, Story, of_all, story_of
from taskaudit.times import rfc3339


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported of an audit.

    `sources`: the logs and captures it was told from, none of a running audit. `made` and `period`, from the
    first to the last exchange, are RFC 3339, UTC; there is no period where no source has times. `damaged`:
    one message for each place that could not be read. `unlisted` jobs are not among `jobs`, as there were
    too many to keep. `since`: from when on jobs, findings and operations are reported, None for all; the
    coverage is always that of the whole. `troubles`: what keeps a running audit from its work, None of one
    that is over. `repeated` exchanges stand in several sources: seen each time, they are told once.
    """

    sources: tuple[str, ...]
    made: str
    period: tuple[str, str] | None
    jobs: tuple[JobStory, ...]
    findings: tuple[FoundStory, ...]
    operations: tuple[Operation, ...]
    coverage: Coverage
    damaged: tuple[str, ...]
    evicted: int
    unlisted: int
    repeated: int = 0
    since: str | None = None
    troubles: tuple[str, ...] | None = None

    @property
    def severities(self) -> dict[Severity, int]:
        """Findings by severity, the worst first, but for those that are waived; each is there, with 0 too."""
        counted = Counter[Severity]()
        for found in self.findings:
            counted[found.severity] += found.counting
        return {severity: counted[severity] for severity in Severity}

    def has(self, fail_on: Severity) -> bool:
        """Whether there is a finding of that severity, or worse: TA901 and TA902, too, but no waived one."""
        if self.coverage.missing or self.coverage.totals.unaudited[Unaudited.INTERNAL_ERROR]:
            return True
        return any(count for severity, count in self.severities.items() if severity.rank <= fail_on.rank)

    @property
    def waived(self) -> Counts:
        """Waived findings by rule code; the other counts are without them."""
        counted = Counter[str]()
        for found in self.findings:
            counted[found.rule] += found.waived
        return tuple(sorted((+counted).items()))

    @property
    def rules(self) -> Counts:
        """Findings by rule code; 0 where all are waived."""
        counted = Counter[str]()
        for found in self.findings:
            counted[found.rule] += found.counting
        return tuple(sorted(counted.items()))

    @property
    def kinds(self) -> Counts:
        """Audited submissions by kind."""
        counted = Counter[str]()
        for operation in self.operations:
            counted.update(dict(operation.kinds))
        return tuple(sorted(counted.items()))

    @property
    def states(self) -> Counts:
        """Listed jobs by state."""
        return tuple(sorted(Counter(job.state.value for job in self.jobs).items()))

    def exchanges(self, role: Role) -> int:
        """How many submissions or job queries there were, audited or not."""
        return sum(operation.seen for operation in self.operations if operation.role is role)


def report_of(
    merged: Merged,
    thresholds: Thresholds,
    sources: Iterable[str],
    made: float,
    damaged: Iterable[str] = (),
    policy: Policy = EMPTY,
    since: Since = of_all,
) -> Report:
    """The report of logs and captures that were read. `made`: the time, seconds since the epoch."""
    operations, start = Operations(), since(merged.last)
    first = last = 0.0
    for told in merged.exchanges():  # In the order of time.
        if told.at < start:
            continue
        operations.add(told)
        if told.at > 0:
            first, last = first or told.at, told.at
    period = (first, last) if last > 0 else None
    told_lines = (f"{path}, line {line}: {reason}" for path, line, reason in merged.damaged)
    story = story_of(merged, thresholds, policy, since=since)
    report = _report(story, operations, period, made, sources, (*told_lines, *damaged))
    if not start:
        return report
    jobs = tuple(Choice(since=rfc3339(start)).of(report.jobs))
    return replace(report, jobs=jobs, since=rfc3339(start))


def live_report(board: Board, made: float, troubles: Iterable[str] = ()) -> Report:
    """The report of a running audit as it stands. `made`: the time, seconds since the epoch."""
    report = _report(board.story(), board.operations, board.period, made)
    return replace(report, troubles=tuple(troubles))


def _report(
    story: Story,
    operations: Operations,
    period: tuple[float, float] | None,
    made: float,
    sources: Iterable[str] = (),
    damaged: Iterable[str] = (),
) -> Report:
    return Report(
        sources=tuple(sources),
        made=rfc3339(made),
        period=(rfc3339(period[0]), rfc3339(period[1])) if period else None,
        jobs=tuple(story.jobs),
        findings=story.findings,
        operations=operations.table(story.findings),
        coverage=story.coverage,
        damaged=tuple(damaged),
        evicted=story.evicted,
        unlisted=story.unlisted,
        repeated=story.repeated,
    )
