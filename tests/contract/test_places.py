"""Values, repeated names, lines and columns are found, whatever the text is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.places import (
    STOP,
    Span,
    Step,
    duplicates,
    enclosing,
    escape_token,
    locate,
    locate_by_walk,
    place,
    tokens,
    walk,
)

NAMES = st.text(max_size=4) | st.sampled_from(["job_id", "a/b", "m~n", "~1", 'q"', "\\", "0", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def pointers(value: object, at: str = "") -> dict[str, object]:
    """Every value within a parsed one, by pointer."""
    found = {at: value}
    if isinstance(value, dict):
        for name, member in value.items():
            found |= pointers(member, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            found |= pointers(entry, f"{at}/{index}")
    return found


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_value_stands_where_it_is_said_to(
    value: object, indent: str | int | None, ascii_only: bool
) -> None:
    text = " \n" + json.dumps(value, indent=indent, ensure_ascii=ascii_only) + "\r\n"
    wanted = pointers(value)
    spans = locate(text, wanted)
    assert {pointer: json.loads(text[start:end]) for pointer, (start, end) in spans.items()} == wanted
    assert locate_by_walk(text, wanted) == spans
    assert duplicates(text, 10) == ([], 0)


@given(st.text(alphabet='{}[]",:a0 ', max_size=40), st.data())
def test_a_walk_finds_the_same(text: str, data: st.DataObject) -> None:
    """Of what is JSON; names come twice here, and values are replaced."""
    wanted = data.draw(st.lists(st.sampled_from(["/a", "/a/a", "/0", "/0/a", "/a/0", "/0/0"]), min_size=1))
    try:
        json.loads(text)
    except ValueError:
        return
    assert locate(text, wanted) == locate_by_walk(text, wanted)


@pytest.mark.parametrize(
    "text",
    ['{"a": {"a": [1]}, "a": {"a": 2}}', '{"a": [{"a": 1}], "a": [2, {"a": 3}]}', '{"a": {"a": 1}, "a": []}'],
)
def test_a_walk_forgets_what_was_replaced_too(text: str) -> None:
    wanted = ["/a", "/a/a", "/a/0/a", "/a/1/a"]
    assert locate(text, wanted) == locate_by_walk(text, wanted)


@given(VALUES, st.data())
def test_a_text_cut_short_gives_what_came_before(value: object, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(0, len(text)))]
    whole = locate(text, pointers(value))
    for pointer, span in locate(cut, [p for p in whole if p]).items():
        assert span == whole[pointer] or cut[span.start :] == text[span.start : len(cut)]


@given(st.text(alphabet='{}[]",:\\u0019ae-.+tfn \n\x00，\ud800'), st.integers(0, 50))
def test_no_text_is_too_strange(text: str, offset: int) -> None:
    *_, (mark, _, _, start, _) = walk(text)
    assert mark == STOP
    assert 0 <= start <= len(text)
    locate(text, ["", "/a", "/a/0", "no pointer"])
    duplicates(text, 1)
    place(text, offset)


@given(st.text(alphabet='{}[]",:0123-.eE \n', max_size=30))
def test_the_walk_comes_to_the_end_of_json_and_of_nothing_else(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        valid = False
    else:
        valid = True
    *rest, (_, key, _, start, _) = walk(text)
    assert (start == len(text) and key is None and bool(rest) and depth(rest) == 0) == valid


def depth(steps: list[Step]) -> int:
    return sum({1: 1, 2: -1}.get(step[0], 0) for step in steps)


@pytest.mark.parametrize(
    ("text", "pointer", "value"),
    [
        ('{"a": 1, "a": 2}', "/a", "2"),
        ('{"a": 1, "\\u0061": 2}', "/a", "2"),
        ('{"a": {"b": 1}, "a": {"b": 2}}', "/a/b", "2"),
        ('{"a": {"b": 1}, "a": {}}', "/a/b", None),
        ('{"a": {"b": 1}, "a": 7}', "/a/b", None),
        ('{"a": {"b": {"c": 1}}, "a": {"b": 2}}', "/a/b/c", None),
        ('{"a/b": {"m~n": 5}}', "/a~1b/m~0n", "5"),
        ('{"": {"": 5}}', "//", "5"),
        ("[[1, 2], [3, 4]]", "/1/0", "3"),
        ("[[1, 2], [3, 4]]", "/01/0", None),
        ("[1]", "/-", None),
        ('{"0": 1}', "/0", "1"),
        ("[" * 5000 + "7" + "]" * 5000, "/0" * 5000, "7"),
        (' {"a": 1}\n', "", '{"a": 1}'),
        (' {"a": 1', "", '{"a": 1'),
        ('{"a": 1, "b": XXX，""}', "/a", "1"),
        ('{"a": 1, "b": XXX，""}', "/b", None),
        ('{"a": 1, "b": "cut', "/b", None),
        ('{"a": [1, 2', "/a", None),
        ('{"a": [1, 2', "/a/1", "2"),
        (" ", "", None),
        ('{"a": 1}', "a", None),
    ],
)
def test_pointers_find_their_values(text: str, pointer: str, value: str | None) -> None:
    span = locate(text, [pointer]).get(pointer)
    assert (text[span.start : span.end] if span else None) == value


@pytest.mark.parametrize(
    ("text", "listed", "more"),
    [
        ('{"a": 1, "b": 2}', [], 0),
        ('{"a": 1, "a": 2, "a": 3}', [("/a", Span(9, 12))], 0),
        ('{"a": 1, "\\u0061": 2}', [("/a", Span(9, 17))], 0),
        ('{"a": {"a": 1}, "b": {"a": 1}}', [], 0),
        ('[{}, {"x": {"a/": 1, "a/": 2}}]', [("/1/x/a~1", Span(21, 25))], 0),
        ('{"a":0,"a":0,"b":0,"b":0,"c":0,"c":0}', [("/a", Span(7, 10)), ("/b", Span(19, 22))], 1),
        ('{"a": 1, "a": ', [], 0),
    ],
)
def test_repeated_names_are_told_once_each(text: str, listed: list[tuple[str, Span]], more: int) -> None:
    assert duplicates(text, 2) == (listed, more)


@pytest.mark.parametrize(
    ("text", "offset", "at"),
    [
        ("", 0, (1, 1)),
        ("ab\ncd", 1, (1, 2)),
        ("ab\ncd", 2, (1, 3)),
        ("ab\ncd", 3, (2, 1)),
        ("错误\n\n码x", 5, (3, 2)),
    ],
)
def test_places_count_lines_and_characters(text: str, offset: int, at: tuple[int, int]) -> None:
    assert place(text, offset) == at


@pytest.mark.parametrize(("pointer", "parent"), [("", ""), ("/a", ""), ("/a/0", "/a"), ("/a~1b/", "/a~1b")])
def test_what_encloses(pointer: str, parent: str) -> None:
    assert enclosing(pointer) == parent


@given(st.lists(NAMES))
def test_tokens_of_pointers(names: list[str]) -> None:
    assert tokens("".join("/" + escape_token(name) for name in names)) == names


def test_how_tokens_are_escaped() -> None:
    assert escape_token("a/b~c~1") == "a~1b~0c~01"


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1," * 500_000 + "1]",
        "[" + "[],{}," * 170_000 + "1]",
        "{" + '"a":1,' * 170_000 + '"a":1}',
        "[" * 1_000_000,
        '["' + r"\n" * 500_000,
        '{"a":' * 200_000,
        '"' * 1_000_000,
        " " * 1_000_000,
    ],
    ids=lambda text: text[:8],
)
@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_dense_mebibyte_is_read_in_one_pass(text: str) -> None:
    locate(text, ["/error/code"])
    duplicates(text, 100)  # Quadratic cost would take minutes, and run into the time limit.
