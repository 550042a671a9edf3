"""The text of a bug report on one finding, in Markdown, ready to be pasted into a tracker.

There is nothing secret in it: values of headers, query strings and request bodies are not kept, and what the
contract does not name is masked in the answer. What comes from traffic is code, or plainly harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from taskaudit import __version__
from taskaudit.auditor import Outcome
from taskaudit.bug import words
from taskaudit.bug.curl import curl_command
from taskaudit.contract.excerpt import JSON_TYPES
from taskaudit.contract.phrases import spoken
from taskaudit.contract.places import Span, enclosing, locate, place
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example, Rule, Step
from taskaudit.contract.verdict import Finding
from taskaudit.contract.words import Language, Words
from taskaudit.route_template import template_of
from taskaudit.text.frame import frame, plain
from taskaudit.text.markdown import block, code, prose
from taskaudit.times import rfc3339

MOST_OTHERS = 20
"""How many other findings on the same answer are listed."""
LONGEST_IN_TITLE = 80

_NOTHING = "nothing"
_START = (1, 1)
# Told by several exchanges: they have no place in the answer.
_OF_SEVERAL = frozenset({"TA204", "TA501", "TA502", "TA503", "TA504", "TA505", "TA506", "TA507"})
_SIMPLE_POINTER = re.compile(r"(?:/[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)+")
_INDEX = re.compile(r"\.([0-9]+)(?=\.|$)")
_RFC = re.compile(r"RFC (\d+), section (\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a finding was met: all of its fingerprint. Times in seconds since the epoch, 0 if unknown."""

    count: int
    first: float = 0.0
    last: float = 0.0


def worst(outcome: Outcome) -> Finding:
    """The worst finding, of those the first; a waived one where there is no other. Raises ValueError."""
    if not outcome.findings:
        raise ValueError("nothing was found on this exchange")
    return min(outcome.findings, key=lambda finding: finding.rank)


