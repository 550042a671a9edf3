"""Values are told by type, shortly, without harm and without secrets."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.excerpt import char_name, describe, escape, json_type
from taskaudit.contract.places import Span


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("abc", "String", 'String "abc"'),
        ("", "String", 'String ""'),
        ("x" * 201, "String", f'String "{"x" * 199}…"'),
        ("\x1b[31m", "String", r'String "\u001b[31m"'),
        (400, "Number", "Number 400"),
        (1.5, "Number", "Number 1.5"),
        (True, "Boolean", "Boolean true"),
        (False, "Boolean", "Boolean false"),
        (None, "null", "null"),
        ({}, "Object", "Object (0 members)"),
        ({"adminPass": "secret"}, "Object", "Object (1 member)"),
        (["secret"], "Array", "Array (1 entry)"),
        (["secret", 2], "Array", "Array (2 entries)"),
    ],
)
def test_values_are_told(value: object, kind: str, told: str) -> None:
    assert json_type(value) == kind
    assert describe("", None, value) == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("4.00e2", "Number 4.00e2"),
        ("-0", "Number -0"),
        ("1" * 41, f"Number {'1' * 39}…"),
        ("1e999", "Number 1e999"),
    ],
)
def test_numbers_are_spelt_as_sent(raw: str, told: str) -> None:
    assert describe(f"[{raw}]", Span(1, 1 + len(raw)), float(raw)) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ~", "plain ~"),
        ("错误，码", "错误，码"),
        ("a\u3000b\u00a0c\u2003", r"a\u3000b\u00a0c\u2003"),
        ("/v1/\u3164a", r"/v1/\u3164a"),
        ("\u115f\u1160\uffa0\u2800\u034f\ufe0f", r"\u115f\u1160\uffa0\u2800\u034f\ufe0f"),
        ("\U000e0100\U00013441", r"\U000e0100\U00013441"),
        ("é 🎉", "é 🎉"),
        (r"back\slash", r"back\slash"),
        ("\n\r\t", r"\n\r\t"),
        ("\x00\x1b\x7f\x85\x9b", r"\u0000\u001b\u007f\u0085\u009b"),
        ("\u202a\u202e\u2066\u2069\u200e\u200f\u061c", r"\u202a\u202e\u2066\u2069\u200e\u200f\u061c"),
        ("\u200b\u200d\u2060\ufeff", r"\u200b\u200d\u2060\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\ud800", r"\ud800"),
        ("\ue000\U000f0000\U000e0041", r"\ue000\U000f0000\U000e0041"),
        ("\u0378", r"\u0378"),
    ],
)
def test_what_could_do_harm_is_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    harmful = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    assert not {unicodedata.category(char) for char in escape(text) if char != " "} & harmful


@pytest.mark.parametrize(("text", "shown"), [("abc", "abc"), ("abcd", "ab…"), ("\n\n\n\n", r"\n\n…")])
def test_cutting_counts_characters_of_the_text(text: str, shown: str) -> None:
    assert escape(text, 3) == shown


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("，", '"，" (U+FF0C)'),
        ("'", '"\'" (U+0027)'),
        ("\x1b", r'"\u001b" (U+001B)'),
        ("🎉", '"🎉" (U+1F389)'),
    ],
)
def test_characters_have_names(char: str, name: str) -> None:
    assert char_name(char) == name
