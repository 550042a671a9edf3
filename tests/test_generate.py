"""Generated files are up to date: run `make schema` where one is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generate import ROOT, generated, left_over


@pytest.mark.parametrize("path", generated(), ids=str)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path]


def test_no_page_is_left_of_a_rule_that_is_no_more() -> None:
    assert left_over() == []
