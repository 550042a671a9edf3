"""What was learned of a service, with the evidence for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from taskaudit.catalogue import (
    HOST_PATTERN,
    LABEL,
    WILDCARD,
    Hosts,
    JobQueryEntry,
    RouteEntry,
    Service,
    host_of,
)
from taskaudit.contract.excerpt import escape

SEEN_ONCE = "seen once"
IS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""Names of members, parameters and operations that are taken into a file."""
_MOST_LISTED = 3

type Entry = RouteEntry | JobQueryEntry
type Key = tuple[bool, str, str]
"""Equal for the same route, whatever its placeholders are called."""


def key_of(entry: Entry) -> Key:
    """The key of an entry."""
    return route_key(entry.method, entry.path, is_query=isinstance(entry, JobQueryEntry))


def route_key(method: str, path: str, *, is_query: bool) -> Key:
    """The key of a method and a path template."""
    return is_query, method, WILDCARD.sub("{}", path)


def listed(values: Iterable[str]) -> str:
    """The first of some values in order, and how many there are; harmless, whatever they hold."""
    each = [escape(value) for value in sorted(values)]
    more = f" and {len(each) - _MOST_LISTED} more" if len(each) > _MOST_LISTED else ""
    return ", ".join(each[:_MOST_LISTED]) + more


@dataclass(slots=True)
class Learned:
    """Routes with what is said of each, a line each, and the hosts they were seen at.

    `left_out` says what was seen and is not among the routes, and why.
    """

    routes: dict[Key, tuple[Entry, list[str]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def add(self, entry: Entry, evidence: list[str]) -> None:
        """Takes a route; one that is there gets the operations, successes and evidence of this one."""
        if before := self.routes.get(key_of(entry)):
            told, said = before
            entry, evidence = _together(told, entry), list(dict.fromkeys([*said, *evidence]))
        self.routes[key_of(entry)] = entry, evidence

    def include(self, other: Learned) -> None:
        """Takes all that was learned elsewhere."""
        for entry, evidence in other.routes.values():
            self.add(entry, evidence)
        self.left_out += other.left_out
        self.hosts |= other.hosts

    def service(self, name: str, source: str, services: Iterable[Service]) -> Service:
        """The service file's content; `services` tell the clouds' domains, whose first label is a product.

        Without such a host, the others are taken by name.
        """
        entries = [entry for entry, _ in sorted(self.routes.values(), key=lambda each: each[0].path)]
        clouds = [(each, pattern) for each in services if each.products for pattern in each.hosts]
        named = sorted(map(host_of, self.hosts))
        found = [
            (pattern, label, service.provider)
            for host in named
            for service, pattern in clouds
            if host in Hosts([pattern]) and LABEL.match(label := host.partition(".")[0])
        ]
        return Service(
            service=name,
            provider=found[0][2] if found else "unknown",
            source=source,
            hosts=list(dict.fromkeys(each[0] for each in found)) or list(filter(_is_own, named)),
            products=list(dict.fromkeys(each[1] for each in found)),
            submissions=[each for each in entries if isinstance(each, RouteEntry)],
            job_queries=[each for each in entries if isinstance(each, JobQueryEntry)],
        )


def _is_own(host: str) -> bool:
    """Whether a host may be the service's own, and no stand-in on this machine or at an address."""
    is_name = HOST_PATTERN.fullmatch(host) is not None and not host.replace(".", "").isdigit()
    return is_name and host != "localhost"


def _together(one: Entry, other: Entry) -> Entry:
    lists = ("operations", "order_members", "accepted", "final")
    both = {
        name: list(dict.fromkeys([*getattr(one, name), *getattr(other, name)]))
        for name in lists
        if hasattr(one, name)
    }
    return one.model_copy(update=both)
