"""What the audit says of one answer: its kind, and what is wrong with it, where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Severity(StrEnum):
    """How bad a finding is: `error` breaks the contract, `warning` will likely break a client."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, so that `a.rank <= b.rank` reads "a is at least as bad as b"."""
        return list(Severity).index(self)


class Kind(StrEnum):
    """How the answer to a submission is classified (contract, section 3)."""

    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"
    JOB = "job"
    ERROR = "error"
    ORDER = "order"
    ACCEPTED = "accepted"
    FOREIGN = "foreign"
    UNRECOGNISED = "unrecognised"


class Place(NamedTuple):
    """A place in the decoded text, both from 1; the column counts characters, not bytes."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Waiver:
    """A known fault that is accepted for a time: its rule, on which routes, at which pointers.

    `until`: the last day, as ISO 8601 writes it, UTC. `route` and `pointer` are patterns; None is any.
    """

    rule: str
    reason: str
    owner: str
    until: str
    route: str | None = None
    pointer: str | None = None


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with one answer.

    `pointer` is a JSON Pointer (RFC 6901) to the value at fault, or to where a missing one should be.
    `found` is the JSON type with a short, escaped excerpt; it holds no value of a member that the
    contract does not name. `json_type` is that type alone (for fingerprints), empty where no JSON value
    was found. `waived`: what accepts it, where it is a known fault.
    """

    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    json_type: str
    place: Place | None = None
    waived: Waiver | None = None

    @property
    def rank(self) -> tuple[bool, int]:
        """The least for the worst; a waived one comes after all others."""
        return self.waived is not None, self.severity.rank


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What one answer to a submission is, and all that is wrong with it.

    `findings` are in order of code, then pointer. A rule that is broken more than
    `MAX_FINDINGS_PER_RULE` times is listed that often; `omitted` counts the rest by rule.
    `text` is the decoded body, for showing the place of a finding; it is never recorded.
    `ids` are others than `job_id` by which the client may follow the job.
    `names_envelope`: the body is an Object with a `job_id`, or an `error` that is not plainly another API's.
    `error_code` and `error_message` are those of an `error` envelope, where they are Strings.
    """

    kind: Kind
    findings: tuple[Finding, ...] = ()
    job_id: str | None = None
    ids: tuple[str, ...] = ()
    error_code: str | None = None
    error_message: str | None = None
    omitted: tuple[tuple[str, int], ...] = ()
    names_envelope: bool = False
    text: str | None = None

    def __repr__(self) -> str:
        return f"Verdict({self.kind.value}, {self.findings}, job_id={self.job_id!r}, omitted={self.omitted})"

    @property
    def well_formed(self) -> bool:
        """No finding of severity `error`."""
        return not any(f.severity is Severity.ERROR for f in self.findings)

    @property
    def seen(self) -> bool:
        """False where the body went past the audit (TA003): then nothing is known of it."""
        return not any(f.rule == "TA003" for f in self.findings)


MAX_FINDINGS_PER_RULE = 100
