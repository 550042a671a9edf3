"""Text without colours: wrapped by columns, and frames that stay in line."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from taskaudit.proxy.plain_text import narrowed, plain_lines
from taskaudit.text.frame import Line


def test_text_is_wrapped_by_columns_and_bare() -> None:
    lines = plain_lines([Text("one two three", "bold red"), Text(), Text("一二三四五六")], 8)
    assert lines == ["one two", "three", "", "一二三四", "五六"]


def test_markup_is_text() -> None:
    assert plain_lines([Text("[bold]:x:[/]")], 40) == ["[bold]:x:[/]"]


def test_a_line_that_fits_stays_as_it_is() -> None:
    line = Line(3, '"code": 400', (8, 3))
    assert narrowed(line, 11) is line


@pytest.mark.parametrize("before", ["x", "好", "é好"])
@pytest.mark.parametrize("times", [0, 1, 7, 40, 41])
@pytest.mark.parametrize("after", [0, 1, 2, 60])
def test_the_fault_stays_in_sight_and_underlined(before: str, times: int, after: int) -> None:
    text = before * times + "FAULT" + "y" * after
    start = cell_len(before * times)
    cut = narrowed(Line(1, text, (start, 5)), 30)
    assert cut.caret
    shown = "".join(char * cell_len(char) for char in cut.text)  # One character for each column.
    assert shown[cut.caret[0] : sum(cut.caret)] == "FAULT"
    assert cell_len(cut.text) <= 30
    assert cut.text.endswith("…") == (not text.endswith(cut.text.strip("…")))
    assert cut.text.startswith("…") == (not text.startswith(cut.text.strip("…")))


def test_an_underline_does_not_leave_the_line() -> None:
    cut = narrowed(Line(1, "a" * 10 + "b" * 100, (10, 100)), 20)
    assert cut.caret
    assert sum(cut.caret) == cell_len(cut.text) == 20


def test_context_is_cut_at_its_end() -> None:
    assert narrowed(Line(1, "0123456789"), 5) == Line(1, "0123…")
