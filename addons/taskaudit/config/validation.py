"""What a model has against the data of a file, in words for the person who wrote it.

A message names file, line and key, what was found and what was expected, and the nearest right name.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from taskaudit.config.document import Document, Location, described, quoted, together


def validated[Model: BaseModel](model: type[Model], document: Document) -> Model:
    """The document as the model has it. Raises ConfigError that tells all that is wrong."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # A missing key last: where another one is misspelt, that is the cause.
    problems.sort(key=lambda p: (p["type"] == "missing", document.line(_location(p))))
    raise together(document.error(_location(each), _told(model, each)) for each in problems)


def _location(details: ErrorDetails) -> Location:
    at: Location = details.get("ctx", {}).get("at", ())
    return details["loc"] + at


def _told(model: type[BaseModel], details: ErrorDetails) -> str:
    kind, location = details["type"], details["loc"]
    if kind == "extra_forbidden":
        keys = tuple(_model_at(model, location[:-1]).model_fields)
        return f"unknown key {quoted(location[-1])}; {hint_of(str(location[-1]), keys, 'keys here')}"
    if kind == "missing":
        return f'the key "{location[-1]}" is missing{_within(location)}'
    if kind == "value_error":
        return f"{key_of(location)}: {details['ctx']['error']}"
    if kind in ("route_twice", "no_job_id", "never_reached"):
        return details["msg"]
    return f"{key_of(location)}: found {described(details['input'])}; {_expected(details)}"


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "list_type": "a list",
    "model_type": "keys and values",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "at least one entry",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text that fits {pattern}",
    "literal_error": "{expected}",
}


def _expected(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    form = _EXPECTED.get(details["type"])
    if form is None:
        return details["msg"]
    expected = f"expected {form.format(**context)}"
    nearest = get_close_matches(
        str(details["input"]), str(context.get("expected", "")).split("'")[1::2], 1, 0.5
    )
    return f'{expected}; did you mean "{nearest[0]}"?' if nearest else expected


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    kind: Any = model
    for part in location:
        kind = get_args(kind)[0] if isinstance(part, int) else kind.model_fields[part].annotation
    found: type[BaseModel] = kind
    return found


def key_of(location: Location) -> str:
    """A place in a document as it is written: `submissions[0].path`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _within(location: Location) -> str:
    return f" in {key_of(location[:-1])}" if location[:-1] else ""


def hint_of(name: str, known: Iterable[str], what: str) -> str:
    """The known name that is nearest, or else all of them; `what` says what they name."""
    known = tuple(known)
    nearest = get_close_matches(name.lower(), known, 1, 0.6)
    return f'did you mean "{nearest[0]}"?' if nearest else f"the {what} are {', '.join(known)}"
