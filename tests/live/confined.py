"""Runs a program under what a systemd unit forbids its service, where no systemd runs.

`python confined.py UNIT FOLDER PROGRAM ARGUMENTS`: capabilities, system calls, memory written and executed,
families of sockets, and the file system are as the unit says; FOLDER is where the service may write. Its user
stays who it is: root without capabilities may no more than others. Needs root, for the mounts.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_NO_NEW_PRIVILEGES, _DROP_CAPABILITY = 38, 24  # <linux/prctl.h>
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # <seccomp.h>
_EQUAL, _MASKED_EQUAL = 4, 7
_EXECUTABLE_SHARE = 0o100000  # SHM_EXEC

type Settings = Mapping[str, Sequence[str]]
"""Of a unit: by name, each value that it was given."""
type Condition = tuple[int, int, int, int]
"""Argument, comparison, and what it is compared with: `struct scmp_arg_cmp`."""


class _Condition(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def settings_of(unit: Path) -> Settings:
    """The settings of all sections."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def _is_on(settings: Settings, name: str) -> bool:
    return settings.get(name, ["no"])[-1] == "yes"


class _Filter:
    """Refuses (EPERM) all system calls but those that it lets through; libseccomp comes with systemd."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libseccomp.so.2")
        self._lib.seccomp_init.restype = ctypes.c_void_p
        self._filter = ctypes.c_void_p(self._lib.seccomp_init(ctypes.c_uint32(_REFUSE)))

    def let(self, name: str, *conditions: Condition) -> None:
        """Lets a call through, where the conditions hold."""
        number = self._lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # A group, or another architecture's.
        made = (_Condition * len(conditions))(*(_Condition(*each) for each in conditions))
        allow = ctypes.c_uint32(_ALLOW)
        failed = self._lib.seccomp_rule_add_array(self._filter, allow, number, len(made), made)
        assert not failed, f"{name}: {os.strerror(-failed)}"

    def load(self) -> None:
        """From now on it holds."""
        assert self._lib.seccomp_load(self._filter) == 0


def _groups() -> dict[str, list[str]]:
    """What systemd has in each of its groups of calls: `@system-service` and so on, also in one another."""
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, check=True
    )
    groups: dict[str, list[str]] = {}
    for line in told.stdout.decode().splitlines():
        word = line.strip()
        if line.startswith("@"):
            groups[word] = members = []
        elif word and not word.startswith("#"):
            members.append(word)
    return groups


def _allowed(settings: Settings) -> set[str]:
    """What `SystemCallFilter` leaves: groups are added, or taken away where a ~ stands before them."""
    groups = _groups()

    def calls(name: str) -> set[str]:
        return {name}.union(*map(calls, groups.get(name, ())))

    allowed = calls("@default")
    for value in settings["SystemCallFilter"]:
        named = set().union(*map(calls, value.lstrip("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def _conditional(settings: Settings) -> dict[str, list[Condition]]:
    """Calls that are let through where one of their conditions holds."""
    found: dict[str, list[Condition]] = {}
    if _is_on(settings, "MemoryDenyWriteExecute"):
        unwritable, unexecutable = ((2, _MASKED_EQUAL, each, 0) for each in (mmap.PROT_WRITE, mmap.PROT_EXEC))
        found |= {name: [unwritable, unexecutable] for name in ("mmap", "mmap2")}
        found |= {name: [unexecutable] for name in ("mprotect", "pkey_mprotect")}
        found["shmat"] = [(2, _MASKED_EQUAL, _EXECUTABLE_SHARE, 0)]
    if families := " ".join(settings.get("RestrictAddressFamilies", ())).split():
        found["socket"] = [(0, _EQUAL, getattr(socket, family), 0) for family in families]
    return found


def _restrict_calls(settings: Settings) -> None:
    calls, conditional = _Filter(), _conditional(settings)
    for name in _allowed(settings) - conditional.keys():
        calls.let(name)
    for name, conditions in conditional.items():
        for condition in conditions:
            calls.let(name, condition)
    calls.load()


def _restrict_files(settings: Settings, folder: Path) -> None:
    """All is read-only but the folder."""
    os.unshare(os.CLONE_NEWNS)
    mounts = [("--make-rprivate", "/"), ("--bind", folder, folder)]
    if settings["ProtectSystem"] == ["strict"]:
        mounts.append(("-o", "remount,bind,ro", "/"))
    for words in mounts:
        subprocess.run(["mount", *words], check=True)


def _drop_privileges(settings: Settings) -> None:
    lib = ctypes.CDLL(None)
    if settings["CapabilityBoundingSet"] == [""]:
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
        for capability in range(last + 1):
            assert lib.prctl(_DROP_CAPABILITY, capability, 0, 0, 0) == 0
    if _is_on(settings, "NoNewPrivileges"):
        assert lib.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0


def main(unit: Path, folder: Path, words: Sequence[str]) -> None:
    """Becomes the program."""
    settings = settings_of(unit)
    _restrict_files(settings, folder)
    _drop_privileges(settings)
    _restrict_calls(settings)
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
