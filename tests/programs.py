"""Programs of the system that tests need; one that is missing fails them, and says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

PACKAGES = {
    "haproxy": "haproxy",
    "logrotate": "logrotate",
    "jq": "jq",
    "nginx": "nginx-light",
    "promtool": "prometheus",
    "rsyslogd": "rsyslog",
    "systemd-analyze": "systemd",
}
"""By program: the Debian package it is in. `.ci/run` installs them."""


def found(name: str) -> str:
    """The program's path; those of administrators count, too."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        pytest.fail(f"{name} is needed: apt-get install {PACKAGES[name]}")
    return path


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
