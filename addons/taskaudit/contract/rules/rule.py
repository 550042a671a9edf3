"""What a rule is: its identity, its reasons and its examples, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from taskaudit.contract.answer import DEFAULT_LIMIT, Missing
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words


@dataclass(frozen=True, slots=True)
class Example:
    """An answer that breaks a rule, or keeps it. `body` is sent in UTF-8 unless it is bytes."""

    body: str | bytes
    status: int = 200
    content_type: str | None = "application/json"
    content_encoding: str = ""
    limit: int = DEFAULT_LIMIT
    missing: Missing | None = None
    note: Words | None = None

    @property
    def sent(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else self.body.encode()


class Step(NamedTuple):
    """One exchange of a conversation: seconds since its start, request line, status and body answered."""

    at: float
    request: str
    status: int
    body: str


Conversation = tuple[Step, ...]
"""What a client did, step by step: the examples of rules about what comes after an answer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the contract.

    `when` is the condition in a few words, `why` what a client does with such an answer, `source`
    where the rule comes from. `bad` breaks it; `good` is what the same answer should have been.
    Rules about the audit itself have no examples.
    """

    code: str
    name: str
    severity: Severity
    when: Words
    why: Words
    source: str
    bad: Example | Conversation | None = None
    good: Example | Conversation | None = None

    def at(
        self, pointer: str, expected: str, found: str | None = None, *, offset: int | None = None
    ) -> Fault:
        """This rule broken at `pointer`.

        `found` is told from the value there, and the place is where that stands, unless they are given;
        `offset` counts characters of the decoded text.
        """
        return Fault(self, pointer, expected, found, offset)


class Fault(NamedTuple):
    """A rule broken at a pointer, before its place in the text is looked up."""

    rule: Rule
    pointer: str
    expected: str
    found: str | None = None
    offset: int | None = None
