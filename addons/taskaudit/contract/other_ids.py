"""What else than `job_id` the answer to a submission names: its client may follow the job by that."""

from __future__ import annotations

from typing import Any

MOST_IDS = 8
"""How many other ids of an answer are told."""
_SHORTEST = 8
_SUFFIXES = ("_id", "Id", "_ids", "Ids")
_OF_EVERYTHING = frozenset(
    {"projectid", "tenantid", "domainid", "enterpriseprojectid", "userid", "requestid"}
)
"""Members whose ids stand in the paths of all requests, or in none."""


def other_ids(value: dict[str, Any], job_id: str) -> tuple[str, ...]:
    """The Strings of 8 characters or more in top-level members named `*_id`, `*Id`, `*_ids`, `*Ids`."""
    if len(value) == 1:
        return ()
    found: dict[str, None] = {}
    for name in id_members(value):
        member = value[name]
        listed = member if isinstance(member, list) else (member,)
        found.update((each, None) for each in listed if isinstance(each, str) and len(each) >= _SHORTEST)
    found.pop(job_id, None)
    return tuple(found)[:MOST_IDS]


def id_members(value: dict[str, Any]) -> list[str]:
    """The top-level members that name something by its id, and are not null."""
    return [
        name
        for name, member in value.items()
        if name.endswith(_SUFFIXES)
        and name.replace("_", "").lower() not in _OF_EVERYTHING
        and member is not None
    ]
