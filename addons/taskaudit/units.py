"""Sizes and times as people write them: `10MB`, `5m`; a plain number is bytes, seconds, or days."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_SIZES = "a number of bytes, or a size such as 64KB, 10MB or 1MiB"
_TIMES = "a number of seconds, or a time such as 30s, 5m, 2h or 7d"
_DAYS = "a number of days, or a time such as 12h, 30d or 8w"


def _size(value: object) -> object:
    read = _read(None if isinstance(value, float) else value, _BYTES, _SIZES)
    return int(read) if isinstance(read, float) and read.is_integer() else read


def _seconds(value: object) -> object:
    return _read(value, _SECONDS, _TIMES)


def _days(value: object) -> object:
    read = _read(value, _SECONDS, _DAYS)
    return read / _SECONDS["d"] if isinstance(value, str) and isinstance(read, float) else read


def _read(value: object, units: dict[str, float] | dict[str, int], expected: str) -> object:
    """A number as it is; a text with a unit as a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    form = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    factor = units.get(form[2].lower()) if form else None
    if form is None or factor is None:
        raise PydanticCustomError("unexpected", "expected {what}", {"what": expected})
    return round(float(form[1]) * factor, 6)


def _schema(kind: str, units: dict[str, float] | dict[str, int]) -> WithJsonSchema:
    names = "|".join("".join(f"[{c}{c.upper()}]" for c in name) for name in units)
    pattern = rf"^\s*\d+(\.\d+)?\s*({names})\s*$"
    return WithJsonSchema({"type": [kind, "string"], "minimum": 0, "pattern": pattern})


Size = Annotated[int, BeforeValidator(_size), _schema("integer", _BYTES)]
"""Bytes."""
Seconds = Annotated[float, BeforeValidator(_seconds), _schema("number", _SECONDS)]
Days = Annotated[float, BeforeValidator(_days), _schema("number", _SECONDS)]
