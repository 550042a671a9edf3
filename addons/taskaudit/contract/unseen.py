"""Characters that are seen as nothing, or as a blank: two texts that differ in one of them look alike.

`str.isprintable` refuses those of the categories C* and Z*, but for the ASCII blank. These are the others.
"""

from __future__ import annotations

import re

DEFAULT_IGNORABLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F)),
    *((0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    (0xE0000, 0xE0FFF),
)
"""Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 14 to 17): ranges, with their last."""

BLANK_GLYPHS = (0x2800, 0x13441, 0x13442, 0x16FE4, 0x1D159, 0x1DA7F, 0x1DA80)
"""What Unicode gives a blank for a glyph, by its name and chart: no property tells."""

_RANGES = (*DEFAULT_IGNORABLE, *((code, code) for code in BLANK_GLYPHS))
_UNSEEN = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "]")


def is_harmless(text: str) -> bool:
    """Whether each character is seen as what it is, and does nothing to a terminal or a line."""
    return text.isprintable() and (text.isascii() or _UNSEEN.search(text) is None)
