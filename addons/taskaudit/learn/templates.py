"""Path templates from paths: which segments are ids, and what a person would call them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from taskaudit.catalogue import LITERAL, PROJECTS, WILDCARD, is_project

type Path = tuple[str, ...]
"""The segments of a path, without the empty one before the first slash."""
type Shape = tuple[str | None, ...]
"""A path without its values: None for each."""

_VERSION = re.compile(r"v[0-9]+(\.[0-9]+)*|[0-9]+\.[0-9]+", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])")
_HEX32 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(rf"{_UUID}|(?=[a-f]*[0-9])[0-9a-f]{{16,}}|[0-9]+|{_DATE.pattern}", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
_DIGIT = re.compile(r"[0-9]")
_TERM = re.compile(
    r"(?:(?:ip|icmp|dhcp|radius)?v?[46]|oauth[12]|saml2|http[123]|s3|k8s|ec2|obs3|h26[45]|mp[34]|l[2-7]|x509"
    r"|md5|sha[0-9]+|base(?:32|64)|utf8|win(?:32|64)|x86|arm64|2fa|i18n)(?:[-_].*)?|.*-(?:ipv[46]|v[0-9]+)",
    re.IGNORECASE,
)
"""Words with a digit that are not the name of anything."""
_LONG, _MANY_DIGITS = 8, 4


def segments_of(path: str) -> Path:
    """The segments of a path; one slash too many at the end is overlooked, as in the catalogue."""
    return tuple(path.removeprefix("/").removesuffix("/").split("/"))


def shapes(paths: Iterable[Path], ids: frozenset[str], projects: frozenset[str]) -> dict[Path, Shape]:
    """The shape of each path.

    `ids` are values that answers called ids, `projects` what is known to be a project, though they may look
    like words. Where paths differ in one segment, and that holds a digit in each, it is an id in all of them.
    """
    found = {path: _shape(path, ids, projects) for path in paths}
    for at in range(max(map(len, found), default=0)):
        alike: dict[tuple[Shape, Shape], set[str]] = defaultdict(set)
        for shape in found.values():
            if at < len(shape) and (segment := shape[at]) is not None and _may_be_id(segment):
                alike[shape[:at], shape[at + 1 :]].add(segment)
        for path, shape in found.items():
            same = alike.get((shape[:at], shape[at + 1 :]), set())
            if at < len(shape) and shape[at] in same and len(same) > 1:
                found[path] = (*shape[:at], None, *shape[at + 1 :])
    return found


def _shape(path: Path, ids: frozenset[str], projects: frozenset[str]) -> Shape:
    before = (None, *path)
    return tuple(
        None if _is_value(each, last, ids, projects) else each
        for last, each in zip(before, path, strict=False)
    )


def _is_value(segment: str, before: str | None, ids: frozenset[str], projects: frozenset[str]) -> bool:
    text = unquote(segment)
    if not LITERAL.fullmatch(segment) or (not _PLAIN.fullmatch(text) and text != segment):
        return True
    if text in ids or (text in projects and _holds_projects(before)):
        return True
    if _VERSION.fullmatch(text) or (before is None and _DATE.fullmatch(text)):
        return False
    if _ID.fullmatch(text):
        return True
    if not _may_be_id(text):
        return False
    is_long = len(text) >= _LONG and len(_DIGIT.findall(text)) >= _MANY_DIGITS
    return is_long or _holds_projects(before) or (before is not None and _is_plural(before))


def _may_be_id(segment: str) -> bool:
    """Whether it could be one: it holds a digit, and is no version nor a term such as `ipv6`."""
    return bool(_DIGIT.search(segment)) and not _VERSION.fullmatch(segment) and not _TERM.fullmatch(segment)


def _holds_projects(before: str | None) -> bool:
    return before is not None and (bool(_VERSION.fullmatch(before)) or before in ("projects", "tenants"))


def names_of(shape: Shape, values: Iterable[Path], job_at: int | None = None) -> Mapping[int, str]:
    """The names of a shape's values by their places; `values` are the paths that have it."""
    paths, named = list(values), dict[int, str]()
    if job_at is not None:
        named[job_at] = "job_id"
    for at, segment in enumerate(shape):
        if segment is None and at != job_at:
            wanted = _name(shape, at, {path[at] for path in paths})
            same = [wanted, *(f"{wanted}_{n}" for n in range(2, len(shape) + 2))]
            named[at] = next(name for name in same if name not in named.values())
    return named


def template(shape: Shape, names: Mapping[int, str]) -> str:
    """The template as the catalogue has it."""
    return "".join(f"/{{{names[at]}}}" if each is None else f"/{each}" for at, each in enumerate(shape))


def _name(shape: Shape, at: int, values: set[str]) -> str:
    """`{server_id}` below `servers`, `{project_id}` where a project is."""
    if len(values) == 1 and (given := WILDCARD.fullmatch(unquote(next(iter(values))))):
        return given[1]
    if all(map(_DATE.fullmatch, values)):
        return "date"
    before = shape[at - 1] if at else None
    # Ids of projects are 32 hex digits; the first id is one, with more below it and no collection before it.
    is_above = None not in shape[:at] and at < len(shape) - 1 and not _is_plural(before or "s")
    of_project = _holds_projects(before) or (is_above and all(map(_HEX32.fullmatch, values)))
    name = "project_id" if of_project else _named_after(before)
    return name if f"{{{name}}}" not in PROJECTS or all(map(is_project, values)) else "id"


def _named_after(before: str | None) -> str:
    word = re.sub(r"\W+", "_", singular(before or "").removeprefix("cloud")).strip("_").lower()
    return f"{word}_id" if word and word[0].isalpha() else "id"


def _is_plural(word: str) -> bool:
    return singular(word) != word


def singular(word: str) -> str:
    """`server` of `servers`, `policy` of `policies`; another word as it is."""
    for end, one in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(end) and len(word) > len(end):
            return word.removesuffix(end) + one
    if len(word) < 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    return word[:-1]


_VERBS = {"POST": "Create", "PUT": "Update", "PATCH": "Update", "DELETE": "Delete", "GET": "Show"}


def operation_of(method: str, shape: Shape) -> str:
    """A name for what is not named: `CreateCluster`, `DeleteServer`, `ExtendInstance`."""
    words = [each for each in shape if each is not None and not _VERSION.fullmatch(each)]
    last = words[-1] if words else ""
    about = words[-2] if len(words) > 1 else ""
    is_action = shape[-1] is not None and method != "GET" and not _is_plural(last) and bool(about)
    named = (last, singular(about)) if is_action else (_VERBS[method], singular(last))
    return "".join(_camel(word.removeprefix("cloud")) for word in named) or _VERBS[method]


def _camel(word: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", unquote(word)))
