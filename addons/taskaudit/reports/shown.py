"""What all reports show in the same words: what keeps an audit from being whole, and where a finding is."""

from __future__ import annotations

from urllib.parse import quote

from taskaudit.contract.excerpt import escape
from taskaudit.contract.phrases import spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.lifecycle import TA502, TA503, TA504, TA505, TA507
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
from taskaudit.job_state import JobState
from taskaudit.reports.gather import STANDARD_INPUT
from taskaudit.reports.model import Report
from taskaudit.reports.standing import standing_of
from taskaudit.story.groups import Example, FoundStory
from taskaudit.story.job_story import JobStory
from taskaudit.text.waiver_words import waived_text, with_waived
from taskaudit.times import rfc3339

LONGEST = 1000
"""To how many characters ids, paths and messages are cut."""
_NO_TIME = rfc3339(0)
_STATES = (
    JobState.FAILED,
    JobState.NO_STATUS,
    JobState.NEVER_QUERIED,
    JobState.NOT_ASKED_YET,
    JobState.OPEN,
    JobState.BY_RESOURCE,
    JobState.FINAL,
)
_OF_REQUESTS = frozenset(rule.code for rule in (TA502, TA503, TA504, TA505, TA507))
"""Rules that no answer breaks, but whoever asks."""
_THE_REQUEST = Words("the request", "请求本身")
_THE_ANSWER = Words("the answer as a whole", "整个响应")
_EXPECTED = Words("expected {expected}, found {found}", "期望 {expected}，实际 {found}")
_REQUEST_ID = Words("request id", "请求 ID")
_UNLISTED = Words(
    "{n} more jobs are not listed, as there were too many to keep; their findings are counted.",
    "另有 {n} 个任务因数量过多而未列出；其问题已计入。",
)
_REPEATED = Words(
    "{n} exchanges stand in more than one source: seen each time, told once.",
    "{n} 次交互出现在多个来源中：每次都计入“见到”，但只列出一次。",
)


def notes(report: Report, language: Language) -> tuple[str, ...]:
    """What was not seen, is not known or not shown, a sentence each; none of it comes from the traffic."""
    more = ((_UNLISTED, report.unlisted), (_REPEATED, report.repeated))
    told = (words.of(language).format(n=count) for words, count in more if count)
    return *standing_of(report, language).alerts, *told


def when(at: str | None) -> str | None:
    """A time, None where the source has none."""
    return None if at == _NO_TIME else at


def clock(at: str | None) -> str:
    """A time to the second, in UTC, without its letters; empty where there is none."""
    return (when(at) or "")[:19].replace("T", " ")


def request_line(on: Example | JobStory) -> str:
    """Method, host and path: what there is of them."""
    return escape(f"{on.method or ''} {on.host or ''}{on.path or ''}".strip(), LONGEST)


def difference(example: Example, language: Language) -> str:
    """What was expected, and what found."""
    expected, found = (spoken(escape(text, LONGEST), language) for text in (example.expected, example.found))
    return _EXPECTED.of(language).format(expected=expected, found=found)


def about(found: FoundStory, language: Language) -> str:
    """What findings without a pointer are about."""
    return (_THE_REQUEST if found.rule in _OF_REQUESTS else _THE_ANSWER).of(language)


def is_placed(example: Example) -> bool:
    """Whether line and column say more than that the answer begins there."""
    return example.line is not None and bool(example.pointer or (example.line, example.column) != (1, 1))


def waived(found: FoundStory, language: Language) -> str:
    """Until when findings are waived, by whom and why; empty where none is."""
    return waived_text(found.waived_until, found.waived_by, found.waived_why, language)


def is_waived(found: FoundStory) -> bool:
    """Whether all of them are waived: then they are nobody's work now."""
    return found.waived >= found.count


def request_id(example: Example, language: Language) -> str:
    """The request id; empty where there is none."""
    return f"{_REQUEST_ID.of(language)} {escape(example.request_id)}" if example.request_id else ""


def source_of(report: Report, example: Example) -> str | None:
    """The file in which an example stands; None where several logs may have it, and for standard input.

    What stands in a capture has the capture's name for its instance.
    """
    if example.instance in report.sources:
        source = example.instance
    else:
        source = report.sources[0] if len(report.sources) == 1 else ""
    return source if source not in ("", STANDARD_INPUT) else None


def uri_of(source: str) -> str:
    """A file as a URI: relative to the current folder, unless the path is absolute."""
    path = source.replace("\\", "/")
    if path[:1].isalpha() and path[1:3] == ":/":  # RFC 8089, appendix E.2: a drive.
        return "file:///" + quote(path, safe="/:")
    return ("file://" if path.startswith("/") else "") + quote(path)


def rule_title(code: str, name: str) -> str:
    """`TA306 error-code-not-string`. A log may be of a later version, with rules that are unknown here."""
    return escape(f"{code} {name}".strip(), 100)


def rule_named(code: str) -> str:
    """The same, by the code alone."""
    return rule_title(code, RULES[code].name if code in RULES else "")


def why(code: str, language: Language) -> str:
    """Why the rule matters; empty where it is unknown here."""
    return RULES[code].why.of(language) if code in RULES else ""


def severity_of(code: str) -> Severity:
    """The rule's severity; of an unknown one the worst, so that it is not overlooked."""
    return RULES[code].severity if code in RULES else Severity.ERROR


def worst_first(report: Report) -> list[JobStory]:
    """The jobs: those with the worst findings first, then those that failed, then the rest."""
    return sorted(report.jobs, key=_rank)


def _rank(job: JobStory) -> tuple[int, int, int, str]:
    worst = min((severity_of(code).rank for code in job.rules), default=len(Severity))
    return worst, _STATES.index(job.state), -len(job.rules), job.first_seen


def often(found: FoundStory, language: Language) -> str:
    """How often a finding was met: `3 times (2 more waived)`."""
    return with_waived(times(found.counting, language), found.waived, language)


def times(count: int, language: Language) -> str:
    """How often: `once`, `3 times`."""
    if language is Language.ZH:
        return f"{count} 次"
    return "once" if count == 1 else f"{count} times"
