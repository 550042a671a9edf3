"""What is seen as nothing, held to the tables of Unicode that other programs bring."""

from __future__ import annotations

import subprocess
import unicodedata
from itertools import chain

import pytest

from taskaudit.contract.unseen import BLANK_GLYPHS, DEFAULT_IGNORABLE, is_harmless
from tests.programs import found

IGNORABLE = [*chain.from_iterable(range(first, last + 1) for first, last in DEFAULT_IGNORABLE)]


def test_the_ranges_are_those_of_the_property() -> None:
    script = (
        r"for my $code (0..0xd7ff, 0xe000..0x10ffff)"
        r' { print "$code\n" if chr($code) =~ /\p{Default_Ignorable_Code_Point}/ }'
    )
    listed = subprocess.run([found("perl"), "-e", script], capture_output=True, text=True, check=True)
    assert [int(code) for code in listed.stdout.split()] == IGNORABLE


@pytest.mark.parametrize(
    "word", ["VARIATION SELECTOR", "FILLER", "GRAPHEME JOINER", "BLANK", "NULL NOTEHEAD"]
)
def test_what_is_named_a_filler_or_a_blank(word: str) -> None:
    named = {code for code in range(0x110000) if word in unicodedata.name(chr(code), "")}
    seen = {chr(code) for code in named if is_harmless(chr(code))}
    # Punctuation that fills a line or a gap, and the sign for a blank, have glyphs.
    assert all(unicodedata.category(char) == "Po" or char == "\u2422" for char in seen)
    assert len(seen) < len(named)


def test_none_of_them_is_harmless() -> None:
    blanks = [code for code in range(0x21, 0x110000) if unicodedata.category(chr(code)) == "Zs"]
    assert not [code for code in (*IGNORABLE, *BLANK_GLYPHS, *blanks) if is_harmless(f"a{chr(code)}b")]


@pytest.mark.parametrize("text", ["", " ", "plain ~", "配额不足，码", "é 🎉", "e\u0301", "\u2422"])
def test_what_is_seen_is_harmless(text: str) -> None:
    assert is_harmless(text)
