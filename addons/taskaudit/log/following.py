"""The log read as it grows, across rotations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from taskaudit.log.decoding import coding_of
from taskaudit.log.format import Damaged
from taskaudit.log.reading import (
    Line,
    Part,
    batches_of,
    check_ours,
    first_line,
    not_there,
    one_by_one,
    opened_if_there,
    parts_beside,
    read_part,
    record_of,
    unfinished,
)


def follow_log(path: Path) -> Iterator[dict[str, Any] | Damaged | None]:
    """As `read_log`, but goes on as the log grows: None stands for "no more for now", and it does not end.

    A last line that is not finished yet is left alone. Raises LogError.
    """
    return (record_of(line) if line is not None else None for line in follow_lines(path))


def follow_lines(path: Path) -> Iterator[Line | None]:
    """As `follow_log`, each with its place. A compressed file does not grow any more."""
    read: set[bytes] = set()
    is_begun = False
    while True:
        with ExitStack() as opened:
            live = opened_if_there(path, opened)
            first = first_line(live) if live is not None else None
            parts = [part for part in parts_beside(path) if part.identity not in read | {first}]
            if live is None and not parts and not is_begun:
                raise not_there(path)
            is_begun = True
            last = _still_written(parts, first, opened)
            for part in parts[:-1] if last else parts:
                read.add(part.identity)
                yield from one_by_one(read_part(part.path))
            if last is not None:
                yield from _until_left(path, parts[-1].path, last, read)
            elif live is not None and coding_of(live) is not None:
                if (identity := Part(path, first).identity) not in read:
                    read.add(identity)
                    yield from one_by_one(batches_of(path, live))
                yield None
            elif live is not None:
                yield from _until_left(path, path, live, read)
            else:
                yield None


def _still_written(parts: list[Part], first: bytes | None, opened: ExitStack) -> BinaryIO | None:
    """The newest rotated file, while the writer may not have noticed that another process renamed it."""
    if first is not None or not parts:
        return None
    file = opened_if_there(parts[-1].path, opened)
    return file if file is not None and coding_of(file) is None else None


def _until_left(live: Path, path: Path, file: BinaryIO, read: set[bytes]) -> Iterator[Line | None]:
    """Follows one file until its writer has gone on to another one, at `live`."""
    number, pending = 0, b""
    while True:
        # Looked at before reading: once there is something in the new file, nothing is added to the old one.
        is_left = _is_left(live, file)
        while chunk := file.readline():
            pending += chunk
            if not pending.endswith(b"\n"):
                break
            number += 1
            if number == 1:
                check_ours(path, pending)
                if pending in read:  # It was rotated, and read, after it was opened.
                    yield None
                    return
                read.add(pending)
            yield path, number, pending
            pending = b""
        if is_left:
            if pending:
                yield path, number + 1, unfinished(path, number + 1)
            return
        yield None


def _is_left(live: Path, file: BinaryIO) -> bool:
    """Whether there is another file now, and something in it."""
    try:
        if os.path.samestat(os.fstat(file.fileno()), os.stat(live)):
            return False
        with live.open("rb") as new:
            return first_line(new) is not None
    except OSError:
        return False
