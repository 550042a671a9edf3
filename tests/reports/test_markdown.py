"""The report as Markdown, read back by a parser of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.words import Language
from taskaudit.reports import markdown
from taskaudit.reports.markdown import FINDING_HEADS, JOB_HEADS, OPERATION_HEADS, WORDS, as_markdown, cell
from tests.reports.runs import HOSTILE, RUN, hostile, refused, report_on, reported
from tests.stories import submit

PARSER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])


@pytest.mark.parametrize("language", Language)
def test_it_looks_like_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: Language, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(markdown, "__version__", "1.2.3")
    assert as_markdown(reported(tmp_path, RUN), language).replace(str(tmp_path), "FOLDER") == snapshot


def cells(line: str) -> list[str]:
    """The cells of a row, as a reader sees them."""
    table = f"| a | b |\n| --- | --- |\n{line}\n"
    inline = [token for token in PARSER.parse(table) if token.type == "inline"][2:]
    return ["".join(child.content for child in token.children or ()) for token in inline]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a|b"),
        ("|", "|"),
        ("||", "||"),
        (r"\|", r"\\u007c"),
        (r"a\\|b", r"a\\\u007cb"),
        ("`|`", "`|`"),
        ("a\\", "a\\"),
        ("<b>@a</b>", "<b>@a</b>"),
        ("a\nb", r"a\nb"),
        ("", "–"),
    ],
)
def test_a_cell_holds_its_text_and_ends_where_it_should(text: str, shown: str) -> None:
    assert cells(f"| {cell(text)} | end |") == [shown, "end"]


def test_what_is_hostile_is_only_text_and_code(tmp_path: Path) -> None:
    text = as_markdown(reported(tmp_path, hostile()), Language.EN)
    tokens = PARSER.parse(text)
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "code_inline", "softbreak", "strong_open", "strong_close"}
    assert "html_block" not in {token.type for token in tokens}
    code = [
        child.content for token in tokens for child in token.children or () if child.type == "code_inline"
    ]
    prose = [child.content for token in tokens for child in token.children or () if child.type == "text"]
    assert any(HOSTILE[:60] in each for each in code)
    assert not [each for each in prose if "@" in each or "evil" in each or "::" in each]


def test_every_thing_has_a_row_of_its_own(tmp_path: Path) -> None:
    report = reported(tmp_path, [*hostile(), *RUN])
    tokens = [token.type for token in PARSER.parse(as_markdown(report, Language.EN))]
    things = len(report.findings) + len(report.jobs) + len(report.operations)
    assert tokens.count("thead_open") == 3
    assert tokens.count("tr_open") == 3 + things
    widths = len(FINDING_HEADS), len(JOB_HEADS), len(OPERATION_HEADS)
    assert tokens.count("th_open") == sum(widths)
    counts = len(report.findings), len(report.jobs), len(report.operations)
    assert tokens.count("td_open") == sum(n * width for n, width in zip(counts, widths, strict=True))


def test_of_many_jobs_the_worst_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    run = [submit(n, f"job-{n}") for n in range(1, 61)]
    text = as_markdown(reported(tmp_path, [*run, submit(70, "job-60")]), Language.EN)
    table = text.partition("## Jobs")[2].partition("##")[0]
    assert table.count("`job-") == markdown.MOST_JOBS
    assert "`job-60`" in table.splitlines()[4]
    assert "10 more jobs are not shown" in table


@pytest.mark.parametrize("name", ["MOST_FINDINGS", "MOST_OPERATIONS", "MOST_LINES"])
def test_what_is_left_out_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(markdown, name, 1)
    report = report_on(*(tmp_path / each for each in "ab"))
    if name != "MOST_LINES":
        report = reported(tmp_path, [refused(n, path=f"/v{n}/x") for n in range(1, 4)])
    text = as_markdown(report, Language.EN)
    assert {"MOST_LINES": "and 1 more", "MOST_FINDINGS": "2 more groups", "MOST_OPERATIONS": "2 more op"}[
        name
    ] in text


def test_every_word_is_in_each_language() -> None:
    assert all(words.en and words.zh and words.en != words.zh for words in WORDS.values())
