"""HTTP Archives, HAR 1.1 to 1.3 (http://www.softwareishard.com/blog/har-12-spec/), in flat memory.

Entries are read in batches of some hundred. Where one is damaged, those of its batch are read one by one,
their bytes found by their brackets: it costs only itself. A capture of any size needs the memory of its
largest entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from taskaudit.sources.captured import Captured, Damage, PassesBy, Reading, excerpt, nothing
from taskaudit.sources.har_copies import Copies
from taskaudit.sources.har_entry import ONE, Damaged, Entry, decoded, decoded_list, loaded
from taskaudit.sources.har_exchange import exchange_of
from taskaudit.sources.har_times import Timeline
from taskaudit.sources.identity import split_url
from taskaudit.sources.json_window import (
    CannotSplit,
    at_end_of_text,
    enter_member,
    leave,
    next_character,
    value_end,
)
from taskaudit.sources.window import Window

# How an entry begins in the exporters seen: with its time, its page, or a member of the exporter's own.
_ENTRY = re.compile(rb'\{\s*"(?:startedDateTime|pageref|_\w+)"\s*:')
_LONGEST_ENTRY_START = 256
# The comma before an entry, with the entry's beginning: where one exporter has them all alike.
_SEAM = re.compile(rb'\s*+(,\s*+\{\s*+"[^"\\]{1,64}+"\s*+:)')
_BATCH_SIZE = 256 * 1024

MOST_LOST_ENDS = 100
"""Entries whose end is not found, before reading stops: each may cost a look at all that follows."""

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")


def read_har(window: Window, passes_by: PassesBy = nothing, *, is_whole: bool = True) -> Reading:
    """The entries of a HAR, and each damage. `window` stands at its start.

    What cannot be split into entries is searched for the next start of one; so is a head not `is_whole`.
    """
    try:
        if not is_whole:
            raise CannotSplit("expected the head of a HAR, found a damaged one")
        enter_member(window, "log")
        enter_member(window, "entries")
        if next_character(window) != "[":
            raise CannotSplit("expected an array of entries")
        window.at += 1
    except CannotSplit as lost:
        where, goes_on = window.place(), _seek(window)
        told = "reading goes on at the first entry" if goes_on else "no entry was found"
        yield Damage(where, f"{lost}; {told}")
        if not goes_on:
            return
    yield from _given(window, passes_by)


def _given(window: Window, passes_by: PassesBy) -> Reading:
    """Each exchange once and with its time, and each damage, from the first entry on."""
    copies, timeline = Copies(), Timeline()
    for index, found in enumerate(_entries(window)):
        if isinstance(found, Damage):
            yield found
            continue
        if copies.has(index, found):
            continue
        url = split_url(found.request.url)
        if passes_by(found.request.method, url.path, url.query):
            timeline.passed = found
            if timeline.held:
                yield from timeline.after_passed()
            continue
        captured = Captured(index, exchange_of(found, url, index))
        if captured.exchange.started is None or timeline.held:
            yield from timeline.placed(captured)
        else:
            timeline.last, timeline.passed = captured.exchange, None
            yield captured
    yield from timeline.rest()


def _entries(window: Window) -> Iterator[Entry | Damage]:
    """The entries and each damage, up to the end of the text or to where reading has to stop."""
    index = lost_ends = alone_until = 0
    seam = b""
    while (character := next_character(window)) != "]":
        if character == "," and index:
            if window.offset() >= alone_until:
                batch, alone_until = _batch(window, seam)
                yield from batch
                index += len(batch)
                if batch:
                    continue
            window.at += 1
            character = next_character(window)
        where = window.place()
        try:
            yield decoded(_next_entry(window, character))
        except (CannotSplit, Damaged) as lost:
            lost_ends += not isinstance(lost, Damaged)
            goes_on = isinstance(lost, Damaged) or (lost_ends < MOST_LOST_ENDS and _seek(window))
            yield Damage(where, f"{lost}{'' if goes_on else '; reading stops there'}", index)
            if not goes_on:
                return
        index += 1
        seam = _seam(window) or seam
    window.at += 1
    yield from _after_entries(window)


def _seam(window: Window) -> bytes:
    """The comma behind an entry, with how the next one begins."""
    window.has(_LONGEST_ENTRY_START)
    found = _SEAM.match(window.data, window.at)
    return found[1] if found else b""


def _batch(window: Window, seam: bytes) -> tuple[list[Entry], int]:
    """The entries after the comma at the window up to the last seam within reach; steps over them.

    None where there is no seam, or one of them is not sound: then those up to an offset are to be read alone.
    A seam may lie within an entry: but what has been read as a list of entries has no other end.
    """
    window.has(_BATCH_SIZE)
    end = window.data.rfind(seam, window.at + 1, window.at + _BATCH_SIZE) if seam else -1
    if end < 0:
        return [], window.offset() + _BATCH_SIZE
    # A view of the window has to be released before it reads on.
    with memoryview(window.data) as data:
        text = b"".join((b"[", data[window.at + 1 : end], b"]"))
    try:
        batch = decoded_list(text)
    except Damaged:
        batch = []
    if not batch:
        return [], window.offset(end)
    window.at = end
    return batch, 0


def _after_entries(window: Window) -> Iterator[Damage]:
    """The members after the entries, and the end of the two objects; nothing may follow."""
    try:
        leave(window)
        leave(window)
        at_end_of_text(window)
    except CannotSplit as lost:
        yield Damage(window.place(), str(lost))


def _next_entry(window: Window, character: str) -> bytes:
    """The bytes of the entry at the window; steps over them."""
    if character != "{":
        raise CannotSplit(f"expected an entry, found {excerpt(window.data[window.at : window.at + 1])}")
    if size := _size_by_decoding(window):
        return window.take(size)
    end = value_end(window)
    # A quote too few or too many turns strings and structure about: the entry seems to go on through others.
    swallowed = _ENTRY.search(window.data, window.at + 1, end)
    if swallowed and not _is_json(bytes(window.data[window.at : end])):
        raise CannotSplit("expected an entry, found one whose brackets or quotes do not match")
    return window.take(end - window.at)


def _size_by_decoding(window: Window) -> int | None:
    """The size of a sound entry that is in the window whole, None for any other.

    The decoder tells where the text after the entry starts, much faster than looking for brackets does.
    Should it word that otherwise one day, the brackets are looked for.
    """
    # Views of the window have to be released before it reads on.
    with memoryview(window.data) as whole, whole[window.at :] as rest:
        try:
            ONE.decode(rest)
        except msgspec.DecodeError as error:
            found = _TRAILING.search(str(error))
            # It counts the byte that should not be there, too.
            size = int(found[1]) - 1 if found else 0
            return size if size > 0 and rest[size] in b",]" else None
        except (UnicodeDecodeError, RecursionError):
            return None
    return None


def _is_json(text: bytes) -> bool:
    try:
        loaded(text)
    except ValueError:
        return False
    return True


def _seek(window: Window) -> bool:
    """Go to the next start of an entry; False where there is none."""
    window.at = min(window.at + 1, len(window.data))
    while not (found := _ENTRY.search(window.data, window.at)):
        window.at = max(window.at, len(window.data) - _LONGEST_ENTRY_START)
        if not window.more():
            return False
    window.at = found.start()
    return True
