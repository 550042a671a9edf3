"""A terminal that a program runs on, and all that it writes there."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest
from running import PATIENCE


class Terminal:
    """A pseudo-terminal of 120 columns; `shown` is all that was written on it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (40, 120))
        self.shown = b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # EIO: nobody has the other end any more.
            while data := os.read(self._ours, 65536):
                self.shown += data

    def close(self) -> None:
        os.close(self.theirs)
        self._reader.join(PATIENCE)
        os.close(self._ours)


@pytest.fixture(name="terminal")
def on_terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()
