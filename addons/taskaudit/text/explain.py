"""`taskaudit explain`: what a rule says, why it matters, and an answer that breaks it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.cells import set_cell_size
from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Example, Rule
from taskaudit.contract.words import Language, Words
from taskaudit.text.terminal import STYLES
from taskaudit.text.terms import SEVERITIES, in_brackets, name_of

_WHEN = Words("When", "条件")
_WHY = Words("Why", "影响")
_BAD = Words("Bad", "反例")
_GOOD = Words("Good", "正例")
_SOURCE = Words("Source", "出处")
_NO_BODY = Words("(no body)", "（无响应体）")


def find_rule(name: str) -> Rule:
    """The rule with that code or name, in any letter case. Raises LookupError that names the nearest."""
    wanted = name.strip().lower()
    known = {key.lower(): rule for rule in RULES.values() for key in (rule.code, rule.name)}
    if wanted in known:
        return known[wanted]
    nearest = difflib.get_close_matches(wanted, known, n=1)
    rule = known[nearest[0]] if nearest else None
    hint = f" did you mean {rule.code if nearest[0] == rule.code.lower() else rule.name}?" if rule else ""
    raise LookupError(f'no rule "{escape(name, 40)}";{hint} taskaudit explain --all lists them all')


def explanation(rule: Rule, language: Language = Language.EN) -> Iterator[Text]:
    """A rule in full, line by line."""
    severity = in_brackets(name_of(rule.severity, SEVERITIES, language), language)
    yield Text.assemble((f"{rule.code} ", STYLES[rule.severity]), (rule.name, "bold"), (severity, "dim"))
    yield Text(f"  {_label(_WHEN, language)} {rule.when.of(language)}")
    yield Text(f"  {_label(_WHY, language)} {rule.why.of(language)}")
    if rule.bad:
        yield from _example(_BAD, rule.bad, language)
    if rule.good:
        yield from _example(_GOOD, rule.good, language)
    yield Text(f"  {_label(_SOURCE, language)} {rule.source}", "dim")


def _label(label: Words, language: Language) -> str:
    """In the columns that all labels have; a Chinese character takes two."""
    return set_cell_size(label.of(language), 7)


def _example(label: Words, example: Example | Conversation, language: Language) -> Iterator[Text]:
    if not isinstance(example, Example):
        yield from _conversation(_label(label, language), example)
        return
    yield Text(f"  {_label(label, language)} HTTP {example.status}{_headers(example)}", "dim")
    body = escape(example.sent.decode("utf-8", "replace"), 1000)
    yield Text(f"          {body or _NO_BODY.of(language)}")
    if example.note:
        yield Text(f"          {in_brackets(example.note.of(language), language).strip()}", "dim")


def _conversation(label: str, steps: Conversation) -> Iterator[Text]:
    for number, step in enumerate(steps):
        head = label if number == 0 else " " * 7
        yield Text(f"  {head} {step.at:>4g} s  {step.request} -> {step.status} {step.body}")


def _headers(example: Example) -> str:
    named = (("Content-Type", example.content_type), ("Content-Encoding", example.content_encoding))
    return "".join(f", {name}: {value}" for name, value in named if value)
