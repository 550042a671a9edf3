"""Text in Markdown (CommonMark, GitHub's): whatever it holds, it is shown as it is and does nothing.

Backslashes would not do: trackers look for `@names`, `#numbers` and emoji after they have undone them.
Nothing but code is left alone, so all text that is not plainly harmless becomes code.
"""

from __future__ import annotations

import re

from taskaudit.contract.excerpt import MOST, escape

_HARMLESS = re.compile(r"""[\w \-./:,;|"'(){}?=+%…“”，。：；（）、]+""")
# Bare links, emoji, and an underscore that is not inside a word and may begin an emphasis.
_SPECIAL = re.compile(r"://|www\.|:[\w+-]+:|(?<![^\W_])_|_(?![^\W_])", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")


def prose(text: str, most: int = MOST) -> str:
    """The text, cut to `most` characters, for the middle of a line: as it is, or as code."""
    shown = escape(text, most)
    return shown if _HARMLESS.fullmatch(shown) and not _SPECIAL.search(shown) else code(text, most)


def code(text: str, most: int = MOST) -> str:
    """The text, cut to `most` characters, as a code span."""
    shown = escape(text, most)
    fence = "`" * (_longest_run(shown) + 1)
    # One blank at each end is taken off again, unless all is blank (CommonMark 0.31, section 6.1).
    is_edgy = shown[:1] in ("`", " ") or shown[-1:] in ("`", " ")
    pad = " " if is_edgy and shown.strip(" ") else ""
    return f"{fence}{pad}{shown or ' '}{pad}{fence}"


def block(text: str, language: str = "") -> str:
    """Lines as a fenced block. They must be harmless already; no final line feed."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
