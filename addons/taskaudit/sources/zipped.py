"""Zip archives, read as folders: each member is a source of its own, in the archive's order."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from msgspec import structs

from taskaudit.sources.captured import Damage, Reading, Skipped
from taskaudit.sources.unpacked import A_BOMB, MOST_EXPANDED, MOST_TIMES
from taskaudit.sources.window import CHUNK, Readable, Window

MOST_MEMBERS = 10_000

_PIECE = 4096
"""Bytes read at once: of a member that is damaged, those before it are lost."""

_BROKEN = (
    BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What the library raises on archives that are damaged, or packed in ways that it does not know."""

# Playwright keeps bodies beside their HAR, each in a file named after its SHA-1.
_BODY = re.compile(r"[0-9a-f]{40}\.\w+")

_OF_FIDDLER = re.compile(r"raw/\d+_s\.txt")

type ReadMember = Callable[[Readable, str], Reading]
"""Reads a member, given its stream and its name."""


def read_zip(window: Window, path: Path | None, read_member: ReadMember) -> Reading:
    """What the members of the archive at `window` hold; what is no capture is skipped, even the archive.

    `path` is the archive's, where it is a file; any other is copied to one, for its directory is at its end.
    """
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(ZipFile(path or _copied(window, opened)))
        except _BROKEN as error:
            yield Damage("byte 0", f"expected a zip archive, found one that cannot be read: {_reason(error)}")
            return
        members = _members(archive)
        if any(_OF_FIDDLER.fullmatch(info.filename) for info in members):
            yield Skipped("a session of Fiddler: export it as HAR (File, Export Sessions, HTTPArchive)")
            return
        for info in members[:MOST_MEMBERS]:
            for found in _read(archive, info, read_member):
                yield structs.replace(found, member=info.filename)
        if len(members) > MOST_MEMBERS:
            yield Damage(
                "byte 0", f"expected {MOST_MEMBERS} files in the archive at most, found {len(members)}"
            )


def _copied(window: Window, opened: ExitStack) -> IO[bytes]:
    file = opened.enter_context(TemporaryFile())  # noqa: SIM115  # closed by `opened`
    while chunk := window.take(CHUNK):
        file.write(chunk)
    return file


def _members(archive: ZipFile) -> list[ZipInfo]:
    """The files of an archive, without hidden ones, and without bodies that belong to a HAR among them."""
    files = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    has_har = any(info.filename.lower().endswith(".har") for info in files)
    return [info for info in files if not (has_har and _BODY.fullmatch(PurePosixPath(info.filename).name))]


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _read(archive: ZipFile, info: ZipInfo, read_member: ReadMember) -> Reading:
    if info.flag_bits & 1:
        yield Damage("byte 0", "is encrypted; unpack the archive and give the files")
        return
    try:
        file = archive.open(info)
    except _BROKEN as error:
        yield Damage("byte 0", f"expected a file of the archive, found none: {_reason(error)}")
        return
    with file:
        member = _Member(file, info)
        yield from read_member(member, info.filename)
        yield from member.damages


class _Member:
    """A member's stream; where it is damaged, it ends."""

    def __init__(self, file: IO[bytes], info: ZipInfo) -> None:
        self.damages: list[Damage] = []
        self._file = file
        self._packed = info.compress_size
        self._read = 0

    def read(self, size: int, /) -> bytes:
        data = bytearray()
        while len(data) < size and (piece := self._piece()):
            data += piece
        return bytes(data)

    def _piece(self) -> bytes:
        if self.damages:
            return b""
        try:
            piece = self._file.read(_PIECE)
        except _BROKEN as error:
            return self._end(f"the compressed data is damaged: {_reason(error)}")
        self._read += len(piece)
        if self._read > MOST_EXPANDED and self._read > MOST_TIMES * self._packed:
            return self._end(A_BOMB)
        return piece

    def _end(self, message: str) -> bytes:
        self.damages.append(Damage(f"byte {self._read}", message))
        return b""


def _reason(error: BaseException) -> str:
    """Without names of members, which are shown as places."""
    said = str(error).rpartition("while decompressing data: ")[2]
    if said == "File is not a zip file":
        return "its list of files, at the end, is missing; is it all there?"
    return type(error).__name__ if "'" in said or not said else said
