"""Programs as benchmarks run them: `taskaudit` as it is installed, with what it costs from start to end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

TASKAUDIT = Path(sys.executable).with_name("taskaudit")


class Cost(NamedTuple):
    """Of one run: seconds by the clock and of CPU, and the most memory it had, in MiB."""

    wall: float
    cpu: float
    peak: float


def cost(*command: str | Path, pycache: Path) -> Cost:
    """Runs a command; `pycache` holds the compiled modules, as an installation does. Fails where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(pycache), "TASKAUDIT_LANG": "en"}
    began = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    wall = perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
