"""`taskaudit explain`: what a rule says, why it matters, and an answer that breaks it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from rich.text import Text

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Example, Rule
from taskaudit.terminal import STYLES


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


def explanation(rule: Rule) -> Iterator[Text]:
    """A rule in full, line by line."""
    yield Text.assemble(
        (f"{rule.code} ", STYLES[rule.severity]), (rule.name, "bold"), (f" ({rule.severity})", "dim")
    )
    yield Text(f"  When    {rule.when.en}")
    yield Text(f"  Why     {rule.why.en}")
    if rule.bad:
        yield from _example("Bad", rule.bad)
    if rule.good:
        yield from _example("Good", rule.good)
    yield Text(f"  Source  {rule.source}", "dim")


def _example(label: str, example: Example | Conversation) -> Iterator[Text]:
    if not isinstance(example, Example):
        yield from _conversation(label, example)
        return
    yield Text(f"  {label:<7} HTTP {example.status}{_headers(example)}", "dim")
    yield Text(f"          {escape(example.sent.decode('utf-8', 'replace'), 1000) or '(no body)'}")
    if example.note:
        yield Text(f"          ({example.note})", "dim")


def _conversation(label: str, steps: Conversation) -> Iterator[Text]:
    for number, step in enumerate(steps):
        head = label if number == 0 else ""
        yield Text(f"  {head:<7} {step.at:>4g} s  {step.request} -> {step.status} {step.body}")


def _headers(example: Example) -> str:
    named = (("Content-Type", example.content_type), ("Content-Encoding", example.content_encoding))
    return "".join(f", {name}: {value}" for name, value in named if value)
