"""Standard output and error in whatever encoding: code page 936 has no emoji, 1252 has no Chinese."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def escape_what_is_not_encoded() -> None:
    """From now on, what the encoding lacks is written as escapes, and raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
