"""How cost grows: with the routes of the catalogue, the size of a body, and the number of jobs.

Method. CPU time in one process, the best of several passes of many calls. Look-ups are of the first and the
last route, of a job query, and of a path that is in no service. A request for a job without a route is looked
for among the ids of known jobs, each with an order. A body is a list of servers, or a job with as
many servers beside its id. Of jobs, each is submitted, asked for three times (INIT, RUNNING, SUCCESS) and
forgotten when the table of 100,000 is full; queries lag behind the submissions, so that thousands of jobs
are open at any time. "never asked" is a client that never asks. Memory is the peak that tracemalloc sees of
the state machine, with a table of 10,000, in a pass of its own, as tracing slows the code some five times.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from taskaudit.catalogue import Catalogue, JobQueryEntry, RouteEntry, Service
from taskaudit.contract.answer import Answer
from taskaudit.contract.audit import audit_submission
from taskaudit.known_ids import Known, KnownIds
from taskaudit.lifecycle import Lifecycle, Thresholds
from tests.benchmarks.measure import Curve, cpu

TITLE = "How cost grows"
ROUTES = (10, 100, 1_000, 10_000)
KNOWN = (1, 100, 10_000, 100_000)
BODIES = (100, 1_000, 10_000, 100_000, 1_000_000)
JOBS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
TRACED = (100, 1_000, 10_000, 30_000, 100_000)
LAG = 5_000
"""How many submissions lie between that of a job and each query for it."""
STATUSES = ("INIT", "RUNNING", "SUCCESS")


class Event(NamedTuple):
    """A submission, or a query where there is a status."""

    at: float
    job_id: str
    status: str | None = None


def curves() -> Iterator[Curve]:
    """Each flat or linear."""
    yield Curve("routes", "A request looked up", "routes in the catalogue", "µs", _look_ups())
    yield Curve("ids", "A request that asks for none of the known jobs", "jobs known", "µs", _requests())
    yield Curve("bodies", "One verdict", "bytes of the body", "µs", _verdicts(), log_y=True)
    yield Curve("events", "An exchange told to the life of jobs", "jobs", "µs", _events())
    yield Curve("table", "Memory of the life of jobs, table of 10,000", "jobs", "peak MiB", _peaks())


def _look_ups() -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for count in ROUTES:
        catalogue = _catalogue(count)
        for name, method, path in (
            ("the last route", "POST", f"/v1/p/things-{count - 1}/t/action"),
            ("a job query", "GET", "/v1/p/jobs/70a599e0-31e7-49b7-b260-868f441e862b"),
            ("no route", "GET", "/static/pictures/logo.png"),
        ):
            looked_up = partial(catalogue.match, method, path)
            found.setdefault(name, []).append((count, _microseconds(looked_up, 20_000)))
    return found


def _requests() -> dict[str, list[tuple[float, float]]]:
    project = "0123456789abcdef0123456789abcdef"
    found: dict[str, list[tuple[float, float]]] = {}
    for count in KNOWN:
        known = KnownIds(count)
        for n in range(count):
            known.learn(Known(f"70a599e0-31e7-49b7-b260-{n:012}", n, "ecs", (f"CS200302110{n:07}",)))
        for name, path, query in (
            ("with a query", f"/v1/{project}/cloudservers/detail", "limit=10&offset=0"),
            ("without one", f"/v1/{project}/cloudservers/{project}", ""),
        ):
            asked = partial(known.asked, "GET", path, query, count)
            found.setdefault(name, []).append((count, _microseconds(asked, 20_000)))
    return found


def _catalogue(count: int) -> Catalogue:
    entries = [
        RouteEntry(method="POST", path=f"/v1/{{project_id}}/things-{n}/{{id}}/action", operations=[f"Op{n}"])
        for n in range(count - 1)
    ]
    last = RouteEntry(method="POST", path=f"/v1/{{p}}/things-{count - 1}/{{id}}/action", operations=["Last"])
    asked = JobQueryEntry(path="/v1/{project_id}/jobs/{job_id}", operations=["ShowJob"])
    facts = {"service": "big", "provider": "Example", "source": "made up"}
    return Catalogue([Service(**facts, submissions=[*entries, last], job_queries=[asked])])


def _verdicts() -> dict[str, list[tuple[float, float]]]:
    bodies = {
        "a job with members beside it": lambda size: {"job_id": "70a599e0", "servers": _servers(size)},
        "neither job nor error": lambda size: {"servers": _servers(size)},
    }
    return {
        name: [_verdict(json.dumps(body(size)).encode()) for size in BODIES] for name, body in bodies.items()
    }


def _servers(size: int) -> list[dict[str, object]]:
    return [{"id": f"{n:08}", "status": "ACTIVE", "ports": [80, 443]} for n in range(max(1, size // 62))]


def _verdict(body: bytes) -> tuple[float, float]:
    answer = Answer(body, 200, True, "application/json")
    return len(body), _microseconds(lambda: audit_submission(answer), max(5, 200_000 // len(body)))


def _events() -> dict[str, list[tuple[float, float]]]:
    return {name: [(jobs, _per_event(make, jobs)) for jobs in JOBS] for name, make in TRAFFIC.items()}


def _per_event(make: Callable[[int], Iterator[Event]], jobs: int) -> float:
    """Microseconds; making the events is measured alone and taken off. Few jobs are told many times."""
    times, events = max(1, 2_000 // jobs), 0

    def counted() -> None:
        nonlocal events
        events = sum(1 for _ in make(jobs))

    made = cpu(counted, times)
    return max(cpu(lambda: run(make(jobs), 100_000), times) - made, 0.0) / events * 1e6


def _peaks() -> dict[str, list[tuple[float, float]]]:
    return {name: [(jobs, _peak(make, jobs)) for jobs in TRACED] for name, make in TRAFFIC.items()}


def _peak(make: Callable[[int], Iterator[Event]], jobs: int) -> float:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    run(make(jobs), 10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - before) / 2**20


def run(events: Iterator[Event], table_size: int) -> int:
    """The number of findings."""
    life = Lifecycle[str](Thresholds(table_size=table_size))
    findings = 0
    for at, job_id, status in events:
        if status is None:
            findings += sum(1 for _ in life.submitted(at, job_id, job_id, f"key-{job_id}"))
        else:
            is_final = status == "SUCCESS"
            findings += sum(1 for _ in life.queried(at, job_id, job_id, status, is_final=is_final))
    return findings + sum(1 for _ in life.finish())


def _good(jobs: int) -> Iterator[Event]:
    """Clients that ask until the end."""
    lag = min(LAG, jobs)
    for n in range(jobs + lag * len(STATUSES)):
        at = n * 0.01
        if n < jobs:
            yield Event(at, f"job-{n:032x}")
        for query, status in enumerate(STATUSES, 1):
            if 0 <= n - lag * query < jobs:
                yield Event(at, f"job-{n - lag * query:032x}", status)


def _leaky(jobs: int) -> Iterator[Event]:
    """Clients that never ask."""
    return (Event(n * 0.01, f"job-{n:032x}") for n in range(jobs))


TRAFFIC: dict[str, Callable[[int], Iterator[Event]]] = {"asked until the end": _good, "never asked": _leaky}


def _microseconds(action: Callable[[], object], times: int) -> float:
    return min(cpu(action, times) for _ in range(5)) * 1e6
