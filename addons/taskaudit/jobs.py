"""`taskaudit jobs`: the job ids in logs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from taskaudit.contract.excerpt import escape
from taskaudit.log import Damaged, read_log


@dataclass(frozen=True, slots=True)
class Job:
    """A job id as it was answered. `submitted` is RFC 3339, UTC; `rules` are the codes found."""

    submitted: str
    job_id: str
    route: str | None
    method: str | None
    host: str | None
    path: str | None
    status: int | None
    client: str | None
    request_id: str | None
    rules: str

    @property
    def operation(self) -> str:
        """The route, or else the request line."""
        return self.route or f"{self.method or ''} {self.path or ''}".strip()

    def cells(self) -> tuple[object, ...]:
        """The values in the order of `COLUMNS`."""
        return tuple(asdict(self).values())

    def one_line(self) -> str:
        """For a view that goes on as jobs come."""
        words = (
            self.submitted,
            self.job_id,
            self.operation,
            self.host or "",
            str(self.status or ""),
            self.rules,
        )
        return "  ".join(escape(word) for word in words).rstrip()


COLUMNS = tuple(f.name for f in fields(Job))
# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def jobs_in(path: Path, *, follow: bool = False) -> Iterator[Job | Damaged]:
    """Each job of a log in order, and each line that is no record. Raises LogError."""
    for record in read_log(path, follow=follow):
        if isinstance(record, Damaged):
            yield record
        elif record["event_type"] == "submission" and record["submission"]["job_id"] is not None:
            http, submission = record["http"], record["submission"]
            yield Job(
                submitted=record["timestamp"],
                job_id=submission["job_id"],
                route=http["route"],
                method=http["method"],
                host=http["host"],
                path=http["path"],
                status=http["status"],
                client=record["client"],
                request_id=record["request_id"],
                rules=" ".join(submission["rules"]),
            )


def as_json(job: Job) -> str:
    """A job as one line of JSON."""
    return json.dumps(asdict(job))


def as_csv(rows: Iterable[Iterable[object]]) -> str:
    """Rows of a CSV file (RFC 4180), with cells that a spreadsheet would run made harmless by a quote."""
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
