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

WILDCARD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A segment of a template that fits any value, with its name."""
LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+")  # RFC 3986, pchar
"""A segment that fits itself."""
_LONGEST_HOST = 300  # DNS has 253 characters.
_MOST_HOSTS = 64
HOST_PATTERN = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?")
_PORT = re.compile(r":[0-9]*$")
PROJECTS = frozenset({"{project_id}", "{tenant_id}"})
"""Segments of templates that fit what can be a project's id."""
# None at all, and a placeholder that the client left as it is, are no words of another API either.
_PROJECT = re.compile(r"[A-Za-z0-9-]*|(?:\{|%7[Bb])\w+(?:\}|%7[Dd])", re.ASCII)


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
    wildcard = WILDCARD.fullmatch(segment)
    if wildcard:
        return wildcard[1]
    if not segment:
        raise ValueError(f'the path template "{path}" has an empty segment')
    if not LITERAL.fullmatch(segment):
        raise ValueError(
            f'the path template "{path}": a segment is either literal or one whole {{name}}, not "{segment}"'
        )
    return None


def _checked_host(pattern: str) -> str:
    if not HOST_PATTERN.fullmatch(pattern):
        raise ValueError(
            f'"{pattern}" is not a host name or a pattern such as "*.example.com" or "*.example.*"'
        )
    return pattern


Template = Annotated[str, AfterValidator(_checked_template)]
HostPattern = Annotated[str, AfterValidator(_checked_host)]
LABEL = re.compile(r"^[a-z0-9-]+$")
Label = Annotated[str, Field(pattern=LABEL.pattern)]
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
        description="Its own hosts; with products, its cloud's domains.",
    )
    products: list[Label] = Field(
        default=[],
        description="First labels of its hosts on a cloud's domains, such as ecs.",
    )
    submissions: list[RouteEntry] = Field(default=[], description="Routes that submit a task.")
    job_queries: list[JobQueryEntry] = Field(default=[], description="Routes that ask for a job's status.")

    @model_validator(mode="after")
    def _no_route_twice(self) -> Self:
        seen: dict[tuple[str, str], str] = {}
        for key, index, entry in self._entries():
            other = seen.setdefault((entry.method, WILDCARD.sub("{}", entry.path)), entry.path)
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
    `is_own_host`: the host is one of the service's own, and no stand-in.
    """

    route: Route
    job_id: str | None
    is_own_host: bool = False


type Host = str | Callable[[], str] | None
"""A host as it was asked for, maybe with a port; or what finds it out, where that takes time; None: any."""


class Hosts:
    """Hosts by pattern: `*.example.com` is what is below it, `*.example.*` below `example.org`, too."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._any = re.compile(
            "|".join(
                re.escape(pattern.lower()).replace(r"\*\.", r".+\.").replace(r"\.\*", r"\.[^.]+")
                for pattern in patterns
            )
            or "(?!)"
        )

    def __contains__(self, host: str) -> bool:
        return self._any.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A route as its service file has it; where in the path the job's id and the project's stand."""

    route: Route
    hosts: Hosts
    products: frozenset[str]
    job_id_at: int | None
    project_at: int | None


type _Offer = tuple[Match, int | None, int | None]
"""The match with a candidate that applies to a host, but for the job id; where this and the project stand."""


def host_of(host: str | None) -> str:
    """A host without its port, in small letters."""
    return _PORT.sub("", host or "").rstrip(".").lower()


def _offers(candidates: list[_Candidate], host: str | None, clouds: Hosts) -> tuple[_Offer, ...]:
    """Those that apply to a host, in order of precedence: first the ones that name it as theirs.

    On a cloud's domains these are all: there the first label names the product (contract, section 2).
    """
    bare = host_of(host)
    label = bare.partition(".")[0] if bare in clouds else None

    def is_named_by(each: _Candidate) -> bool:
        return bare in each.hosts and (not each.products or label in each.products)

    ordered = sorted(candidates, key=is_named_by, reverse=True)
    found = [(each, is_named_by(each) or label in each.products) for each in ordered]
    return tuple(
        (Match(each.route, None, is_own_host), each.job_id_at, each.project_at)
        for each, is_own_host in found
        if is_own_host or label is None
    )


@dataclass(slots=True)
class _Node:
    """A step in the tree of path segments; one tree a method."""

    clouds: Hosts
    literals: dict[str, _Node] = field(default_factory=dict)
    wildcard: _Node | None = None
    candidates: list[_Candidate] = field(default_factory=list)
    known: dict[Host, tuple[_Offer, ...]] = field(default_factory=dict)
    """Offers by host, of the first hosts that were asked about."""

    def step(self, segment: str) -> _Node:
        """The node below for one segment of a template, made where there is none."""
        if not WILDCARD.fullmatch(segment):
            return self.literals.setdefault(segment, _Node(self.clouds))
        if self.wildcard is None:
            self.wildcard = _Node(self.clouds)
        return self.wildcard

    def offers(self, host: Host) -> tuple[_Offer, ...]:
        """The candidates that apply to the host, in order of precedence."""
        name = host() if callable(host) else host
        found = self.known.get(name)
        if found is None:
            found = _offers(self.candidates, name, self.clouds)
            if len(self.known) < _MOST_HOSTS and len(name or "") <= _LONGEST_HOST:
                self.known[name] = found
        return found

    def find(self, segments: list[str], host: Host, prefer: str | None, at: int = 0) -> Match | None:
        """The match of the template that fits; a literal wins over a wildcard, the leftmost first."""
        node = self
        for segment in segments[at:]:
            at += 1
            literal, wildcard = node.literals.get(segment), node.wildcard
            if literal is not None and wildcard is not None:
                return literal.find(segments, host, prefer, at) or wildcard.find(segments, host, prefer, at)
            below = literal or wildcard
            if below is None:
                return None
            node = below
        return node.match(segments, host, prefer) if node.candidates else None

    def match(self, segments: list[str], host: Host, prefer: str | None) -> Match | None:
        """The match with the first candidate that applies to the host, `prefer` before the others."""
        offers: Iterable[_Offer] | None = self.known.get(host)
        if offers is None:
            offers = self.offers(host)
        if prefer is not None:
            offers = sorted(offers, key=lambda offer: offer[0].route.service != prefer)
        for match, job_id_at, project_at in offers:
            if project_at is None or is_project(segments[project_at]):
                if job_id_at is None:
                    return match
                job_id = segments[job_id_at]
                return Match(match[0], unquote(job_id) if "%" in job_id else job_id, match[2])
        return None


def is_project(segment: str) -> bool:
    """Whether this can be a project's id, or a name that a test gave one; no word such as `fine_tuning`."""
    return (segment.isalnum() and segment.isascii()) or _PROJECT.fullmatch(segment) is not None


