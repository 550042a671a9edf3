"""The lines of a log from where the last load ended, its rotated files first, on and on as it grows."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from taskaudit.log.format import Damaged, LogError
from taskaudit.log.names import PACKED
from taskaudit.log.reading import Part, first_line, not_there, opened_if_there, parts_beside
from taskaudit.store.piece import Known, Piece, Position


class Tail:
    """The lines of the log at `path`. A file is known again by its first line, whatever its name is.

    Raises LogError where the log cannot be read or is none of ours.
    """

    def __init__(self, path: Path, known: Known) -> None:
        self.has_moved = False
        self._live = path
        self._known = known
        self._read: set[bytes] = set()
        self._coming: list[Part] = []
        self._piece = self._first()

    @property
    def path(self) -> Path:
        """The file that is read now."""
        return self._piece.path

    @property
    def position(self) -> Position | None:
        """Behind the last line that was taken of it; None where it has no line yet."""
        return self._piece.position

    def take(self) -> tuple[int, list[bytes], list[Damaged]]:
        """The number of the first, and the next whole lines of a file; none where it has no more for now.

        With them, where compressed data was damaged.
        """
        piece = self._piece
        try:
            first, lines = piece.lines + 1, piece.take()
        except OSError as error:
            raise _unreadable(piece.path, error) from error
        damaged, piece.damaged = piece.damaged, []
        return piece.lines + 1 - len(lines) if lines else first, lines, damaged

    def go_on(self) -> bool:
        """Whether there may be more in another file; to be asked where there was no more.

        What was written before the rotation was seen is taken first, then the next file.
        """
        try:
            if self.has_moved:
                return self._open_next()
            self.has_moved = not self._is_live() and (bool(self._coming) or self._find())
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return self.has_moved

    def rest(self) -> int:
        """The number of the unfinished line behind the last that was taken; 0 where there is none."""
        return self._piece.rest()

    def close(self) -> None:
        """Closes the file."""
        self._piece.file.close()

    def _first(self) -> Piece:
        if self._find() and (piece := self._next()) is not None:
            return piece
        with ExitStack() as opened:  # An empty log, or none of ours.
            file = opened_if_there(self._live, opened)
            if file is None:
                raise not_there(self._live)
            try:
                piece = Piece(self._live, file, self._known)
            except OSError as error:
                raise _unreadable(self._live, error) from error
            opened.pop_all()
            return piece

    def _open_next(self) -> bool:
        self.has_moved = False
        if (piece := self._next()) is None:
            return False
        self.close()
        self._piece = piece
        return True

    def _next(self) -> Piece | None:
        """The file that comes next; what was renamed since the folder was looked at is looked for again."""
        while self._coming or self._find():
            part = self._coming.pop(0)
            piece = self._opened(part)
            if piece is not None and first_line(piece.file) == part.first:
                self._read.add(part.identity)
                return piece
            if piece is not None:
                piece.file.close()
                self._coming.clear()
        return None

    def _opened(self, part: Part) -> Piece | None:
        """None where it was deleted, or another process has put something else there."""
        for path in (part.path, part.path.with_name(part.path.name + PACKED)):
            with ExitStack() as opened:
                if (file := opened_if_there(path, opened)) is not None:
                    piece = Piece(path, file, self._known)
                    opened.pop_all()
                    return piece
        return None

    def _find(self) -> bool:
        """Looks for files that were not read yet: rotated ones, or else the live one once it has a line."""
        with ExitStack() as opened:
            # Opened before the folder is looked at: whatever is rotated from now on is in one or the other.
            live = opened_if_there(self._live, opened)
            first = first_line(live) if live is not None else None
            done = self._read | {first}
            self._coming = [part for part in parts_beside(self._live) if part.identity not in done]
            if not self._coming and first is not None and first not in self._read:
                self._coming = [Part(self._live, first)]
        return bool(self._coming)

    def _is_live(self) -> bool:
        """Whether what is read now is still the live file."""
        piece = self._piece
        mine = os.fstat(piece.file.fileno())
        if piece.first is not None:
            self._read.add(piece.first)  # Of a log that began empty.
        if piece.is_cut():
            # Cut: what was copied elsewhere before is read to its end there.
            self._read.discard(piece.first or b"")
            return False
        with suppress(FileNotFoundError):  # Renamed, and the new one is not there yet.
            return os.path.samestat(self._live.stat(), mine)
        return False


def _unreadable(path: Path, error: OSError) -> LogError:
    return LogError(f"cannot read the log {path}: {error.strerror}")
