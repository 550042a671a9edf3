"""`taskaudit findings`: what was found in logs, by fingerprint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language, Words
from taskaudit.story.groups import Example, FoundStory
from taskaudit.text.json_line import json_line
from taskaudit.text.terms import SEVERITIES, counts_of
from taskaudit.text.waiver_words import with_waived

_GROUP = tuple(each.name for each in fields(FoundStory) if each.name != "example")
COLUMNS = (*_GROUP, *(f"example_{each.name}" for each in fields(Example)))

_NONE = Words("no findings", "没有问题")
_COUNTED = Words("{findings} of {kinds}: {told}", "{findings}，{kinds}：{told}")
_FINDING, _FINDINGS = Words("{count} finding", "{count} 个问题"), Words("{count} findings", "{count} 个问题")
_KIND, _KINDS = Words("{count} kind", "{count} 种"), Words("{count} kinds", "{count} 种")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings are wanted: of one rule (its code), and of a severity or worse."""

    rule: str | None = None
    severity: Severity = Severity.INFO

    def of(self, findings: Iterable[FoundStory]) -> Iterator[FoundStory]:
        """Those findings that are wanted, in their order."""
        return (
            found
            for found in findings
            if self.rule in (None, found.rule) and found.severity.rank <= self.severity.rank
        )


def counted(findings: Iterable[FoundStory], language: Language = Language.EN) -> str:
    """`8 findings of 3 kinds: 7 error, 1 info (4 more waived)`."""
    kinds, waived, severities = 0, 0, Counter[Severity]()
    for found in findings:
        kinds += found.counting > 0
        waived += found.waived
        severities[found.severity] += found.counting
    if not kinds:
        return with_waived(_NONE.of(language), waived, language)
    total = severities.total()
    text = _COUNTED.of(language).format(
        findings=(_FINDING if total == 1 else _FINDINGS).of(language).format(count=total),
        kinds=(_KIND if kinds == 1 else _KINDS).of(language).format(count=kinds),
        told=counts_of(((each, severities[each]) for each in Severity), SEVERITIES, language),
    )
    return with_waived(text, waived, language)


def as_json(found: FoundStory) -> str:
    """A group of findings as one line of JSON."""
    return json_line(asdict(found))


def cells(found: FoundStory) -> tuple[object, ...]:
    """The values in the order of `COLUMNS`."""
    return (
        *(getattr(found, name) for name in _GROUP),
        *(getattr(found.example, each.name) for each in fields(Example)),
    )
