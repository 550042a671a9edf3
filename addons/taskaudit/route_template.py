"""A path without its values, for requests that no route of the catalogue describes."""

from __future__ import annotations

import re

_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)*", re.IGNORECASE)
_VALUE = re.compile(r"[0-9%]")


def template_of(path: str) -> str:
    """`path` with each segment that holds a digit replaced by `{}`; versions such as `v2.1` stay."""
    return "/".join(_segment(segment) for segment in path.split("/"))


def _segment(segment: str) -> str:
    if _VERSION.fullmatch(segment) or not _VALUE.search(segment):
        return segment
    return "{}"
