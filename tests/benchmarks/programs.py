"""Programs as benchmarks run them: `taskaudit` as it is installed, with what it costs from start to end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

TASKAUDIT = Path(sys.executable).with_name("taskaudit")
_SELF_REPORTING = """
import atexit, sys
atexit.register(lambda: sys.stderr.writelines(line for line in open("/proc/self/status") if "VmHWM" in line))
from taskaudit.cli import main
main()
"""
TELLING = (sys.executable, "-c", _SELF_REPORTING)
"""`taskaudit`, telling its peak at the end; what wait4 tells holds that of the process it was started by."""


class Cost(NamedTuple):
    """Of one run: seconds by the clock and of CPU; of one that is `TELLING`, its peak of memory in MiB."""

    wall: float
    cpu: float
    peak: float


def cost(*command: str | Path, pycache: Path) -> Cost:
    """Runs a command; `pycache` holds the compiled modules, as an installation does. Fails where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(pycache), "TASKAUDIT_LANG": "en"}
    began = perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        text = told.read()
        assert process.returncode == 0, (command, text)
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return Cost(wall, used.ru_utime + used.ru_stime, int(peak[1]) / 1024 if peak else 0.0)
