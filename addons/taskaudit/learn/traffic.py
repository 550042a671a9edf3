"""What captures and logs show of a service that no service file lists.

They are read twice: first for submissions that got a job, and for how these jobs were asked for; then with
the routes made of that, which shows what else these routes answer, and which of them do not hold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from taskaudit.catalogue import (
    FINAL_STATUSES,
    PROJECTS,
    JobQueryEntry,
    Role,
    RouteEntry,
)
from taskaudit.contract.job_status import OTHER_FINAL_STATUSES
from taskaudit.contract.other_ids import id_members
from taskaudit.contract.verdict import Kind
from taskaudit.learn.learned import IS_NAME, SEEN_ONCE, Key, Learned, key_of, listed, route_key
from taskaudit.learn.seen import Seen, Sources
from taskaudit.learn.templates import Path, Shape, names_of, operation_of, segments_of, shapes, template
from taskaudit.processes import Advance

_DRAFT = "taskaudit.learn"
_JOB = "{job_id}"
_FINAL = OTHER_FINAL_STATUSES - FINAL_STATUSES
_KNOWN = OTHER_FINAL_STATUSES | FINAL_STATUSES | {"INIT", "RUNNING", "PENDING_PAYMENT"}

type _StatusAt = tuple[str, str] | None
"""The member whose Object holds a job's status ("": the top level), and the one with its id beside that."""


@dataclass(slots=True)
class _Asked:
    """How jobs were asked for at one path: by its parameter, or by a segment where that is None."""

    jobs: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    places: Counter[_StatusAt] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def include(self, other: _Asked) -> None:
        self.jobs |= other.jobs
        self.hosts |= other.hosts
        self.places += other.places
        self.statuses += other.statuses


@dataclass(slots=True)
class _Tally:
    """What the answers at one route were."""

    sources: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    orders: dict[str, None] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)


def learn_traffic(sources: Sources, advance: Advance | None = None) -> Learned:
    """The routes that captures and logs show, with the evidence."""
    first = _First()
    for seen in sources.seen(advance=advance):
        first.note(seen)
    draft, learned = first.draft(), Learned()
    learned.left_out, learned.hosts = draft.left_out, draft.hosts
    if not draft.routes:
        return learned
    tallies: dict[Key, _Tally] = defaultdict(_Tally)
    for seen in sources.seen(draft.service(_DRAFT, "traffic", sources.services)):
        if (route := seen.route) and route.service == _DRAFT:
            is_query = route.role is Role.JOB_QUERY
            key = route_key(route.method, route.template, is_query=is_query)
            _count(tallies[key], seen, is_query)
    for key, (entry, evidence) in draft.routes.items():
        tally = tallies[key]
        if tally.refused:
            why = "; ".join(f"{what}: {times}" for what, times in tally.refused.items())
            learned.left_out.append(f"{entry.method} {entry.path}: {why}")
            continue
        if isinstance(entry, RouteEntry):
            more = {"order_members": list(tally.orders), "accepted": sorted(tally.accepted)}
            entry = entry.model_copy(update=more)
        learned.add(entry, [_times(tally), *evidence])
    return learned


@dataclass(slots=True)
class _First:
    """The first reading."""

    jobs: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    submissions: dict[tuple[str, Path], set[str]] = field(default_factory=lambda: defaultdict(set))
    asked: dict[tuple[Path, str | None], _Asked] = field(default_factory=lambda: defaultdict(_Asked))

    def note(self, seen: Seen) -> None:
        path = segments_of(seen.path)
        if seen.route is not None:
            places = seen.route.template.split("/")[1:]
            self.projects |= {each for name, each in zip(places, path, strict=False) if name in PROJECTS}
        if seen.kind is None:
            self._ask(seen, path)
        elif seen.route is None and seen.kind == Kind.JOB and 200 <= seen.status < 300 and any(path):
            self.jobs.add(seen.job_id)
            self.ids.update(seen.ids)
            self.submissions[seen.method, path].add(seen.host)

    def _ask(self, seen: Seen, path: Path) -> None:
        at = next((at for at, each in enumerate(path) if unquote(each) == seen.job_id), None)
        parameter = None
        if at is not None:
            path = (*path[:at], _JOB, *path[at + 1 :])
        else:
            pairs = parse_qsl(seen.query)
            parameter = next((name for name, value in pairs if value == seen.job_id), "")
        asked = self.asked[path, parameter]
        asked.jobs.add(seen.job_id)
        asked.hosts.add(seen.host)
        if seen.told is not None:
            asked.statuses[seen.told] += 1
        if 200 <= seen.status < 300 and not seen.is_log:
            asked.places[_status_at(seen.value or {}, seen.job_id)] += 1

    def draft(self) -> Learned:
        """The routes to be tried, and what is left out of them; how often they were seen is not in it."""
        asked = {key: each for key, each in self.asked.items() if not each.jobs.isdisjoint(self.jobs)}
        every = {path for _, path in self.submissions} | {path for path, _ in asked}
        shape_of = shapes(every, frozenset(self.ids), frozenset(self.projects))
        learned = Learned()
        submitted: dict[tuple[str, Shape], list[Path]] = defaultdict(list)
        for (method, path), hosts in self.submissions.items():
            submitted[method, shape_of[path]].append(path)
            learned.hosts |= hosts
        for (method, shape), paths in submitted.items():
            _add(learned, method, shape, paths)
        together: dict[tuple[Shape, int | None, str | None], tuple[list[Path], _Asked]] = {}
        for (path, parameter), each in asked.items():
            place = path.index(_JOB) if parameter is None else None
            paths, whole = together.setdefault((shape_of[path], place, parameter), ([], _Asked()))
            paths.append(path)
            whole.include(each)
        for (shape, at, parameter), (paths, each) in sorted(
            together.items(), key=lambda item: -len(item[1][1].jobs)
        ):
            _add_query(learned, shape, at, parameter, paths, each)
            learned.hosts |= each.hosts
        return learned


