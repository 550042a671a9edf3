"""The command line: parse, call, print, exit status.

A module for each command or two, imported when the command is asked for. What takes long to import is
imported where it is used.
"""

from __future__ import annotations

import sys

from taskaudit.cli.printing import WRONG_USAGE, complain
from taskaudit.cli.root import app
from taskaudit.failure import Failure
from taskaudit.text.streams import escape_what_is_not_encoded

__all__ = ["app", "main"]


def main() -> None:
    """The entry point of the `taskaudit` command.

    What the terminal's encoding lacks is written as escapes.
    """
    escape_what_is_not_encoded()
    try:
        app()
    except Failure as error:
        complain(str(error))
        sys.exit(WRONG_USAGE)
