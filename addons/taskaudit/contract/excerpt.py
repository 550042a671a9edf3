"""How a value found in an answer is told: its JSON type, and a short excerpt that harms no terminal."""

from __future__ import annotations

from taskaudit.contract.places import Span
from taskaudit.contract.unseen import is_harmless

MOST = 200
"""To how many characters an excerpt is cut (contract, section 6)."""
MOST_OF_NUMBER = 40

JSON_TYPES = frozenset({"String", "Number", "Boolean", "null", "Object", "Array"})
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def json_type(value: object) -> str:
    """The JSON type of a parsed value: String, Number, Boolean, null, Object or Array."""
    match value:
        case None:
            return "null"
        case str():
            return "String"
        case bool():
            return "Boolean"
        case dict():
            return "Object"
        case list() | tuple():
            return "Array"
        case _:
            return "Number"


def describe(text: str, span: Span | None, value: object) -> str:
    """The type of a value and what may be shown of it: `Number 400`, `Object (2 members)`.

    A Number is spelt as in the text at `span`, or as Python does where that is None. What an Object or
    Array holds is never shown: it may be a secret.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "Boolean true" if value else "Boolean false"
        case str():
            return f'String "{escape(value)}"'
        case dict():
            return f"Object ({_count(len(value), 'member', 'members')})"
        case list() | tuple():
            return f"Array ({_count(len(value), 'entry', 'entries')})"
        case _:
            return "Number " + escape(text[span.start : span.end] if span else repr(value), MOST_OF_NUMBER)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def escape(text: str, most: int = MOST) -> str:
    r"""The text cut to `most` characters, with those that could do harm as `\n`, `\u202e` and the like.

    Harm is done by controls (terminal escapes, forged log lines), format characters (bidi overrides, zero
    width), line and paragraph separators, lone surrogates, private use and unassigned ones; and by what is
    seen as nothing, or as a blank and is not the ASCII one: two texts would look alike. An escape counts as
    the one character it stands for; a backslash stays as it is.
    """
    if len(text) > most:
        text = text[: most - 1] + "…"
    if is_harmless(text):
        return text
    return "".join(char if is_harmless(char) else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return _SHORT_ESCAPES.get(char) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def char_name(char: str) -> str:
    """One character and its code point: `"，" (U+FF0C)`."""
    return f'"{escape(char)}" (U+{ord(char):04X})'
