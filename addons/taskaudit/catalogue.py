"""Which requests submit a task, which ask for a job's status: the route catalogue.

Pure: models for one service's routes, and a look-up compiled from them once. Routes come from the
providers' published API references; each service file names its own in `source`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from taskaudit.contract.answer import STRICT, Allowance
from taskaudit.contract.job_status import FLAT, StatusShape

FINAL_STATUSES = frozenset({"SUCCESS", "FAIL"})
"""Statuses after which a job does not change any more (contract, section 5: TA505, TA506)."""

_WILDCARD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+")  # RFC 3986, pchar
_LONGEST_HOST = 300  # DNS has 253 characters.
_MOST_HOSTS = 64
_HOST_PATTERN = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class Role(StrEnum):
    """What an exchange is (contract, section 2)."""

    SUBMISSION = "submission"
    JOB_QUERY = "job_query"
    OTHER = "other"


def _checked_template(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f'the path template "{path}" must start with "/"')
    names = [name for segment in path[1:].split("/") if (name := _segment_name(path, segment))]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise ValueError(f'the path template "{path}" names {{{repeated}}} twice')
    return path


def _segment_name(path: str, segment: str) -> str | None:
    wildcard = _WILDCARD.fullmatch(segment)
    if wildcard:
        return wildcard[1]
    if not segment:
        raise ValueError(f'the path template "{path}" has an empty segment')
    if not _LITERAL.fullmatch(segment):
        raise ValueError(
            f'the path template "{path}": a segment is either literal or one whole {{name}}, not "{segment}"'
        )
    return None


def _checked_host(pattern: str) -> str:
    if not _HOST_PATTERN.fullmatch(pattern):
        raise ValueError(f'"{pattern}" is not a host name or a pattern such as "*.example.com"')
    return pattern


Template = Annotated[str, AfterValidator(_checked_template)]
HostPattern = Annotated[str, AfterValidator(_checked_host)]
Name = Annotated[str, Field(pattern=r"^\S+$")]
SuccessStatus = Annotated[int, Field(ge=200, le=299)]


class _Facts(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RouteEntry(_Facts):
    """A method and path that submits a task."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(description="HTTP method.")
    path: Template = Field(description="Path template; a segment is literal or one whole {name}.")
    operations: list[Name] = Field(
        min_length=1, description="Operations at this method and path; the body decides which one it is."
    )
    order_members: list[Name] = Field(
        default=[], description="Members that alone are a success without a job, such as order_id."
    )
    accepted: list[SuccessStatus] = Field(
        default=[], description="HTTP statuses that are a success with an empty body."
    )


class JobQueryEntry(_Facts):
    """A method and path that asks for a job's status."""

    method: Literal["GET", "POST"] = Field(default="GET", description="HTTP method.")
    path: Template = Field(description="Path template; it has a segment {job_id}, or id_parameter is set.")
    id_parameter: Name | None = Field(
        default=None, description="Parameter of the query string that holds the job id, such as id."
    )
    operations: list[Name] = Field(min_length=1, description="Operations at this method and path.")
    final: list[Name] = Field(
        default=[], description="Final statuses besides SUCCESS and FAIL; letter case is not significant."
    )
    member: Name | None = Field(
        default=None, description="Top-level member whose object holds the status, such as job; null: none."
    )
    id_member: Name = Field(default="job_id", description="Member beside the status that holds the job id.")

    @model_validator(mode="after")
    def _has_a_job_id(self) -> Self:
        if self.id_parameter is None and "{job_id}" not in self.path.split("/"):
            raise PydanticCustomError(
                "no_job_id",
                'the path template "{path}" of a job query must have a segment {name}, or an id_parameter',
                {"path": self.path, "name": "{job_id}", "at": ("path",)},
            )
        return self


class Service(_Facts):
    """One service file: what it submits, and how its jobs are asked for."""

    service: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="Short name, such as ecs.")
    provider: str = Field(min_length=1, description="Who offers the service.")
    source: str = Field(min_length=1, description="Where these facts come from.")
    hosts: list[HostPattern] = Field(
        default=[],
        description="Hosts of this service; they choose between services that list the same route.",
    )
    submissions: list[RouteEntry] = Field(default=[], description="Routes that submit a task.")
    job_queries: list[JobQueryEntry] = Field(default=[], description="Routes that ask for a job's status.")

    @model_validator(mode="after")
    def _no_route_twice(self) -> Self:
        seen: dict[tuple[str, str], str] = {}
        for key, index, entry in self._entries():
            other = seen.setdefault((entry.method, _WILDCARD.sub("{}", entry.path)), entry.path)
            if other is not entry.path:
                raise _twice(entry, other, (key, index, "path"))
        return self

    def _entries(self) -> Iterator[tuple[str, int, RouteEntry | JobQueryEntry]]:
        for index, submission in enumerate(self.submissions):
            yield "submissions", index, submission
        for index, query in enumerate(self.job_queries):
            yield "job_queries", index, query


