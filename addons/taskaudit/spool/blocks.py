"""Lists of items in a file."""

from __future__ import annotations

import marshal
import pickle
import tempfile
from array import array
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from taskaudit.failure import Failure

IN_MEMORY = 16 * 1024 * 1024
"""Bytes; more goes to disk."""
MOST_IN_BLOCK = 256
"""Items written at once: one at a time costs several times as much."""


class Codec(NamedTuple):
    """How items are written. Only what this program itself wrote is ever read."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


OBJECTS = Codec(pickle.dumps, pickle.loads)
"""Of any type."""
PLAIN = Codec(marshal.dumps, marshal.loads)
"""Nothing but tuples, text, bytes, numbers and None, of exactly these types; twice as fast."""


class SpoolError(Failure):
    """There is no room to put items aside; says where, and why."""

    @classmethod
    def of(cls, error: OSError) -> SpoolError:
        """From what the system says."""
        where = tempfile.tempdir or "any temporary folder"
        return cls(f"cannot put aside what was read in {where} (TMPDIR): {error.strerror}")


def new_folder(opened: ExitStack) -> Path:
    """A folder for files of spools, deleted when `opened` is closed. Raises SpoolError."""
    try:
        return Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="taskaudit-")))
    except OSError as error:
        raise SpoolError.of(error) from error


class Blocks:
    """Lists of items in a file, a small one in memory. Without a path it has no name, and is gone at the end.

    With a path they can be given to another process.
    """

    def __init__(self, path: Path | None, codec: Codec) -> None:
        self._path = path
        self._codec = codec
        self._ends = array("Q", [0])
        self._file: Any = None

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, items: Any) -> None:
        """Appends a list. Raises SpoolError."""
        data = self._codec.dumps(items)
        try:
            file = self._opened()
            file.seek(self._ends[-1])
            file.write(data)
            file.flush()
        except OSError as error:
            raise SpoolError.of(error) from error
        self._ends.append(self._ends[-1] + len(data))

    def get(self, number: int) -> Any:
        """A list, by its number."""
        start, end = self._ends[number : number + 2]
        file = self._opened()
        file.seek(start)
        return self._codec.loads(file.read(end - start))

    def _opened(self) -> Any:
        if self._file is None:
            if self._path is None:
                self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - see close
            else:
                self._file = self._path.open("r+b" if len(self) else "x+b")
        return self._file

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        with suppress(OSError):  # What could not be written is told of already.
            self.close()

    def __getstate__(self) -> dict[str, Any]:
        assert self._path is not None
        self.close()
        return {**self.__dict__}
