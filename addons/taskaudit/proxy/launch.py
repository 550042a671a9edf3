"""Starts mitmweb, or the console of mitmproxy, with the audit and with options that suit it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from taskaudit.paths import addon_script
from taskaudit.proxy.passed_on import PassedOn

STATUS_PAGE = "127.0.0.1:0"
"""Where the status page is, unless the user says otherwise: on this machine, at a port that is free."""


class FrontEnd(NamedTuple):
    """A program of mitmproxy that people look at."""

    program: str
    """The console script, and the function in `mitmproxy.tools.main`."""
    command: str
    """The command of ours that starts it."""
    options: Mapping[str, tuple[str, ...]]
    """What `--set` gives it where the user gives nothing else; a sequence has several values."""


WEB = FrontEnd(
    "mitmweb",
    "web",
    # As mitmweb's default, and with the comment, which holds the verdict; the mark is at the end of the path.
    # Comments and what follows are flush right: a column that is not would touch short ones.
    {
        "web_columns": ("tls", "icon", "method", "status", "path", "comment", "size", "time"),
        "taskaudit_listen": (STATUS_PAGE,),
    },
)
CONSOLE = FrontEnd(
    "mitmproxy",
    "tui",
    # The list has no room for a comment: the event log below it tells the verdicts.
    {"console_layout": ("vertical",), "taskaudit_listen": (STATUS_PAGE,)},
)


def arguments(
    front: FrontEnd, audit: Mapping[str, str], passed_on: Sequence[str], meaning: PassedOn | None
) -> list[str]:
    """The arguments of `front`: the audit first, so that it sees answers before other scripts do.

    `audit` are options of ours by name. What the user passes on stays as it is and comes last, and no option
    is given that is `named` in it.
    """
    named = meaning.named if meaning else frozenset()
    options = {**front.options, **{name: (value,) for name, value in audit.items()}}
    ours = [f"{name}={value}" for name, values in options.items() if name not in named for value in values]
    return [*_each("-s", _scripts(meaning)), *_each("--set", ours), *passed_on]


def overruled(audit: Mapping[str, str], meaning: PassedOn | None) -> list[str]:
    """Options of ours that are without effect: mitmproxy's own `config.yaml` wins over `--set`."""
    return sorted(meaning.configured & set(audit)) if meaning else []


def program(front: FrontEnd, python: str = sys.executable) -> list[str]:
    """How to start it in the environment of `python`: only there is the audit beside it."""
    script = Path(python).with_name(front.program + Path(python).suffix)
    if script.exists():
        return [str(script)]
    source = f"import sys; from mitmproxy.tools.main import {front.program} as main; "
    # -P: what lies in the current folder is not imported.
    return [python, "-P", "-c", f"{source}sys.argv[0] = {front.program!r}; sys.exit(main())"]


def start(command: list[str]) -> int:
    """Becomes `command`; on Windows, where no process becomes another, waits for it and gives its status.

    Raises OSError where it cannot be started.
    """
    if sys.platform == "win32":
        child = subprocess.Popen(command)
        while True:
            with suppress(KeyboardInterrupt):  # The child has it too, and ends in good order.
                return child.wait()
    else:
        os.execv(command[0], command)


def _each(flag: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _scripts(meaning: PassedOn | None) -> list[str]:
    """None where the user loads the audit himself: mitmproxy refuses a script that comes twice."""
    ours = addon_script()
    if meaning is None:
        return [str(ours)]
    if _is_among(ours, meaning.scripts):
        return []
    # Ours would make mitmproxy forget what is named elsewhere than in flags.
    return [str(ours), *(() if meaning.scripts_in_flags else meaning.scripts)]


def _is_among(script: Path, others: Sequence[str]) -> bool:
    return any(Path(other).expanduser().resolve() == script.resolve() for other in others)
