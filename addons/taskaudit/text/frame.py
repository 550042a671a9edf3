"""A code frame: the line at fault of an answer, underlined, with what the contract does not name masked.

    3 |     "message": "bad",
    4 |     "code": 400
      |             ^^^

Nothing here knows of colours or terminals; the lines are plain data, made harmless through `escape`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from taskaudit.contract.excerpt import escape
from taskaudit.contract.places import CLOSE, OPEN, STOP, Key, Span, locate, pointer_to, walk
from taskaudit.contract.verdict import Finding, Place

COLUMNS = 100
"""How many columns of a line are shown."""
BEFORE, AFTER = 2, 1
"""How many lines of context."""
MOST_OF_TOKEN = 20

# How much of the line is looked at on either side of the fault; more than fits, as characters can be narrow.
_REACH = 4 * COLUMNS
# Of a long line, how many columns before the fault stay in sight.
_LEAD = 40

_NAMED = re.compile(
    r"/(?:job_id|error|order_id|status|error_code|error_msg|errorCode|errorMsg|errCode|errMsg|externalMessage"
    r"|code|message|fail_reason"
    r"|(?:error/)?details(?:/[0-9]+(?:/(?:message|code))?)?"
    r"|[^/]+/(?:message|code)"  # the fault objects: /badRequest/code; and /error/code
    r"|(?:[^/]+/){1,2}job_id)"
)
_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-z]+")
_FEED = re.compile("\n")
_TOKEN = re.compile(r'["\'“”]?[^,}\]\s"\'“”]*')
# What may be shown of text that is not JSON whatever it stands in: it says what went wrong, and is no value.
_TELLTALES = frozenset("{}[],:;\"'“”‘’，：；")
_ALWAYS_SHOWN = frozenset({"true", "false", "null"})


type Named = Callable[[str], bool]
"""Whether the value of a member may be shown, by its JSON Pointer."""


def contract_names(pointer: str) -> bool:
    """Whether the contract names the member at a JSON Pointer, so that a scalar there may be shown.

    Near misses of `job_id` at the top level count (TA105), and so do the other error dialects (TA103).
    """
    if _NAMED.fullmatch(pointer):
        return True
    return pointer.count("/") == 1 and _NOT_ALPHANUMERIC.sub("", pointer.lower()) == "jobid"


class Line(NamedTuple):
    """A line of the answer as shown; `caret` is where the underline starts (from 0), and its width."""

    number: int
    text: str
    caret: tuple[int, int] | None = None


class _Mask(NamedTuple):
    start: int
    end: int
    shown: str


class _Unit(NamedTuple):
    """What is shown for one character or one mask, and where that stands in the text."""

    shown: str
    start: int
    end: int

    @property
    def width(self) -> int:
        return sum(_columns(char) for char in self.shown)


class Fault(NamedTuple):
    """What a frame underlines: a place, and how many characters from there."""

    at: Place
    length: int


def faults_of(text: str, findings: Iterable[Finding]) -> list[Fault | None]:
    """Where each of the findings on one answer stands in its text; None where it has no place."""
    findings = list(findings)
    spans = locate(text, {each.pointer for each in findings if each.pointer and each.place})
    lengths = {pointer: span.end - span.start for pointer, span in spans.items() if pointer}
    return [each.place and Fault(each.place, lengths.get(each.pointer, 1)) for each in findings]


def frame(text: str, at: Place, length: int, named: Named = contract_names) -> list[Line]:
    """The one frame of `frames`."""
    return frames(text, [Fault(at, length)], named)[0]


def frames(text: str, faults: Iterable[Fault | None], named: Named = contract_names) -> list[list[Line]]:
    """For each fault its line, with what is at fault underlined, and up to 2 lines before and 1 after.

    `named` tells by JSON Pointer whether the value of a member may be shown; all other strings and numbers
    are masked, and so is all after the place where the text stops being JSON. A place outside the text is
    taken for its end. However many there are, the text is walked once. No lines where there is no fault.
    """
    starts = [0, *(feed.end() for feed in _FEED.finditer(text))]
    views = [fault and _view(text, starts, fault) for fault in faults]
    masks = _masks(text, _joined(clip for view in views if view for clip in view.clips.values()), named)
    return [[] if view is None else _lines(text, view, masks) for view in views]


class _View(NamedTuple):
    """What a frame is to show: lines and what is kept of them by number, and what is underlined."""

    number: int
    lines: dict[int, Span]
    clips: dict[int, Span]
    focus: Span


def _view(text: str, starts: Sequence[int], fault: Fault) -> _View:
    number = min(max(fault.at.line, 1), len(starts))
    lines = dict(_around(text, starts, number))
    start = min(lines[number].start + max(fault.at.column, 1) - 1, lines[number].end)
    clips = {n: _clip(line, start if n == number else line.start) for n, line in lines.items()}
    return _View(number, lines, clips, Span(start, start + max(fault.length, 1)))


def _lines(text: str, view: _View, masks: _Masks) -> list[Line]:
    return [
        _line(n, list(_units(text, clip, masks)), view.lines[n], view.focus if n == view.number else None)
        for n, clip in view.clips.items()
        # Context that is masked as a whole says nothing.
        if n == view.number or clip.start < masks.stop
    ]


def plain(lines: Sequence[Line]) -> str:
    """The frame as text without colours: numbers, a bar, and `^^^` under the fault; no final line feed."""
    gutter = max((len(str(line.number)) for line in lines), default=1) + 2
    rows = []
    for line in lines:
        rows.append(f"{line.number:>{gutter}} | {line.text}".rstrip())
        if line.caret:
            start, width = line.caret
            rows.append(f"{'':>{gutter}} | {' ' * start}{'^' * width}")
    return "\n".join(rows)


def _around(text: str, starts: Sequence[int], number: int) -> Iterator[tuple[int, Span]]:
    """The line with that number, which must exist, and its context: numbers and spans without line ends."""
    for n in range(max(1, number - BEFORE), min(number + AFTER, len(starts)) + 1):
        start = starts[n - 1]
        end = starts[n] - 1 if n < len(starts) else len(text)
        if n == number or end > start:
            yield n, Span(start, end - text.endswith("\r", start, end))


def _clip(line: Span, focus: int) -> Span:
    return Span(max(line.start, focus - _REACH), min(line.end, focus + _REACH))


def _joined(clips: Iterable[Span]) -> list[Span]:
    """In order, and those that overlap as one."""
    joined: list[Span] = []
    for clip in sorted(clips):
        if joined and clip.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, clip.end))
        else:
            joined.append(clip)
    return joined


class _Masks(NamedTuple):
    """What to hide, in order, and where the text stops being JSON (its end if it does not)."""

    masks: list[_Mask]
    stop: int


def _masks(text: str, clips: Sequence[Span], named: Named) -> _Masks:
    """What to hide within `clips`, which are in order and apart."""
    masks: list[_Mask] = []
    keys: list[Key] = []
    coming = iter(clips)
    clip = next(coming, None)
    for mark, key, _, start, end in walk(text) if clip else ():
        if mark == STOP:
            shown_to = _telling(text, start, key is not None and named(pointer_to([*keys, key])))
            return _Masks([*masks, _Mask(shown_to, len(text), "…")], start)
        while clip is not None and start >= clip.end:
            clip = next(coming, None)
        if clip is None:
            break
        if mark == OPEN:
            keys.append(key)
        elif mark == CLOSE:
            keys.pop()
        elif end > clip.start and not (text[start:end] in _ALWAYS_SHOWN or named(pointer_to([*keys, key]))):
            masks.append(_Mask(start, end, '"…"' if text[start] == '"' else "…"))
    return _Masks(masks, len(text))


def _telling(text: str, stop: int, named: bool) -> int:
    """To where the text may be shown that stands where it stops being JSON."""
    if named and (token := _TOKEN.match(text, stop)):
        return min(token.end(), stop + MOST_OF_TOKEN)
    return stop + 1 if text[stop : stop + 1] in _TELLTALES else stop


def _units(text: str, clip: Span, masks: _Masks) -> Iterator[_Unit]:
    at = clip.start
    first = bisect_right(masks.masks, clip.start, key=attrgetter("end"))
    for mask in islice(masks.masks, first, None):
        if mask.start >= clip.end:
            break
        start, end = max(mask.start, at), min(mask.end, clip.end)
        if start < end:
            yield from _characters(text, at, start)
            yield _Unit(mask.shown, start, end)
            at = end
    yield from _characters(text, at, clip.end)


def _characters(text: str, start: int, end: int) -> Iterator[_Unit]:
    for at in range(start, end):
        # In valid JSON a tab only ever indents; what is not valid has been masked.
        shown = "    " if text[at] == "\t" else escape(text[at])
        yield _Unit(shown, at, at + 1)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _line(number: int, units: Sequence[_Unit], line: Span, focus: Span | None) -> Line:
    """The units that fit, with "…" where something was cut off."""
    widths = [unit.width for unit in units]
    fault = next((i for i, unit in enumerate(units) if focus and unit.end > focus.start), len(units))
    low, high = _window(widths, fault if focus else 0)
    lead = "…" if low > 0 or (units and units[0].start > line.start) else ""
    tail = "…" if high < len(units) or (units and units[-1].end < line.end) else ""
    text = lead + "".join(unit.shown for unit in units[low:high]) + tail
    if focus is None:
        return Line(number, text)
    under = sum(
        w for unit, w in zip(units[fault:high], widths[fault:high], strict=True) if unit.start < focus.end
    )
    return Line(number, text, (len(lead) + sum(widths[low:fault]), max(under, 1)))


def _window(widths: Sequence[int], fault: int) -> tuple[int, int]:
    """Which units fit: some before the fault, as many as can be after it, then more before it."""
    if sum(widths) <= COLUMNS:
        return 0, len(widths)
    room = COLUMNS - 2  # the marks of what was cut
    low = _reach_back(widths, fault, min(_LEAD, room))
    left = room - sum(widths[low:fault])
    high = fault
    while high < len(widths) and widths[high] <= left:
        left -= widths[high]
        high += 1
    return _reach_back(widths, low, left), high


def _reach_back(widths: Sequence[int], index: int, room: int) -> int:
    while index > 0 and widths[index - 1] <= room:
        index -= 1
        room -= widths[index]
    return index
