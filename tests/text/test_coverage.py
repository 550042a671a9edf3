"""What was looked at, and what was not, in one line."""

from __future__ import annotations

from collections import Counter

import pytest

from taskaudit.contract.words import Language
from taskaudit.exchange import Unaudited
from taskaudit.text.coverage import coverage_line
from taskaudit.totals import Totals

SOME = Totals(
    seen=10, other=1, audited=6, unaudited=Counter({Unaudited.STREAMED: 1, Unaudited.ABORTED: 2}), lost=3
)


@pytest.mark.parametrize(
    ("totals", "language", "told"),
    [
        (Totals(), Language.EN, "seen 0 = other 0 + audited 0 + unaudited 0"),
        (Totals(), Language.ZH, "共 0 = 其他 0 + 已审计 0 + 未审计 0"),
        (
            SOME,
            Language.EN,
            "seen 10 = other 1 + audited 6 + unaudited 3 (aborted 2, streamed 1); records lost 3",
        ),
    ],
)
def test_the_coverage_line(totals: Totals, language: Language, told: str) -> None:
    assert coverage_line(totals, language) == told
