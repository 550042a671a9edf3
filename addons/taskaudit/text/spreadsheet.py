"""Tables as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from taskaudit.contract.excerpt import escape

# A spreadsheet runs a cell that starts with one of these as a formula (OWASP, CSV injection); some take the
# full-width forms for the same. The controls of that list are escapes here.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(rows: Iterable[Iterable[object]]) -> str:
    """Rows of a CSV file (RFC 4180), with cells that a spreadsheet would run made harmless by a quote.

    It may be read on a terminal, too: characters that could do harm there are escapes.
    """
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else escape(str(value), len(str(value)))
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text