def bug_text(
    outcome: Outcome, finding: Finding | None, seen: int | Seen, language: Language = Language.EN
) -> str:
    """The bug report, with a final line feed; its first line is the title.

    `finding` is one on `outcome`; None for the worst. Raises ValueError where there is none.
    """
    finding = finding or worst(outcome)
    seen = seen if isinstance(seen, Seen) else Seen(seen)
    parts = _Report(outcome, finding, RULES[finding.rule], language).parts(seen)
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Report:
    """What each part of the text is made of."""

    outcome: Outcome
    finding: Finding
    rule: Rule
    language: Language

    def say(self, told: Words, **facts: object) -> str:
        return told.of(self.language).format(**facts)

    def parts(self, seen: Seen) -> Iterator[str]:
        yield f"# {self.title()}"
        yield "\n".join(f"- {fact}" for fact in self.facts(seen))
        yield self.heading(words.SENT)
        yield from self.sent()
        yield self.heading(words.CAME)
        yield from self.came()
        yield self.heading(words.BROKEN)
        yield from self.broken()
        yield self.heading(words.WHY)
        yield self.rule.why.of(self.language)
        if others := list(self.others()):
            yield self.heading(words.OTHERS)
            yield "\n".join(f"- {other}" for other in others)
        yield "---"
        yield self.say(words.END, version=__version__, rule=self.rule.code)

    def heading(self, told: Words) -> str:
        return f"## {told.of(self.language)}"

    def title(self) -> str:
        return f"{self.subject()}: {self.claim()} [{self.rule.code}]"

    def subject(self) -> str:
        exchange, route = self.outcome.exchange, self.outcome.route
        if exchange.method is None:
            return self.say(words.ANSWER)
        path = route.template if route else template_of(exchange.path or "")
        parts = [prose(exchange.method, 20), path and prose(path, 120), route and f"({prose(route.name)})"]
        return " ".join(part for part in parts if part)

    def claim(self) -> str:
        found, pointer = self.finding.found, self.finding.pointer
        if not pointer or self.rule.code in _OF_SEVERAL:
            form = words.NOWHERE
        elif found == _NOTHING:
            form = words.IS_MISSING
        else:
            form = words.IS if found.split(" ", 1)[0] in JSON_TYPES else words.AT
        return self.say(form, where=_dotted(pointer), **self.told(self.finding, LONGEST_IN_TITLE))

    def told(self, finding: Finding, most: int = 1000) -> dict[str, str]:
        """What was expected and what was found, in the language."""
        return {
            "expected": prose(spoken(finding.expected, self.language), most),
            "found": prose(spoken(finding.found, self.language), most),
        }

    def facts(self, seen: Seen) -> Iterator[str]:
        exchange, job_id = self.outcome.exchange, self.outcome.job_id
        yield self.say(words.SEVERITY, severity=self.finding.severity)
        count = self.say(words.ONCE if seen.count == 1 else words.TIMES, count=seen.count)
        if 0 < seen.first < seen.last:
            count += self.say(words.BETWEEN, first=rfc3339(seen.first), last=rfc3339(seen.last))
        yield self.say(words.SEEN, count=count)
        if exchange.at:
            yield self.say(words.TIME, time=rfc3339(exchange.at))
        if exchange.request_id is not None:
            yield self.say(words.REQUEST_ID, request_id=code(exchange.request_id))
        if job_id:
            yield self.say(words.JOB, job_id=code(job_id))

    def sent(self) -> Iterator[str]:
        command = curl_command(self.outcome.exchange)
        if command is None:
            yield self.say(words.NO_REQUEST)
        else:
            yield block(command, "sh")
            is_of_log = self.outcome.exchange.scheme is None
            yield self.say(words.FROM_A_LOG if is_of_log else words.PUT_IN)

    def came(self) -> Iterator[str]:
        answer = self.outcome.exchange.answer
        status = answer.status if answer else None
        yield self.say(words.NO_STATUS) if status is None else self.say(words.STATUS, status=status)
        if self.rule.code in _OF_SEVERAL:
            yield self.say(words.NO_PLACE)
        else:
            yield from self.body()
        yield self.happened(self.finding)

    def body(self) -> Iterator[str]:
        text = self.outcome.text
        if not text:
            yield self.say(self.no_body())
            return
        shown = _frame(self.finding, text)
        yield block(shown, "text")
        if "…" in shown:
            yield self.say(words.CUT)

    def no_body(self) -> Words:
        """Why there is no text of the body."""
        answer = self.outcome.exchange.answer
        if self.outcome.verdict is None and self.outcome.status is None:
            return words.NOT_KEPT
        if self.outcome.unaudited is not None:
            return words.NOT_SEEN
        return words.NO_TEXT if answer and answer.body and self.rule.code != "TA001" else words.EMPTY

    def happened(self, finding: Finding) -> str:
        """Where it is, what was expected there and what was found."""
        where = self.where(finding)
        form = words.AT if where else words.NOWHERE
        text = self.say(form, where=where, **self.told(finding))
        return text[:1].upper() + text[1:]

    def where(self, finding: Finding) -> str | None:
        """None for the body as a whole, and for what is not in the body."""
        if finding.rule in _OF_SEVERAL:
            return None
        pointer = code(finding.pointer) if finding.pointer else ""
        line, column = finding.place or _START
        if not pointer and (line, column) == _START:
            return None
        if finding.place is None:
            return pointer
        form = words.POINTER_AND_LINE if pointer else words.LINE
        return self.say(form, pointer=pointer, line=line, column=column)

    def broken(self) -> Iterator[str]:
        rule = self.rule
        yield f"**{rule.code} {rule.name}**"
        yield f"> {rule.when.of(self.language)}"
        yield self.say(words.SOURCE, source=_linked(rule.source))
        if isinstance(rule.good, Example):
            yield self.say(words.GOOD, status=rule.good.status)
            yield block(rule.good.sent.decode("utf-8"), "json")
        elif rule.good:
            yield self.say(words.GOOD_STEPS)
            yield block("\n".join(map(_step, rule.good)), "text")

    def others(self) -> Iterator[str]:
        findings = [each for each in self.outcome.findings if each != self.finding]
        for each in findings[:MOST_OTHERS]:
            yield f"{each.rule} {each.name} ({each.severity}). {self.happened(each)}"
        omitted = sum(count for _, count in self.outcome.verdict.omitted) if self.outcome.verdict else 0
        if more := len(findings[MOST_OTHERS:]) + omitted:
            yield self.say(words.MORE, count=more)


def _step(step: Step) -> str:
    return f"{step.at:>4g} s  {step.request} -> {step.status} {step.body}"


def _dotted(pointer: str) -> str:
    """`/error/details/0/code` as `error.details[0].code`; a pointer with odd names as it is."""
    if not _SIMPLE_POINTER.fullmatch(pointer):
        return code(pointer, LONGEST_IN_TITLE)
    return _INDEX.sub(r"[\1]", pointer[1:].replace("/", "."))


def _frame(finding: Finding, text: str) -> str:
    """The place of the finding, underlined; that of a missing member is the object it is missing from."""
    holder = enclosing(finding.pointer)
    spans = locate(text, {finding.pointer, holder})
    span = spans.get(finding.pointer) or spans.get(holder) or Span(0, 1)
    length = span.end - span.start if finding.pointer else 1
    return plain(frame(text, finding.place or place(text, span.start), length))


def _linked(source: str) -> str:
    """RFCs as links to the section."""
    return _RFC.sub(r"[\g<0>](https://www.rfc-editor.org/rfc/rfc\1.html#section-\2)", source)
