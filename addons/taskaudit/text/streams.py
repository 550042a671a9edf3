"""Standard output and error in whatever encoding: code page 936 has no emoji, 1252 has no Chinese."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper


def escape_what_is_not_encoded() -> None:
    """From now on, what the encoding lacks is written as escapes, and raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stand_in_for_what_is_closed() -> None:
    """From now on, a standard stream that was closed at the start is empty, and takes all that is written.

    No file that is opened later gets its number, and so what is meant for that stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the end
