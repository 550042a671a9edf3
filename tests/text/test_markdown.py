"""Text in Markdown, read back by a parser of CommonMark (which rich brings)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from taskaudit.contract.excerpt import escape
from taskaudit.text.markdown import block, code, prose

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(line: str) -> str:
    """What a reader sees of a line; fails on anything but text and code."""
    (_, inline, _) = PARSER.parse(line)
    assert inline.children is not None
    assert {token.type for token in inline.children} <= {"text", "code_inline"}
    return "".join(token.content for token in inline.children)


@pytest.mark.parametrize(
    "text",
    [
        "Number 400",
        'String "The flavor is sold out."',
        "Object (2 members)",
        "/v1/{project_id}/cloudservers",
        "ecs:BatchRebootServers|BatchStartServers",
        '"，" (U+FF0C): expected value',
        "任务 ID",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert prose(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "@octocat",
        "#12",
        "https://evil.example",
        "www.evil.example",
        "WWW.evil.example",
        ":bomb:",
        "_all_",
        "a _b_ c",
        "**bold**",
        "~~gone~~",
        "[a](b)",
        "![a](b)",
        "<img src=x>",
        "a & b",
        "&#64;octocat",
        r"back\slash",
        "$math$",
        "`code`",
        "``` fence",
        "",
    ],
)
def test_all_else_is_code(text: str) -> None:
    assert prose(text) == code(text)
    assert shown(f"x {code(text)} y") == f"x {text or ' '} y"


def test_line_feeds_and_controls_are_escapes() -> None:
    assert prose("a\n# b") == r"`a\n# b`"
    assert code("\x1b[31m\u202e") == r"`\u001b[31m\u202e`"


def test_long_text_is_cut() -> None:
    assert prose("a" * 300, 10) == "aaaaaaaaa…"
    assert code("`" * 300, 4) == "```` ```… ````"


@given(st.text(max_size=40))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert shown(f"x:{prose(text)}:y") == f"x:{escape(text) or ' '}:y"


@pytest.mark.parametrize("text", ["plain", "```", "a\n````\nb", "~~~"])
def test_a_block_ends_where_it_should(text: str) -> None:
    tokens = PARSER.parse(f"{block(text, 'sh')}\n\nafter")
    assert [(token.type, token.content) for token in tokens if token.content] == [
        ("fence", f"{text}\n"),
        ("inline", "after"),
    ]
