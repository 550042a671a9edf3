"""What was learned as a service file, or added to one: YAML with the evidence in comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from taskaudit.catalogue import Catalogue, JobQueryEntry, Service
from taskaudit.config.document import Document
from taskaudit.contract.excerpt import escape
from taskaudit.learn.learned import Learned

_HEAD = """\
# Learned, to be checked by a person: a comment says what each entry comes from, and operations that nobody
# named are called after their paths. Then add this file to `catalogue` of a configuration."""
_LISTS = ("submissions", "job_queries")
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./{}-]*")
_OTHER_THAN_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def service_text(service: Service, learned: Learned) -> str:
    """A service file, whole."""
    facts = service.model_dump(exclude_defaults=True, exclude=set(_LISTS))
    lines = [_HEAD, *_not_listed(learned), *(f"{key}: {_value(value)}" for key, value in facts.items())]
    for key in _LISTS:
        if items := _items(learned, key, 2):
            lines += ["", f"{key}:", *items]
    return "\n".join(lines) + "\n"


def new_in(learned: Learned, service: Service) -> Learned:
    """What a service does not list yet."""
    catalogue = Catalogue([service])
    routes = {
        key: (entry, evidence)
        for key, (entry, evidence) in learned.routes.items()
        if catalogue.match(entry.method, entry.path) is None
    }
    return Learned(routes, learned.left_out, learned.hosts)


def merged_text(document: Document, learned: Learned) -> str:
    """A service file with more routes, each at the end of its list; all else stays as it is.

    Raises ConfigError where a list is written in brackets.
    """
    lines = document.text.rstrip("\n").split("\n")
    for end, dashes, key in sorted(_ends(document, len(lines)), reverse=True):
        if items := _items(learned, key, dashes or 0):
            lines[end:end] = items if dashes is not None else ["", f"{key}:", *items]
    return "\n".join([*lines, *_not_listed(learned)]) + "\n"


def _ends(document: Document, size: int) -> Iterator[tuple[int, int | None, str]]:
    for key in _LISTS:
        end, dashes = document.end_of_list(key) or (size, None)
        yield end, dashes, key


def _not_listed(learned: Learned) -> list[str]:
    return [f"# Not listed: {escape(each)}" for each in dict.fromkeys(learned.left_out)]


def _items(learned: Learned, key: str, indent: int) -> list[str]:
    """The lines of the entries that belong into a list, by their paths."""
    margin, lines = " " * indent, list[str]()
    for entry, evidence in sorted(learned.routes.values(), key=lambda each: (each[0].path, each[0].method)):
        if isinstance(entry, JobQueryEntry) is (key == "job_queries"):
            lines += [f"{margin}# {escape(each)}" for each in evidence]
            facts = entry.model_dump(exclude_defaults=True).items()
            lines += [
                f"{margin}{'  ' if at else '- '}{name}: {_value(value)}"
                for at, (name, value) in enumerate(facts)
            ]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _OTHER_THAN_TEXT):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
