"""Big logs, written fast: what a recorder writes of some exchanges, again and again with other ids and times.

Of each 4 exchanges one is a submission and three are queries of its job; one exchange in 41 is an error with
two findings. The queries lag behind the submissions, so that some jobs are open at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from taskaudit.times import rfc3339
from tests.samples import BAD_ERROR, outcome
from tests.stories import START, ask, submit, write_log

JOBS = 10
"""How many jobs are in what is repeated."""
GAP = 0.25
"""Seconds between two submissions."""


def write(path: Path, records: int) -> int:
    """Writes about so many records; how many they are."""
    first, *rest, last = _recorded()
    lines = [line for line in rest if b'"exchange_id"' in line]
    count = 1
    with path.open("wb") as file:
        file.write(first)
        for turn in range(records // len(lines)):
            for line in lines:
                record = msgspec.json.decode(line)
                _renew(record, turn, count)
                file.write(msgspec.json.encode(record) + b"\n")
                count += 1
        stop = msgspec.json.decode(last)
        file.write(msgspec.json.encode({**stop, "seq": count}) + b"\n")
    return count + 1


def _recorded() -> list[bytes]:
    """The lines of a log with a start, the exchanges that are repeated, and a stop."""
    with TemporaryDirectory() as name:
        log = write_log(Path(name) / "log", list(_exchanges()))
        return log.read_bytes().splitlines(keepends=True)


def _exchanges() -> Iterator[Any]:
    yield outcome(BAD_ERROR, 400, ended=START)
    for number in range(JOBS):
        at, job_id = number * GAP, f"{number:032x}"
        yield submit(at, job_id)
        for wait, status in ((1, "INIT"), (3, "RUNNING"), (9, "SUCCESS")):
            yield ask(at + wait, status, job_id)


def _renew(record: dict[str, Any], turn: int, seq: int) -> None:
    at = datetime.fromisoformat(record["timestamp"]).timestamp()
    record["timestamp"] = rfc3339(at + turn * JOBS * GAP)
    record["seq"] = seq
    record["record_id"] = f"{seq:032x}"
    record["exchange_id"] = f"{turn:08x}{record['exchange_id'][8:]}"
    record["request_id"] = f"req-{seq:032x}"
    body = record[record["event_type"]]
    if job_id := body.get("job_id"):
        body["job_id"] = f"{turn:08x}{job_id[8:]}"
        record["http"]["path"] = record["http"]["path"].replace(job_id, body["job_id"])
