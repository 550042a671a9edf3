"""A code frame: the line at fault of an answer, underlined, with what the contract does not name masked.

    3 |     "message": "bad",
    4 |     "code": 400
      |             ^^^

Nothing here knows of colours or terminals; the lines are plain data, made harmless through `escape`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from taskaudit.contract.excerpt import escape
from taskaudit.contract.places import CLOSE, OPEN, STOP, Key, Span, pointer_to, walk
from taskaudit.contract.verdict import Place

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
_TOKEN = re.compile(r'["\'“”]?[^,}\]\s"\'“”]*')
# What may be shown of text that is not JSON whatever it stands in: it says what went wrong, and is no value.
_TELLTALES = frozenset("{}[],:;\"'“”‘’，：；")
_ALWAYS_SHOWN = frozenset({"true", "false", "null"})


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


def frame(text: str, at: Place, length: int, named: Callable[[str], bool] = contract_names) -> list[Line]:
    """The line of `at` with `length` characters underlined, and up to 2 lines before and 1 after.

    `named` tells by JSON Pointer whether the value of a member may be shown; all other strings and numbers
    are masked, and so is all after the place where the text stops being JSON. A place outside the text is
    taken for its end.
    """
    number = min(max(at.line, 1), text.count("\n") + 1)
    lines = dict(_around(text, number))
    start = min(lines[number].start + max(at.column, 1) - 1, lines[number].end)
    focus = Span(start, start + max(length, 1))
    clips = {n: _clip(line, start if n == number else line.start) for n, line in lines.items()}
    masks, stop = _masks(text, list(clips.values()), named)
    return [
        _line(n, list(_units(text, clip, masks)), lines[n], focus if n == number else None)
        for n, clip in clips.items()
        # Context that is masked as a whole says nothing.
        if n == number or clip.start < stop
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


def _around(text: str, number: int) -> Iterator[tuple[int, Span]]:
    """The line with that number, which must exist, and its context: numbers and spans without line ends."""
    first = max(1, number - BEFORE)
    start = 0
    for _ in range(first - 1):
        start = text.index("\n", start) + 1
    for n in range(first, number + AFTER + 1):
        end = text.find("\n", start)
        last = end < 0
        end = len(text) if last else end
        if n == number or end > start:
            yield n, Span(start, end - text.endswith("\r", start, end))
        if last:
            return
        start = end + 1


def _clip(line: Span, focus: int) -> Span:
    return Span(max(line.start, focus - _REACH), min(line.end, focus + _REACH))


def _masks(text: str, clips: Sequence[Span], named: Callable[[str], bool]) -> tuple[list[_Mask], int]:
    """What to hide within `clips`, in order, and where the text stops being JSON (its end if it does not)."""
    masks: list[_Mask] = []
    keys: list[Key] = []
    for mark, key, _, start, end in walk(text):
        if mark == STOP:
            shown_to = _telling(text, start, key is not None and named(pointer_to([*keys, key])))
            return [*masks, _Mask(shown_to, len(text), "…")], start
        if start >= clips[-1].end:
            break
        if mark == OPEN:
            keys.append(key)
        elif mark == CLOSE:
            keys.pop()
        elif any(start < clip.end and end > clip.start for clip in clips) and not (
            text[start:end] in _ALWAYS_SHOWN or named(pointer_to([*keys, key]))
        ):
            masks.append(_Mask(start, end, '"…"' if text[start] == '"' else "…"))
    return masks, len(text)


def _telling(text: str, stop: int, named: bool) -> int:
    """To where the text may be shown that stands where it stops being JSON."""
    if named and (token := _TOKEN.match(text, stop)):
        return min(token.end(), stop + MOST_OF_TOKEN)
    return stop + 1 if text[stop : stop + 1] in _TELLTALES else stop


def _units(text: str, clip: Span, masks: Sequence[_Mask]) -> Iterator[_Unit]:
    at = clip.start
    for mask in masks:
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
