"""Programs of the system that tests run. Without one they are skipped; with TASKAUDIT_TESTS=all they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

_LISTED = Path(__file__).with_name("system-packages.txt").read_text(encoding="utf-8").splitlines()
PACKAGES = dict(line.split() for line in _LISTED if not line.startswith("#"))
"""By program: the Debian package it is in."""
INSTALL = "To install all of these: make system-packages (as root; Debian's packages)."
RIGHTS = "root's rights"
_WANTED = "needs "


def lacking(what: str) -> NoReturn:
    """Ends the test that needs it: a program, or rights."""
    reason = f"{_WANTED}{what}"
    if os.environ.get("TASKAUDIT_TESTS") == "all":
        pytest.fail(f"{reason}; make system-packages installs the programs that tests need")
    pytest.skip(reason)


def found(name: str) -> str:
    """The program's absolute path; those of administrators count, too, and PostgreSQL's own folder."""
    assert name in PACKAGES, f"{name} is not in tests/system-packages.txt"
    if path := shutil.which(name, path=os.pathsep.join(_folders())):
        return os.path.realpath(path) if name == "initdb" else os.path.abspath(path)
    lacking(name)


def _folders() -> Iterator[str]:
    if on_path := os.environ.get("PATH"):
        yield from (on_path, "/usr/local/sbin", "/usr/sbin", "/sbin")
        versions = Path("/usr/lib/postgresql").glob("*/bin")
        yield from map(str, sorted(versions, key=lambda place: int(place.parent.name), reverse=True))


def rights() -> None:
    """To mount, and to make what mounts are seen in: root has them, in a container not always."""
    asked = [sys.executable, "-c", "import os; os.unshare(os.CLONE_NEWNS)"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        lacking(RIGHTS)


def summary(reasons: Iterable[str]) -> Iterator[str]:
    """What the end of a run says of the tests that were skipped for these reasons; nothing if all ran."""
    counted = Counter(reason.partition(_WANTED)[2] for reason in reasons if _WANTED in reason)
    without_rights = counted.pop(RIGHTS, 0)
    if counted:
        programs = ", ".join(f"{name} ({count})" for name, count in counted.most_common())
        yield f"{counted.total()} tests were not run, for want of {programs}."
        yield INSTALL
    if without_rights:
        yield f"{without_rights} tests were not run: they mount file systems, which needs {RIGHTS}."


def output_of(name: str, *arguments: str, given: str | None = None) -> str:
    """What it prints, errors and all, with `given` on its standard input; its exit status has to be 0."""
    done = subprocess.run(
        [found(name), *arguments],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
