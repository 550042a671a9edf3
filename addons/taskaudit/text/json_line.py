"""JSON for machines: compact, a line each, in ASCII, so that any terminal, file or locale takes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_SEPARATORS = (",", ":")


def json_line(value: dict[str, Any]) -> str:
    """An object as one line, without its end."""
    try:
        text = _encode(value)
    except UnicodeEncodeError:  # A name or a value may be no text.
        return json.dumps(value, separators=_SEPARATORS)
    return text.decode() if text.isascii() else json.dumps(value, separators=_SEPARATORS)