def _status_at(value: dict[str, Any], job_id: str) -> _StatusAt:
    """Where an answer has a String `status`: at the top level, or else in an Object there."""
    holders = [("", value), *((name, each) for name, each in value.items() if isinstance(each, dict))]
    for member, holder in holders:
        if isinstance(holder.get("status"), str) and (not member or IS_NAME.fullmatch(member)):
            named = [name for name, each in holder.items() if each == job_id and IS_NAME.fullmatch(name)]
            return member, "job_id" if "job_id" in named or not named else named[0]
    return None


def _add(
    learned: Learned,
    method: str,
    shape: Shape,
    paths: list[Path],
    job_at: int | None = None,
    said: Iterable[str] = (),
    **more: Any,
) -> None:
    names = names_of(shape, paths, job_at)
    facts = {"path": template(shape, names), "operations": [operation_of(method, shape)], **more}
    model = JobQueryEntry if method == "GET" else RouteEntry
    entry = model.model_validate({"method": method, **facts})
    if key_of(entry) in learned.routes:
        learned.left_out.append(f"{method} {entry.path}: asked for by another parameter, too")
        return
    folded = [
        f"{{{name}}} from {listed({unquote(path[at]) for path in paths})}"
        for at, name in names.items()
        if at != job_at
    ]
    learned.add(entry, [*said, *folded])


def _add_query(
    learned: Learned, shape: Shape, at: int | None, parameter: str | None, paths: list[Path], asked: _Asked
) -> None:
    shown = "GET " + template(shape, names_of(shape, paths, at))
    if parameter is not None and not IS_NAME.fullmatch(parameter):
        why = "the job's id is in the query string, which a log does not hold: learn from a capture"
        learned.left_out.append(f"{shown}: {why}")
        return
    if unfit := asked.places[None]:
        shown += f"?{parameter}=" if parameter else ""
        why = f"{unfit} of {asked.places.total()} answers have no String status where one can be"
        learned.left_out.append(f"{shown}: {why}; the jobs are followed by their ids")
        return
    [(place, _)] = asked.places.most_common(1) or [(("", "job_id"), 0)]
    assert place is not None
    final = sorted(status for status in asked.statuses if status.upper() in _FINAL)
    other = {status for status in asked.statuses if status.upper() not in _KNOWN}
    said = [] if asked.places else ["a log does not tell where the status is: taken to be at the top level"]
    if other:
        said.append(f"other statuses: {listed(other)}; those that end a job belong into final")
    member, id_member = place
    facts = {"id_parameter": parameter, "final": final, "member": member or None, "id_member": id_member}
    _add(learned, "GET", shape, paths, at, said, **facts)


def _count(tally: _Tally, seen: Seen, is_query: bool) -> None:
    """Counts an exchange at a route; what is a success and no job is allowed, or speaks against the route."""
    is_success = 200 <= seen.status < 300
    tells_nothing = seen.kind in (Kind.UNRECOGNISED, Kind.FOREIGN) and "TA105" not in seen.rules
    if is_query or seen.kind == Kind.JOB:
        tally.sources[seen.source] += 1
        if is_query and "TA508" in seen.rules:
            tally.refused["answers without the job's status"] += 1
    elif seen.kind == Kind.ACCEPTED or (is_success and "TA001" in seen.rules):
        tally.accepted.add(seen.status)
        tally.others[f"empty ({seen.status})"] += 1
    elif seen.kind == Kind.ORDER:
        tally.others["orders (a log does not tell by which member: see order_members)"] += 1
    elif is_success and (tells_nothing or not {"TA005", "TA008"}.isdisjoint(seen.rules)):
        names = [name for name in id_members(seen.value or {}) if IS_NAME.fullmatch(name)]
        names = ["order_id"] if "order_id" in names else names
        tally.orders.update(dict.fromkeys(names))
        if names:
            tally.others[f"{', '.join(names)} alone"] += 1
        else:
            tally.refused[f"answers of {seen.status} without a job_id"] += 1
    else:
        tally.others["errors" if seen.kind == Kind.ERROR else "against the contract"] += 1


def _times(tally: _Tally) -> str:
    count, files = tally.sources.total(), listed(tally.sources)
    others = "".join(f"; {what}: {times}" for what, times in sorted(tally.others.items()))
    return f"{SEEN_ONCE if count == 1 else f'seen {count} times'}, in {files}{others}"
