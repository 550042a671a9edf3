"""What ends a command with a message for its user; apart, so that the command line starts fast."""

from __future__ import annotations


class Failure(Exception):
    """Says what went wrong, and where."""
