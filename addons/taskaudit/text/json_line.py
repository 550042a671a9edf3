"""JSON for machines: compact, a line each, in ASCII, so that any terminal, file or locale takes it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_SEPARATORS = (",", ":")


def json_line(value: dict[str, Any] | msgspec.Struct) -> str:
    """An object as one line, without its end."""
    try:
        text = _encode(value)
        if text.isascii():
            return text.decode()
    except UnicodeEncodeError:  # A name or a value may be no text.
        pass
    return json.dumps(msgspec.to_builtins(value), separators=_SEPARATORS)
