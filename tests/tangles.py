"""Logs that are hard to tell: jobs over several proxies, some of them still running, some flows replayed."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import structs
from sqlalchemy import text

from taskaudit.auditor import Outcome
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.exchange import stable_id
from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import EMPTY, Override, Policy
from taskaudit.store.database import Database
from taskaudit.store.load import Loader
from taskaudit.story import findings, jobs
from taskaudit.story.story import Story
from tests.samples import BAD_ERROR, ERROR, outcome
from tests.stories import START, ask, resource, submit, under, write_log

PATHS = ("/v1/0123/cloudservers", "/v2/p/cloudvolumes", "/v9/things/17")
POLICY = Policy(
    [Override("TA008", Severity.WARNING), Override("TA305", None)],
    [
        Waiver("TA306", "until the next release", "team-a", "2026-12-31"),
        Waiver("TA404", "=1+1 \x1b", "team-b", "2026-10-01", pointer="/error/details/0"),
    ],
)
"""In force in some tangles."""
STATUSES = ("INIT", "RUNNING", "RUNNING", "SUCCESS", "FAIL", "fail", "odd\x1b" * 60, None)


JOB_IDS = ("a1", "a2", "a3", "a4", "a5", "a6", "a7", "None", "nul\0l", "é" * 210, "=1+1")


def tangle(folder: Path, seed: int, exchanges: int = 60) -> list[Path]:
    """Three logs, in which everything happens that there is a rule on; the same for the same seed."""
    chance = random.Random(seed)
    parts: list[list[Outcome]] = [[], [], []]
    at = 0.0
    for number in range(exchanges):
        at += chance.choice((0, 0.25, 0.5, 0.9, 1, 7, 301))
        if chance.random() < 0.05:  # A client that hammers.
            parts[0] += [ask(at + n / 8, job_id="a1") for n in range(chance.randrange(3, 9))]
        made = _exchange(chance, at, f"{seed}-{number}")
        parts[chance.randrange(3)].append(made)
        if chance.random() < 0.1:  # The flow was saved, and replayed through another proxy.
            parts[chance.randrange(3)].append(made)
    policy = POLICY if seed % 2 else EMPTY
    logs = [
        write_log(
            folder / f"log-{index}",
            under(policy, part),
            instance=f"proxy-{'bAc'[index]}",
            policy=policy,
            stop=seed % 3 != 0 or index != 1,
            ends=at + chance.choice((0, 400)),
        )
        for index, part in enumerate(parts)
    ]
    _lose(chance, logs[seed % 3])
    chance.shuffle(logs)
    return logs


def _exchange(chance: random.Random, at: float, name: str) -> Outcome:
    job_id = chance.choice(JOB_IDS)
    facts: dict[str, Any] = {"exchange_id": stable_id(name)}
    match chance.randrange(10):
        case 0 | 1 | 2:
            digest = chance.choice(("d1", "d2", None))
            made = submit(at, job_id, path=chance.choice(PATHS), request_digest=digest, **facts)
            return structs.replace(made, has_query_route=made.route is not None)
        case 3:
            body = chance.choice((BAD_ERROR, ERROR, "[]", '{"error": {"details": [1, 2]}}'))
            return outcome(body, 400, started=None, ended=START + at, **facts)
        case 4:
            return submit(at, None, request_digest="d1", **facts)
        case 5:
            return outcome(method=None, path=None, started=None, ended=START + at, **facts)
        case 6:
            placeholder = chance.choice(("None", "{job_id}", "undefined", "<\x1b>", "", job_id))
            asked = ask(at, None, placeholder, error={"code": "E.1", "message": "none\nsuch"})
            return structs.replace(asked, exchange=structs.replace(asked.exchange, **facts))
        case 7:
            return resource(at, job_id if len(job_id) < 4 else "a1", **facts)
        case _:
            more = {"sub_jobs": [{"job_id": chance.choice(JOB_IDS), "status": "FAIL", "fail_reason": "sub"}]}
            why = chance.choice(("why", "", None))
            asked = ask(at, chance.choice(STATUSES), job_id, fail_reason=why, **chance.choice(({}, more)))
            return structs.replace(asked, exchange=structs.replace(asked.exchange, **facts))


def _lose(chance: random.Random, log: Path) -> None:
    """One record, not the first: a write that failed."""
    lines = log.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(1, len(lines))]
    log.write_bytes(b"".join(lines))


def load(address: str, logs: list[Path], thresholds: Thresholds | None = None) -> tuple[int, int]:
    """Loads logs into a store; how many records were read, and how many were new."""
    told: list[object] = []
    with closing(
        Loader(Database(address), logs, thresholds=thresholds, tell=told.append, damage=told.append)
    ) as loader:
        loader.load()
    assert not told
    return loader.tally.records, loader.tally.new


def view_rows(address: str, name: str) -> list[tuple[object, ...]]:
    """All rows of a view or table, in its order."""
    with Database(address) as database, database.transaction(reading=True) as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]


def command_rows(story: Story) -> dict[str, list[tuple[object, ...]]]:
    """What the commands make of a story, by the name of the view that has to give the same."""
    return {
        "jobs": [tuple(map(_storable, jobs.cells(job))) for job in story.jobs],
        "findings": [tuple(map(_storable, findings.cells(found))) for found in story.findings],
    }


def _storable(value: object) -> object:
    return value.replace("\0", "\\u0000") if isinstance(value, str) else value