class Catalogue:
    """Tells a request's route by its method, path and host.

    `services` in order of precedence; `unlisted` says what becomes of requests that have no route
    (contract, section 2). The cost of a look-up depends on the segments of the path, not on the
    number of routes.
    """

    def __init__(self, services: Iterable[Service], unlisted: Literal["detect", "ignore"] = "detect") -> None:
        services = tuple(services)
        self.unlisted: Literal["detect", "ignore"] = unlisted
        self._clouds = Hosts(host for service in services if service.products for host in service.hosts)
        self._roots: dict[str, _Node] = {}
        self._queries = _Node(self._clouds)
        self._longest = 0
        for service in services:
            self._add(service)
        self.routes: tuple[Route, ...] = tuple(route for service in services for route in _routes(service))

    def match(self, method: str, path: str, host: Host = None, prefer: str | None = None) -> Match | None:
        """The route of a request, or None. `path` has no query string.

        A `{name}` fits any one segment, an empty one too, so that `GET /v1/p/jobs/` is a job query
        without an id; that of a project fits what can be one. One slash too many at the end is overlooked
        where nothing else fits. Of the services that have the route on this host, `prefer` goes first.
        """
        root = self._roots.get(method) or self._roots.get(method.upper())
        segments = path.split("/", self._longest + 2)
        if root is None or segments[0] or len(segments) < 2:
            return None
        match = root.find(segments, host, prefer, 1)
        if match is None and not segments[-1]:
            match = root.find(segments[:-1], host, prefer, 1)
        return match

    def has_job_query(self, host: Host = None) -> bool:
        """Whether a service that applies to the host lists how its jobs are asked for."""
        return bool(self._queries.offers(host))

    def _add(self, service: Service) -> None:
        hosts, products = Hosts(service.hosts), frozenset(service.products)
        for route in _routes(service):
            segments = route.template.split("/")
            node = self._roots.setdefault(route.method, _Node(self._clouds))
            for segment in segments[1:]:
                node = node.step(segment)
            is_query = route.role is Role.JOB_QUERY
            has_id = is_query and route.id_parameter is None
            project_at = next((at for at, each in enumerate(segments) if each in PROJECTS), None)
            job_id_at = segments.index("{job_id}") if has_id else None
            candidate = _Candidate(route, hosts, products, job_id_at, project_at)
            node.candidates.append(candidate)
            if is_query:
                self._queries.candidates.append(candidate)
            self._longest = max(self._longest, len(segments))


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