def _twice(entry: RouteEntry | JobQueryEntry, other: str, at: tuple[str | int, ...]) -> PydanticCustomError:
    same = "" if other == entry.path else f", as {other}"
    return PydanticCustomError(
        "route_twice",
        "the route {method} {path} is listed twice{same}; list it once, with all its operations",
        {"method": entry.method, "path": entry.path, "same": same, "at": at},
    )


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path template of the catalogue.

    `name` is `service:Operation`, several operations joined by `|`: `ecs:BatchStartServers|BatchStopServers`.
    `final_statuses` are all final job statuses of a job query, in upper case; empty for a submission.
    """

    name: str
    service: str
    role: Role
    method: str
    template: str
    allowance: Allowance
    final_statuses: frozenset[str] = frozenset()
    shape: StatusShape = FLAT
    id_parameter: str | None = None


class Match(NamedTuple):
    """The route of a request.

    `job_id` is percent-decoded and may be ""; None for a submission, and where it stands in the query string.
    """

    route: Route
    job_id: str | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`suffixes` are what patterns such as `*.example.com` leave to be compared."""

    route: Route
    hosts: tuple[str, ...]
    job_id_at: int | None
    suffixes: tuple[str, ...]

    def serves(self, host: str) -> bool:
        return host in self.hosts or host.endswith(self.suffixes)

    def match(self, segments: list[str]) -> Match:
        at = self.job_id_at
        return Match(self.route, None if at is None else unquote(segments[at]))


@dataclass(slots=True)
class _Node:
    """A step in the tree of path segments; one tree a method."""

    literals: dict[str, _Node] = field(default_factory=dict)
    wildcard: _Node | None = None
    candidates: list[_Candidate] = field(default_factory=list)
    chosen: dict[str, _Candidate] = field(default_factory=dict)
    """By host, the first that were asked about."""

    def step(self, segment: str) -> _Node:
        """The node below for one segment of a template, made where there is none."""
        if not _WILDCARD.fullmatch(segment):
            return self.literals.setdefault(segment, _Node())
        if self.wildcard is None:
            self.wildcard = _Node()
        return self.wildcard

    def offer(self, candidate: _Candidate) -> None:
        """Adds a candidate, unless earlier ones serve all its hosts and it could never be chosen."""
        served = {host for earlier in self.candidates for host in earlier.hosts}
        if not self.candidates or not served.issuperset(candidate.hosts):
            self.candidates.append(candidate)

    def choose(self, host: str | Callable[[], str] | None) -> _Candidate:
        """The candidate that serves the host, or else the first."""
        if host is None or len(self.candidates) == 1:
            return self.candidates[0]
        name = (host if isinstance(host, str) else host())[-_LONGEST_HOST:]
        known = self.chosen.get(name)
        if known is None:
            bare = re.sub(r":\d*$", "", name).rstrip(".").lower()
            known = next((each for each in self.candidates if each.serves(bare)), self.candidates[0])
            if len(self.chosen) < _MOST_HOSTS:
                self.chosen[name] = known
        return known

    def find(self, segments: list[str], at: int = 0) -> _Node | None:
        """The node whose template fits `segments`; a literal wins over a wildcard, the leftmost first."""
        node = self
        for segment in segments[at:]:
            at += 1
            literal, wildcard = node.literals.get(segment), node.wildcard
            if literal is not None and wildcard is not None:
                return literal.find(segments, at) or wildcard.find(segments, at)
            below = literal or wildcard
            if below is None:
                return None
            node = below
        return node if node.candidates else None


class Catalogue:
    """Tells a request's route by its method and path.

    `services` in order of precedence; `unlisted` says what becomes of requests that have no route
    (contract, section 2). The cost of a look-up depends on the segments of the path, not on the
    number of routes.
    """

    def __init__(self, services: Iterable[Service], unlisted: Literal["detect", "ignore"] = "detect") -> None:
        self.unlisted: Literal["detect", "ignore"] = unlisted
        self._roots: dict[str, _Node] = {}
        self._longest = 0
        self.routes: tuple[Route, ...] = tuple(
            self._add(route, tuple(h.lower() for h in service.hosts))
            for service in services
            for route in _routes(service)
        )

    def match(self, method: str, path: str, host: str | Callable[[], str] | None = None) -> Match | None:
        """The route of a request, or None. `path` has no query string; `host` may have a port.

        Where it takes time to find out the host, `host` is what does: most requests have no route, and most
        routes are of one service.

        A `{name}` fits any one segment, an empty one too, so that `GET /v1/p/jobs/` is a job query
        without an id. One slash too many at the end is overlooked where nothing else fits.
        """
        root = self._roots.get(method) or self._roots.get(method.upper())
        segments = path.split("/", self._longest + 2)
        if root is None or segments[0] or len(segments) < 2:
            return None
        node = root.find(segments, 1)
        if node is None and not segments[-1]:
            node = root.find(segments[:-1], 1)
        return node.choose(host).match(segments) if node else None

    def _add(self, route: Route, hosts: tuple[str, ...]) -> Route:
        segments = route.template.split("/")
        node = self._roots.setdefault(route.method, _Node())
        for segment in segments[1:]:
            node = node.step(segment)
        job_id_at = segments.index("{job_id}") if "{job_id}" in segments and not route.id_parameter else None
        job_id_at = job_id_at if route.role is Role.JOB_QUERY else None
        suffixes = tuple(host[1:] for host in hosts if host.startswith("*."))
        node.offer(_Candidate(route, hosts, job_id_at, suffixes))
        self._longest = max(self._longest, len(segments))
        return route


def _routes(service: Service) -> Iterator[Route]:
    for entry in service.submissions:
        allowance = Allowance(frozenset(entry.order_members), frozenset(entry.accepted))
        yield Route(
            _name(service, entry), service.service, Role.SUBMISSION, entry.method, entry.path, allowance
        )
    for query in service.job_queries:
        yield Route(
            _name(service, query),
            service.service,
            Role.JOB_QUERY,
            query.method,
            query.path,
            STRICT,
            FINAL_STATUSES | {status.upper() for status in query.final},
            StatusShape(query.member or "", query.id_member),
            query.id_parameter,
        )


def _name(service: Service, entry: RouteEntry | JobQueryEntry) -> str:
    return f"{service.service}:{'|'.join(entry.operations)}"
