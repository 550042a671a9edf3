"""What the store reads of a line of a log, and of which types; the rest is skipped (see `taskaudit.records`).

Numbers are bounded by what the database's columns hold.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from taskaudit.contract.verdict import Severity

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Small = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Id = Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{2})+\Z")]
_Rule = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]+\Z")]


class Http(msgspec.Struct):
    """The request line and the status."""

    method: str | None
    host: str | None
    path: str | None
    route: str | None
    status: _Small | None


class Session(msgspec.Struct):
    """A start or a stop."""

    state: str


class Submission(msgspec.Struct):
    """The verdict on a submission."""

    kind: str
    well_formed: bool
    job_id: str | None
    code: str | None
    message: str | None
    rules: list[_Rule]
    repeat_key: str | None


class JobQuery(msgspec.Struct):
    """The answer to a job query."""

    job_id: str
    status: str | None
    is_final: bool
    error_code: str | None
    fail_reason: str | None
    rules: list[_Rule]


class Unaudited(msgspec.Struct):
    """An exchange in scope without a verdict."""

    role: str
    job_id: str | None
    repeat_key: str | None


class Waiver(msgspec.Struct):
    """Until when, by whom and why a finding is accepted."""

    until: str
    owner: str
    reason: str


class Finding(msgspec.Struct):
    """A finding on an exchange; older logs tell of no waivers."""

    rule: str
    name: str
    severity: Severity
    pointer: str
    expected: str
    found: str
    line: _Small | None
    column: _Small | None
    fingerprint: str
    waiver: Waiver | None = None


class Record(msgspec.Struct):
    """What is read of a record; the rest stays in the column `record`."""

    timestamp: str
    event_type: str
    record_id: _Id
    instance_id: str
    session_id: str
    seq: _Count
    exchange_id: str | None = None
    flow_id: str | None = None
    request_id: str | None = None
    client: str | None = None
    http: Http | None = None
    session: Session | None = None
    submission: Submission | None = None
    job_query: JobQuery | None = None
    unaudited: Unaudited | None = None
    finding: Finding | None = None


_DECODER = msgspec.json.Decoder(Record)


def decode(line: bytes) -> Record:
    """The record. Raises ValueError where the line is not JSON, or a member is missing or of another type."""
    return _DECODER.decode(line)
