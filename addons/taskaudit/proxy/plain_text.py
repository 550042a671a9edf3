"""Text for places that know neither colours nor widths: mitmproxy's content views, windows and logs."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console, RenderableType

from taskaudit.text.frame import Line

WIDTH = 76
"""Columns that fit into the console, and into half of a browser's window."""


def plain_lines(parts: Iterable[RenderableType], width: int = WIDTH) -> list[str]:
    """What is printed of `parts`, wrapped to `width` columns; without colours, nor blanks at the ends."""
    printed = StringIO()
    console = Console(
        file=printed, width=width, color_system=None, markup=False, highlight=False, emoji=False, _environ={}
    )
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in printed.getvalue().split("\n")[:-1]]


def narrowed(line: Line, columns: int) -> Line:
    """The line of a frame cut to `columns`, with its fault in sight: wrapped, nothing would line up."""
    if cell_len(line.text) <= columns:
        return line
    start, width = line.caret or (0, 0)
    first = max(0, min(start - columns // 2, cell_len(line.text) - columns + 1))
    rest = [(char, at) for char, at in _columns(line.text) if at >= first]
    lead, begin = "…" if first else "", rest[0][1]
    room = columns - len(lead)
    if cell_len(line.text) - begin > room:
        room -= 1
        rest = [(char, at) for char, at in rest if at + get_character_cell_size(char) <= begin + room]
    text = "".join(char for char, _ in rest)
    tail = "" if line.text.endswith(text) else "…"
    caret = start - begin + len(lead)
    return Line(
        line.number,
        lead + text + tail,
        (caret, max(1, min(width, columns - caret))) if line.caret else None,
    )


def _columns(text: str) -> Iterable[tuple[str, int]]:
    """Each character with the column it starts at."""
    column = 0
    for char in text:
        yield char, column
        column += get_character_cell_size(char)
