"""The command line: parse, call, print, exit status.

A module for each command or two, imported when the command is asked for. What takes long to import is
imported where it is used.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from taskaudit.cli.printing import WRONG_USAGE, complain
from taskaudit.cli.root import app
from taskaudit.failure import Failure
from taskaudit.text.streams import escape_what_is_not_encoded, stand_in_for_what_is_closed

__all__ = ["app", "main"]


def main() -> None:
    """The entry point of the `taskaudit` command.

    What the terminal's encoding lacks is written as escapes. A signal ends it with status 128 and its number,
    after what is begun has been undone.
    """
    stand_in_for_what_is_closed()
    escape_what_is_not_encoded()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows lacks one of them.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # Else: nohup.
            signal.signal(number, _end)
    try:
        app()
    except Failure as error:
        complain(str(error))
        sys.exit(WRONG_USAGE)


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)
